"""Checking what a query says of the entity that it loads.

An entity is referred to by its key alone, by callers and by other services. So its key must name it
wholly and always be there, must load it, and must not be personal data: keys stand in ids.
"""

from collections.abc import Iterator, Mapping

from gateway.contracts.drafts import Draft
from gateway.contracts.findings import Findings, nearest
from gateway.contracts.paths import Fields, coverings, pii_of
from gateway.model.contract import Entity, Kind, ObjectType, OperationContract
from gateway.model.types import SCALARS, TypeRef

KEY_SCALARS = SCALARS - {"Float", "Latitude", "Longitude", "Boolean", "JSON", "JSONObject"}
"""Scalars whose values can be a key: texts and whole numbers, which compare exactly."""


def entity_fields(contract: OperationContract, entity: Entity) -> Fields | None:
    """The fields of the entity that a contract loads; None where there is no such object."""
    if entity.within is None:
        return contract.output
    ref = contract.output.get(entity.within)
    named = contract.types.get(ref.name) if ref is not None else None
    return named.fields if isinstance(named, ObjectType) else None


def check_entity(draft: Draft, contract: OperationContract, findings: Findings) -> None:
    """Note an entity that its contract cannot load by its key alone."""
    entity = contract.entity
    if entity is None:
        return
    if contract.kind is not Kind.QUERY:
        message = "only a query loads an entity; remove 'entity'"
        findings.add(draft.node.key_place("entity"), "CONTRACT_VALUE_INVALID", message)
    fields = entity_fields(contract, entity)
    if fields is None:
        message = f"the output has no single object {entity.within!r}; name a field that is one"
        findings.add(draft.node.place("entity", "in"), "CONTRACT_REFERENCE_UNKNOWN", message)
        return
    for name, given in entity.key.items():
        at = draft.node.key_place("entity", "key", name)
        for code, message in _key_faults(contract, entity, fields, name, given):
            findings.add(at, code, message)
    _check_input(draft, contract, entity, findings)


def _key_faults(
    contract: OperationContract, entity: Entity, fields: Fields, name: str, given: str
) -> Iterator[tuple[str, str]]:
    """What is wrong with one field of a key: codes and messages."""
    held, taken = fields.get(name), contract.input.get(given)
    if held is None:
        message = f"the entity has no field {name!r}{nearest(name, fields)}; mend it"
        yield "CONTRACT_REFERENCE_UNKNOWN", message
    elif not held.required or held.name not in KEY_SCALARS:
        message = f"{name!r} is {held}; a key is text or a whole number that is always there (ID!)"
        yield "CONTRACT_VALUE_INVALID", message
    if taken is None:
        message = f"the input has no field {given!r}{nearest(given, contract.input)}; mend it"
        yield "CONTRACT_REFERENCE_UNKNOWN", message
    elif held is not None and taken.name != held.name:
        message = f"{name!r} is {held} and the input {given!r} is {taken}; give both one type"
        yield "CONTRACT_VALUE_INVALID", message
    path = name if entity.within is None else f"{entity.within}.{name}"
    if any(coverings(path, contract.policy.pii)) or any(coverings(given, contract.policy.pii)):
        message = f"{name!r} is personal data, and keys stand in ids; let another field be the key"
        yield "CONTRACT_VALUE_INVALID", message


def _check_input(
    draft: Draft, contract: OperationContract, entity: Entity, findings: Findings
) -> None:
    given = list(entity.key.values())
    at = draft.node.place("entity", "key")
    missing = [name for name, ref in contract.input.items() if ref.required and name not in given]
    for name in missing:
        message = f"the input {name!r} is required and not in the key; make it nullable"
        findings.add(at, "CONTRACT_VALUE_INVALID", message)
    for name in sorted({name for name in given if given.count(name) > 1}):
        message = f"the input {name!r} takes two fields of the key; give each its own"
        findings.add(at, "CONTRACT_DUPLICATE", message)


def check_entities(
    operations: Mapping[str, OperationContract], drafts: Mapping[str, Draft], findings: Findings
) -> None:
    """Note types that two contracts load, and keys that another contract calls personal data.

    ``drafts`` are the files of the operations, by reference.
    """
    loaded: dict[tuple[str, str], OperationContract] = {}
    for contract in operations.values():
        name = _named(contract)
        if name is None:
            continue
        before = loaded.setdefault((contract.meta.domain, name), contract)
        if before.key != contract.key:
            message = f"{before.ref} loads the type {name} already; keep one of the two entities"
            at = drafts[contract.ref].node.key_place("entity")
            findings.add(at, "CONTRACT_DUPLICATE", message)
    for contract in operations.values():
        _check_shared(contract, loaded, drafts[contract.ref], findings)


def _check_shared(
    contract: OperationContract,
    loaded: Mapping[tuple[str, str], OperationContract],
    draft: Draft,
    findings: Findings,
) -> None:
    """Note where a contract calls personal data what is a key of a type that another loads, or
    what such a type stands in."""
    domain = contract.meta.domain
    for path in pii_of(contract, "output"):
        *way, last = path.split(".")
        found = [loaded.get((domain, name)) for name in _types_inside(contract, [*way, last])]
        around = loaded.get((domain, _type_at(contract, way)))
        if around is not None and around.entity is not None and last in around.entity.key:
            found.append(around)
        loader = next(filter(None, found), None)
        if loader is not None:
            message = (
                f"{path!r} is personal data here and is or holds the key of what {loader.ref} "
                "loads; keys stand in ids, so choose one of the two"
            )
            findings.add(draft.node.place("policy", "pii"), "CONTRACT_VALUE_INVALID", message)


def _types_inside(contract: OperationContract, way: list[str]) -> list[str]:
    """The object types that a value at a path of the output may hold, itself among them."""
    found: dict[str, None] = {}
    waiting = [_type_at(contract, way)]
    while waiting:
        named = contract.types.get(name := waiting.pop())
        if isinstance(named, ObjectType) and name not in found:
            found[name] = None
            waiting += [ref.named for ref in named.fields.values()]
    return list(found)


def _named(contract: OperationContract) -> str | None:
    """The named type of the entity that a contract loads; None for none, and for the output."""
    if contract.entity is None or contract.entity.within is None:
        return None
    ref = contract.output.get(contract.entity.within)
    return ref.name if ref is not None else None


def _type_at(contract: OperationContract, way: list[str]) -> str:
    """The named type to which a path into the output leads; empty for the output itself."""
    fields: Mapping[str, TypeRef] = contract.output
    name = ""
    for step in way:
        name = fields[step].named
        inner = contract.types.get(name)
        fields = inner.fields if isinstance(inner, ObjectType) else {}
        if not fields:
            break
    return name
