"""The types of contracts under the names that they have in a schema.

Every shape is declared before any is built (``building.py``), because types refer to one another,
and because a nested type belongs to many contracts, any of which may declare one of its fields as
PII.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.contracts import graphql_type_name, pii_of
from gateway.model.contract import EnumType, NamedType, ObjectType, OperationContract
from gateway.model.pii import ANY_CLASS, PiiClasses
from gateway.model.types import SCALARS, TypeRef


@dataclass(slots=True)
class Shape:
    """An object type about to be built.

    ``names`` leads from a type's name in the contract file to its GraphQL name; ``pii`` are the
    fields that some contract declares as personal data, with their classes.
    """

    name: str
    is_input: bool
    fields: Mapping[str, TypeRef]
    names: dict[str, str] = field(default_factory=dict)
    pii: dict[str, set[str]] = field(default_factory=dict)


Definition = tuple[str, object]


class TypeSet:
    """All types of one schema, each under one GraphQL name.

    ``shapes`` are the object types, ``enums`` the values of the enum types, by GraphQL name.
    Contracts of a domain share their nested types. Where a version of a contract defines a
    type differently from the type that already has the name, its own gets the suffix
    ``V<major>``.
    """

    def __init__(self) -> None:
        self.shapes: dict[str, Shape] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self._claimed: dict[str, Definition] = dict.fromkeys(
            (*SCALARS, "Query", "Mutation", "Subscription", "Node", "PageInfo"), ("built in", None)
        )

    def declare(self, contract: OperationContract, prefix: str) -> None:
        """Declare ``<prefix>Input`` (if there is input), ``<prefix>Output`` and all they reach.

        Raises:
            ValueError: a name that different definitions claim.
        """
        if contract.input:
            self._declare_side(contract, prefix + "Input", contract.input, is_input=True)
        self._declare_side(contract, prefix + "Output", contract.output, is_input=False)

    def name_in(self, owner: str, name: str) -> str:
        """The GraphQL name of what the fields of the type ``owner`` call ``name``."""
        return self.shapes[owner].names[name]

    def reserve(self, name: str, contract: OperationContract) -> None:
        """Keep a name for a type that the schema makes of ``contract`` by itself.

        Raises:
            ValueError: the name is another type's.
        """
        if not self._claim(name, ("made of", contract.ref)):
            raise _taken(name, contract)

    def _declare_side(
        self,
        contract: OperationContract,
        name: str,
        fields: Mapping[str, TypeRef],
        *,
        is_input: bool,
    ) -> None:
        if not self._claim(name, ("operation", contract.ref)):
            raise _taken(name, contract)
        shape = Shape(name, is_input, fields)
        self.shapes.setdefault(name, shape)
        self._reach(contract, shape)
        for path in pii_of(contract, "input" if is_input else "output"):
            self._mark(shape, path, contract.policy.pii_classes.get(path, ANY_CLASS))

    def _reach(self, contract: OperationContract, root: Shape) -> None:
        """Declare every type that ``root`` leads to."""
        todo = [root]
        while todo:
            shape = todo.pop()
            for ref in shape.fields.values():
                if ref.named in SCALARS or ref.named in shape.names:
                    continue
                named = contract.types[ref.named]
                name = self._name_for(contract, named, is_input=shape.is_input)
                shape.names[ref.named] = name
                if isinstance(named, EnumType):
                    self.enums[name] = named.values
                elif name not in self.shapes:
                    self.shapes[name] = Shape(name, shape.is_input, named.fields)
                    todo.append(self.shapes[name])

    def _name_for(self, contract: OperationContract, named: NamedType, *, is_input: bool) -> str:
        base = graphql_type_name(contract.meta.domain, named.name)
        suffix = "Input" if is_input and isinstance(named, ObjectType) else ""
        definition = (f"type{suffix}", _closure(contract.types, named))
        major = contract.meta.version.partition(".")[0]
        for name in (base + suffix, f"{base}V{major}{suffix}"):
            if self._claim(name, definition):
                return name
        raise _taken(base + suffix, contract)

    def _claim(self, name: str, definition: Definition) -> bool:
        return self._claimed.setdefault(name, definition) == definition

    def _mark(self, shape: Shape, path: str, classes: PiiClasses) -> None:
        head, _, rest = path.partition(".")
        inner = shape.names.get(shape.fields[head].named)
        if rest and inner in self.shapes:
            self._mark(self.shapes[inner], rest, classes)
        else:  # the field itself, or somewhere inside a JSON value
            shape.pii.setdefault(head, set()).update(classes)


def _taken(name: str, contract: OperationContract) -> ValueError:
    return ValueError(
        f"the GraphQL type {name} is already another one; rename the type in the contract "
        f"{contract.ref} ({contract.meta.source or 'no file'})"
    )


def _closure(named_types: Mapping[str, NamedType], named: NamedType) -> dict[str, NamedType]:
    """``named`` and every type that it reaches: equal closures mean the same type."""
    found = {named.name: named}
    todo: list[NamedType] = [named]
    while todo:
        current = todo.pop()
        for name in _references(current):
            if name not in found:
                found[name] = named_types[name]
                todo.append(named_types[name])
    return found


def _references(named: NamedType) -> Iterable[str]:
    if isinstance(named, EnumType):
        return ()
    return [ref.named for ref in named.fields.values() if ref.named not in SCALARS]
