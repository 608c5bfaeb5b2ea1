"""Changes of the directives that are applied in a schema.

Those of this gateway carry facts of contracts (@contract, @auth, @pii), those of federation demand
something of callers; what becomes of them is told by the rules for contracts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from graphql import (
    ConstDirectiveNode,
    GraphQLNamedType,
    GraphQLSchema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    value_from_ast_untyped,
)

from gateway.contracts.changes import Change, auth_code, change, risk_code, stability_code
from gateway.model.contract import AuthLevel, Risk, Stability

_DEMANDS = frozenset({"authenticated", "requiresScopes", "policy"})
"""Directives without which more callers are let through."""

_SHOWN = 160
"""How much of a directive is told."""

_WORDS = re.compile(r"[{}]|\w+")
"""What a set of fields is made of, as federation writes it."""

_Arguments = Mapping[str, Any]
_Applied = dict[str, list[_Arguments]]
_Word = TypeVar("_Word", bound=StrEnum)


def applied_changes(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    """What differs in the directives of whatever both schemas have."""
    before, after = dict(_elements(old)), dict(_elements(new))
    for where in before.keys() & after.keys():
        applied = (before[where], after[where])
        for name in before[where].keys() | after[where].keys():
            was, became = (one.get(name, []) for one in applied)
            if was != became:
                yield from _changes(name, where, was, became)


def _elements(schema: GraphQLSchema) -> Iterator[tuple[str, _Applied]]:
    """Everything to which directives may be applied, by its coordinate."""
    yield "schema", _applied(schema)
    for name, one in schema.type_map.items():
        if is_introspection_type(one):
            continue
        yield name, _applied(one)
        yield from _parts(name, one)
    for directive in schema.directives:
        for name, taken in directive.args.items():
            yield f"@{directive.name}({name}:)", _applied(taken)


def _parts(name: str, one: GraphQLNamedType) -> Iterator[tuple[str, _Applied]]:
    if is_enum_type(one):
        for value, declared in one.values.items():
            yield f"{name}.{value}", _applied(declared)
    elif is_input_object_type(one):
        for field, given in one.fields.items():
            yield f"{name}.{field}", _applied(given)
    elif is_object_type(one) or is_interface_type(one):
        for field, told in one.fields.items():
            yield f"{name}.{field}", _applied(told)
            for argument, taken in told.args.items():
                yield f"{name}.{field}({argument}:)", _applied(taken)


def _applied(element: Any) -> _Applied:
    """The directives of an element by name, each with its arguments."""
    nodes = [element.ast_node, *getattr(element, "extension_ast_nodes", ())]
    found: _Applied = {}
    for node in nodes:
        for directive in (node.directives or ()) if node is not None else ():
            found.setdefault(directive.name.value, []).append(_arguments(directive))
    return found


def _arguments(directive: ConstDirectiveNode) -> _Arguments:
    return {one.name.value: value_from_ast_untyped(one.value) for one in directive.arguments or ()}


def _changes(
    name: str, where: str, was: list[_Arguments], became: list[_Arguments]
) -> Iterator[Change]:
    told = f"{_written(name, was)} became {_written(name, became)}"
    if name == "key":
        yield change(_of_keys(_keys(was), _keys(became)), where, told)
        return
    reader = _READERS.get(name)
    if reader is not None and max(len(was), len(became)) == 1:
        codes = reader(was[0] if was else None, became[0] if became else None)
    elif name in _DEMANDS and not (was and became):
        codes = {"auth-raised" if became else "auth-lowered"}
    else:
        codes = {""}
    for code in codes:
        yield change(code or "applied-directive-changed", where, told)


def _keys(applied: list[_Arguments]) -> set[tuple[str, str]]:
    """What the keys of an entity are good for: by the fields of each, others refer to it, and load
    it unless the key says otherwise."""
    found: set[tuple[str, str]] = set()
    for one in applied:
        fields = _selected(str(one.get("fields")))
        found.add((fields, "refer"))
        if one.get("resolvable") is not False:
            found.add((fields, "load"))
    return found


def _selected(fields: str) -> str:
    """The leaves of the fields of a key, since their order and what divides them mean nothing."""
    found, around = list[str](), list[str]()
    words = _WORDS.findall(fields)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "}":
            around = around[:-1]
        elif following == "{":
            around.append(word)
        elif word != "{":
            found.append(".".join([*around, word]))
    return " ".join(sorted(found))


def _of_keys(was: set[tuple[str, str]], became: set[tuple[str, str]]) -> str:
    """The code of what differs in the ``@key`` of a type: other subgraphs refer to it by them."""
    if was - became and became - was:
        return "entity-key-changed"
    if was == became:
        return "applied-directive-changed"
    return "entity-removed" if was - became else "entity-added"


def _of_contract(was: _Arguments | None, became: _Arguments | None) -> set[str]:
    """The codes of what differs in two ``@contract``; an empty one for what nobody knows."""
    if was is None or became is None:
        return {""}
    names = {name for name in was.keys() | became.keys() if was.get(name) != became.get(name)}
    return {_of_argument(name, was.get(name), became.get(name)) for name in names}


def _of_argument(name: str, was: object, became: object) -> str:
    if name == "risk":
        risk, risk_now = _word(Risk, was), _word(Risk, became)
        return risk_code(risk, risk_now) if risk and risk_now else ""
    if name == "stability":
        old, new = _word(Stability, was), _word(Stability, became)
        return stability_code(old, new) if old and new else ""
    return _ARGUMENTS.get(name, "")


_ARGUMENTS = {
    "key": "contract-replaced",
    "version": "contract-replaced",
    "capability": "capability-changed",
    "owners": "owners-changed",
}
"""What a change of any other argument of ``@contract`` falls under."""


def _of_auth(was: _Arguments | None, became: _Arguments | None) -> set[str]:
    if was is None or became is None:
        return {"auth-lowered" if became is None else "auth-raised"}
    old, new = (_word(AuthLevel, one.get("level")) for one in (was, became))
    return {auth_code(old, new) if old and new else ""}


def _of_pii(was: _Arguments | None, became: _Arguments | None) -> set[str]:
    """On a root field ``@pii`` sums up what the directives of its fields say one by one."""
    sums_up = "paths" in (was or {}) or "paths" in (became or {})
    if sums_up or (was is not None and became is not None):
        return {"pii-classes-changed"}
    return {"pii-declared" if was is None else "pii-undeclared"}


def _of_deprecated(was: _Arguments | None, became: _Arguments | None) -> set[str]:
    if was is not None and became is not None:
        return {"description-changed"}
    return {"deprecated" if was is None else "undeprecated"}


def _of_inaccessible(was: _Arguments | None, _became: _Arguments | None) -> set[str]:
    return {"hidden-by-routers" if was is None else "shown-by-routers"}


def _of_one_of(was: _Arguments | None, became: _Arguments | None) -> set[str]:
    return {"one-of-demanded" if was is None else "one-of-waived"}


_READERS: Mapping[str, Callable[[_Arguments | None, _Arguments | None], set[str]]] = {
    "contract": _of_contract,
    "auth": _of_auth,
    "pii": _of_pii,
    "deprecated": _of_deprecated,
    "inaccessible": _of_inaccessible,
    "oneOf": _of_one_of,
}


def _word(kind: type[_Word], value: object) -> _Word | None:
    """The value of an enum; None for what is none, as in a schema of somebody else."""
    return next((one for one in kind if one.value == value), None)


def _written(name: str, applied: list[_Arguments]) -> str:
    """Directives as they are told, cut where they are long."""
    text = " ".join(_directive(name, arguments) for arguments in applied) or f"no @{name}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _directive(name: str, arguments: _Arguments) -> str:
    given = ", ".join(f"{key}: {value!r}" for key, value in arguments.items())
    return f"@{name}({given})" if given else f"@{name}"
