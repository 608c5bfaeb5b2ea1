"""Changes of shapes: fields of inputs and outputs, and the types that they lead to.

Whether one type may follow another is as in graphql-core: an input may take more, an output may
promise more.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.contracts.changes.change import Change
from gateway.contracts.changes.rules import change
from gateway.contracts.names import graphql_type_name
from gateway.contracts.paths import Fields, Types
from gateway.model.contract import EnumType, ObjectType
from gateway.model.types import TypeRef


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a contract: its fields with the types that they use, and its paths of PII.

    A field of PII is nullable in an output, whatever its type says, since it may be left out. A
    type that contracts share is nullable there for all of them: ``shared`` are the fields, by the
    name of their type, that any of them declares.
    """

    fields: Fields
    types: Types
    pii: tuple[str, ...]
    shared: Mapping[str, Collection[str]] = field(default_factory=dict)

    def told(self, is_input: bool) -> Mapping[str, Fields]:
        """The fields of the side itself (under an empty name) and of each object type that it
        reaches, with the types that callers see."""
        found: dict[str, dict[str, TypeRef]] = {"": dict(self.fields)}
        todo = [ref.named for ref in self.fields.values()]
        while todo:
            named = self.types.get(name := todo.pop())
            if isinstance(named, ObjectType) and name not in found:
                found[name] = dict(named.fields)
                todo += [ref.named for ref in named.fields.values()]
        if not is_input:
            ends = {end for path in self.pii if (end := _end_of(path, found))}
            ends |= {(name, one) for name in found for one in self.shared.get(name, ())}
            for name, one in ends:
                ref = found[name][one]
                found[name][one] = TypeRef(False, ref.name, ref.items)
        return found

    def declared(self) -> Iterator[tuple[str, str]]:
        """The fields of nested types that its paths of PII end at: type and field."""
        found = self.told(is_input=True)
        ends = (_end_of(path, found) for path in self.pii)
        yield from (end for end in ends if end and end[0])

    def enums(self) -> Mapping[str, EnumType]:
        """The enums that the side reaches."""
        fields = self.told(is_input=True).values()
        names = {ref.named for part in fields for ref in part.values()}
        used = ((name, self.types.get(name)) for name in names)
        return {name: one for name, one in used if isinstance(one, EnumType)}


def _end_of(path: str, found: Mapping[str, Fields]) -> tuple[str, str] | None:
    """The type and the field that a path of PII ends at; None where it leads nowhere."""
    name = ""
    *way, last = path.split(".")
    for step in way:
        ref = found[name].get(step)
        if ref is None or ref.named not in found:  # inside a JSON value
            last = step
            break
        name = ref.named
    return (name, last) if last in found[name] else None


def side_changes(
    where: str, domain: str, old: Side, new: Side, *, is_input: bool
) -> Iterator[Change]:
    """What differs between two sides. Types are named as in GraphQL, wherever they are used."""
    before, after = old.told(is_input), new.told(is_input)
    for name in before.keys() & after.keys():
        suffix = "Input" if is_input else ""
        place = f"{graphql_type_name(domain, name)}{suffix}" if name else where
        yield from _field_changes(place, before[name], after[name], is_input=is_input)
    enums, later = old.enums(), new.enums()
    for name in enums.keys() & later.keys():
        yield from _value_changes(graphql_type_name(domain, name), enums[name], later[name])
    for name in (before.keys() & later.keys()) | (enums.keys() & after.keys()):
        told = "an object became an enum" if name in before else "an enum became an object"
        yield change("type-changed-kind", graphql_type_name(domain, name), told)


def _field_changes(place: str, old: Fields, new: Fields, *, is_input: bool) -> Iterator[Change]:
    for name in old.keys() - new.keys():
        yield change("field-removed", f"{place}.{name}", f"{name}: {old[name]} was removed")
    for name in new.keys() - old.keys():
        code = "field-added"
        if is_input:
            code = f"{'required' if new[name].required else 'optional'}-input-field-added"
        yield change(code, f"{place}.{name}", f"{name}: {new[name]} was added")
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        if before != after:
            fits = _follows(before, after) if is_input else _follows(after, before)
            code = "field-changed-kind-safe" if fits else "field-changed-kind"
            yield change(code, f"{place}.{name}", f"its type {before} became {after}")


def _follows(narrow: TypeRef, wide: TypeRef) -> bool:
    """True if every value of ``narrow`` is one of ``wide``, by their lists and marks alone."""
    if wide.required and not narrow.required:
        return False
    if narrow.items is None or wide.items is None:
        return narrow.items is wide.items and narrow.name == wide.name
    return _follows(narrow.items, wide.items)


def _value_changes(place: str, old: EnumType, new: EnumType) -> Iterator[Change]:
    for value in set(old.values) - set(new.values):
        yield change("value-removed-from-enum", f"{place}.{value}", f"{value} was removed")
    for value in set(new.values) - set(old.values):
        yield change("value-added-to-enum", f"{place}.{value}", f"{value} was added")
