"""Named types: which ones a file sees, whether all of them exist, and which ones it reaches."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings, suggestion
from gateway.contracts.type_shapes import TypeBody
from gateway.model.contract import EnumType, NamedType, ObjectType
from gateway.model.types import SCALARS, TypeRef

Scope: TypeAlias = Mapping[str, TypeBody]
"""Named types by their name in the file."""

SECTIONS = ("input", "output", "payload")
"""The parts of a contract file that hold fields."""


def shared_types(drafts: Iterable[Draft], findings: Findings) -> dict[str, dict[str, TypeBody]]:
    """The types that files of kind ``types`` share, by domain."""
    shared: dict[str, dict[str, TypeBody]] = {}
    first: dict[tuple[str, str], str] = {}
    for draft in drafts:
        of_domain = shared.setdefault(draft.domain, {})
        for name, body in draft.read.get("types", {}).items():
            at = draft.node.key_place("types", name)
            if name in of_domain:
                before = first[draft.domain, name]
                message = f"the shared type {name!r} is already at {before}; keep one of them"
                findings.add(at, "CONTRACT_DUPLICATE", message)
                continue
            of_domain[name] = body
            first[draft.domain, name] = at
    return shared


def check_types(draft: Draft, shared: Scope, findings: Findings) -> dict[str, TypeBody]:
    """Note every issue of the named types in ``draft``; returns all types that it sees."""
    own: dict[str, TypeBody] = draft.read.get("types", {})
    scope = {**shared, **own}
    for name, body in own.items():
        at = draft.node.key_place("types", name)
        if name in SCALARS:
            message = f"{name!r} is the name of a scalar; choose another name"
            findings.add(at, "CONTRACT_NAME_CLASH", message)
        elif draft.kind != "types" and shared.get(name, body) != body:
            message = f"{name!r} is shared by the domain with another content; choose another name"
            findings.add(at, "CONTRACT_NAME_CLASH", message)
        elif isinstance(body, dict) and _contains_itself(name, scope):
            message = (
                f"every {name} would need another {name} inside; make a field on the way nullable"
            )
            findings.add(at, "CONTRACT_VALUE_INVALID", message)
    for place, ref in _references(draft, own):
        if ref.named not in SCALARS and ref.named not in scope:
            hint = suggestion(ref.named, [*SCALARS, *scope]) or "; declare it under 'types'"
            findings.add(
                draft.node.place(*place),
                "CONTRACT_TYPE_UNKNOWN",
                f"there is no type {ref.named!r}{hint}",
            )
    return scope


def _references(draft: Draft, own: Scope) -> Iterator[tuple[tuple[str, ...], TypeRef]]:
    for section in SECTIONS:
        for name, ref in draft.read.get(section, {}).items():
            yield (section, name), ref
    for type_name, body in own.items():
        if isinstance(body, dict):
            for name, ref in body.items():
                yield ("types", type_name, name), ref


def _contains_itself(name: str, scope: Scope) -> bool:
    """True if a value of type ``name`` cannot end: non-null fields lead back to it."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        body = scope.get(waiting.pop())
        if not isinstance(body, dict):
            continue
        inner = {ref.name for ref in body.values() if ref.required and ref.name}
        if name in inner:
            return True
        waiting.extend(inner - seen)
        seen |= inner
    return False


def reached(fields: Iterable[TypeRef], scope: Scope) -> dict[str, NamedType]:
    """Every named type that values of these fields may hold, by name."""
    found: dict[str, NamedType] = {}
    waiting = [ref.named for ref in fields]
    while waiting:
        name = waiting.pop()
        body = scope.get(name)
        if body is None or name in found:
            continue
        if isinstance(body, dict):
            found[name] = ObjectType(name, body)
            waiting.extend(ref.named for ref in body.values())
        else:
            found[name] = EnumType(name, body)
    return dict(sorted(found.items()))
