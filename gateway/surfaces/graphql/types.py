"""Contract types as Strawberry types: first every shape is declared, then all are built.

Two steps, because types refer to one another, and because a nested type belongs to many
contracts, any of which may declare one of its fields as PII.
"""

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field
from enum import Enum
from typing import Any, Optional

import strawberry

from gateway.contracts import graphql_type_name, pii_of
from gateway.model.contract import EnumType, NamedType, ObjectType, OperationContract
from gateway.model.pii import ANY_CLASS, PiiClasses
from gateway.model.types import SCALARS, TypeRef
from gateway.surfaces.graphql.directives import PiiDirective
from gateway.surfaces.graphql.scalars import SCALAR_TYPES


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

    Contracts of a domain share their nested types. Where a version of a contract defines a
    type differently from the type that already has the name, its own gets the suffix
    ``V<major>``.
    """

    def __init__(self) -> None:
        self._shapes: dict[str, Shape] = {}
        self._enums: dict[str, tuple[str, ...]] = {}
        self._claimed: dict[str, Definition] = dict.fromkeys(
            (*SCALARS, "Query", "Mutation", "Subscription"), ("built in", None)
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
        return self._shapes[owner].names[name]

    def build(self) -> dict[str, Any]:
        """The Strawberry class of every declared type, by GraphQL name."""
        built: dict[str, Any] = {name: _enum(name, self._enums[name]) for name in self._enums}
        built.update({name: types.new_class(name) for name in self._shapes})
        for shape in self._shapes.values():
            _fill(shape, built)
        return built

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
        self._shapes.setdefault(name, shape)
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
                    self._enums[name] = named.values
                elif name not in self._shapes:
                    self._shapes[name] = Shape(name, shape.is_input, named.fields)
                    todo.append(self._shapes[name])

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
        if rest and inner in self._shapes:
            self._mark(self._shapes[inner], rest, classes)
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


def _enum(name: str, values: tuple[str, ...]) -> Any:
    # Member names get a prefix: Python's Enum refuses some (mro), GraphQL does not.
    members = {f"value_{value}": strawberry.enum_value(value, name=value) for value in values}
    made: Any = Enum(name, members)  # type: ignore[misc]  # its members are known at run time only
    return strawberry.enum(made, name=name)


def _fill(shape: Shape, built: Mapping[str, Any]) -> None:
    """Give the empty class of ``shape`` its fields and make it a Strawberry type."""
    cls = built[shape.name]
    cls.__annotations__ = {}
    for name, ref in shape.fields.items():
        # Field names get a prefix: dataclasses refuse Python's keywords, contracts do not.
        python_name = f"field_{name}"
        hidden = name in shape.pii
        required = ref.required and not (hidden and not shape.is_input)
        cls.__annotations__[python_name] = _annotation(ref, required, shape.names, built)
        default = strawberry.UNSET if shape.is_input and not required else MISSING
        directives = [PiiDirective(classes=sorted(shape.pii[name]))] if hidden else []
        setattr(
            cls, python_name, strawberry.field(name=name, default=default, directives=directives)
        )
    decorate = strawberry.input if shape.is_input else strawberry.type
    decorate(cls, name=shape.name)


def _annotation(
    ref: TypeRef, required: bool, names: Mapping[str, str], built: Mapping[str, Any]
) -> Any:
    inner: Any
    if ref.items:
        inner = list[_annotation(ref.items, ref.items.required, names, built)]  # type: ignore[misc]  # made at run time
    elif ref.name in SCALARS:
        inner = SCALAR_TYPES[ref.name]
    else:
        inner = built[names[ref.name]]
    return inner if required else Optional[inner]  # noqa: UP045 - the bar needs a type checker's type
