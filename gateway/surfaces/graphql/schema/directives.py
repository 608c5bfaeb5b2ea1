"""Directives that carry the facts of a contract in the published schema.

They are declarations for readers and tools. Nothing is enforced by them: that is the pipeline.

Strawberry defines them, and prints them (``sdl.py``). Where one is applied, its printer looks for
it in the extensions of the graphql-core type or field, so that is where ``applied`` puts it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLDirective, GraphQLNamedType
from strawberry.federation.schema_directives import ListSize
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

from gateway.model.contract import OperationContract

CONVERTER = GraphQLCoreConverter(StrawberryConfig(), {}, {}, lambda definition: definition.fields)
"""Makes graphql-core definitions of Strawberry's. A ``strawberry.Schema`` has one too, but making a
schema changes ``__Type`` for the whole process."""

_KEPT_AS = GraphQLCoreConverter.DEFINITION_BACKREF


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="contract",
    description="The operation contract behind a field.",
)
class ContractDirective:
    """``@contract``: which contract a root field is, and how settled and risky."""

    key: str
    version: str
    capability: str | None
    owners: list[str]
    stability: str
    risk: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="auth",
    description="The least level of authentication that the contract asks for.",
)
class AuthDirective:
    """``@auth``: anonymous, user or admin."""

    level: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="pii",
    description=(
        "Personal data. On a root field, paths names where it stands in the contract's input and "
        "output. On any other field, classes says what it tells of somebody. An output field so "
        "marked may be masked or left out for a caller, hence is nullable."
    ),
)
class PiiDirective:
    """``@pii``: personal data, on the field itself (classes) or with the contract's paths."""

    paths: list[str] | None = strawberry.UNSET
    classes: list[str] | None = strawberry.UNSET


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description=(
        "How long the list in a field is taken for (IBM GraphQL Cost Directive specification): as "
        "the slicing argument asks, or else assumedSize."
    ),
)
class ListSizeDirective(ListSize):
    """``@listSize``: federation's own, written down where nothing imports it."""


def contract_directive(contract: OperationContract) -> ContractDirective:
    """``@contract`` for a root field that stands for ``contract``."""
    return ContractDirective(
        key=contract.key,
        version=contract.meta.version,
        capability=contract.capability or None,
        owners=list(contract.meta.owners),
        stability=contract.meta.stability.value,
        risk=contract.risk.value,
    )


def contract_directives(contract: OperationContract) -> list[object]:
    """The directives of a contract's root field."""
    found: list[object] = [
        contract_directive(contract),
        AuthDirective(level=contract.policy.auth.value),
    ]
    if contract.policy.pii:
        found.append(PiiDirective(paths=list(contract.policy.pii)))
    return found


@dataclass(frozen=True, slots=True)
class Applied:
    """The directives of one type or field, in the form in which Strawberry's printer reads them.

    The printer also asks whether a type is an input type, and printed as an extension.
    """

    directives: tuple[object, ...]
    is_input: bool = False
    extend: bool = False


def applied(directives: Sequence[object]) -> dict[str, Any]:
    """The extensions of a graphql-core type or field that these directives are applied to."""
    return {_KEPT_AS: Applied(tuple(directives))} if directives else {}


def directives_of(element: Any) -> tuple[object, ...]:
    """The directives that are applied to a graphql-core type or field, in their order."""
    found = element.extensions.get(_KEPT_AS)
    return found.directives if isinstance(found, Applied) else ()


def used_in(types: Iterable[GraphQLNamedType]) -> list[type]:
    """The classes of all directives that are applied in ``types``, in order of first use."""
    return list(dict.fromkeys(type(directive) for one in types for directive in _in_type(one)))


def definition(kind: type) -> GraphQLDirective:
    """The definition that the class of a directive stands for."""
    return CONVERTER.from_schema_directive(kind)


def _in_type(one: GraphQLNamedType) -> Iterator[object]:
    yield from directives_of(one)
    for field in getattr(one, "fields", {}).values():
        yield from directives_of(field)
