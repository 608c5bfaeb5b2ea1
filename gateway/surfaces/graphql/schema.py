"""The GraphQL schema, generated from the registry: one root field for each contract."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from types import new_class
from typing import Annotated, Any, Optional, Protocol

import strawberry
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from gateway.contracts import graphql_field_name, operation_type_prefix
from gateway.model.contract import OperationContract, Stability
from gateway.model.json import JsonObject, JsonValue
from gateway.surfaces.graphql.directives import contract_directives
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.scalars import scalar_map
from gateway.surfaces.graphql.subscriptions import EVENTS, attach_subscription, subscription_type
from gateway.surfaces.graphql.types import TypeSet

Resolver = Callable[..., Awaitable[JsonObject]]


class ContractSource(Protocol):
    """What the schema is generated from: the registry's GraphQL fields by name."""

    @property
    def fields(self) -> Mapping[str, OperationContract]:
        """Each root field's contract."""
        ...


@dataclass(frozen=True, slots=True)
class RootField:
    """A root field: its name, its contract, and what its types' names begin with."""

    name: str
    contract: OperationContract
    prefix: str


def build_schema(registry: ContractSource) -> strawberry.Schema:
    """The schema of ``registry.fields``: queries and mutations by kind, in order of name, and the
    subscription to events where the registry lists them.

    Its root fields call the door of the request's ``CallContext``; every other field reads its
    name from the output, which is plain JSON.

    Raises:
        ValueError: the registry has no query, or one type name stands for different types.
    """
    roots = _roots(registry)
    types = _types_of(roots)
    built = types.build()
    queries = [root for root in roots if not root.contract.is_command]
    commands = [root for root in roots if root.contract.is_command]
    if not queries:
        raise ValueError("GraphQL needs at least one query; add a contract of kind query")
    events = next((root for root in roots if root.contract.ref == EVENTS), None)
    schema = strawberry.Schema(
        query=_root_type("Query", queries, built, registry),
        mutation=_root_type("Mutation", commands, built, registry) if commands else None,
        subscription=subscription_type(events.contract, events.prefix, types, built)
        if events
        else None,
        config=StrawberryConfig(scalar_map=scalar_map()),
    )
    _attach(core_schema(schema), roots)
    attach_subscription(core_schema(schema))
    return schema


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema inside a Strawberry schema."""
    return schema._schema  # noqa: SLF001 - Strawberry offers no public way to it


def print_sdl(schema: strawberry.Schema) -> str:
    """The schema in GraphQL's own language; the same registry gives the same text."""
    lines = print_schema(schema).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _roots(registry: ContractSource) -> list[RootField]:
    return [
        RootField(name, contract, _prefix(registry, contract))
        for name, contract in sorted(registry.fields.items())
    ]


def _prefix(registry: ContractSource, contract: OperationContract) -> str:
    prefix = operation_type_prefix(contract.key)
    owner = registry.fields.get(graphql_field_name(contract.key))
    if owner is not None and owner.ref == contract.ref:
        return prefix
    return f"{prefix}V{contract.meta.version.partition('.')[0]}"


def _types_of(roots: list[RootField]) -> TypeSet:
    """Every type that the root fields reach; owners of a plain field come first, so that their
    types take the plain names."""
    by_prefix = {root.prefix: root.contract for root in roots}
    types = TypeSet()
    for prefix, contract in sorted(
        by_prefix.items(), key=lambda item: (item[0] != operation_type_prefix(item[1].key), item[0])
    ):
        types.declare(contract, prefix)
    return types


def _root_type(
    name: str, roots: list[RootField], built: Mapping[str, Any], registry: ContractSource
) -> type:
    cls = new_class(name)
    for root in roots:
        declared = strawberry.field(
            resolver=_signature_of(root, built),
            name=root.name,
            description=_description(root.contract),
            deprecation_reason=_deprecation(root, registry),
            directives=contract_directives(root.contract),
        )
        setattr(cls, f"field_{root.name}", declared)
    return strawberry.type(cls, name=name)


def _signature_of(root: RootField, built: Mapping[str, Any]) -> Callable[..., Any]:
    """A function that only tells Strawberry the arguments and the type of a root field."""

    def declared(**_arguments: object) -> None:
        raise NotImplementedError("replaced by _attach")

    parameters = []
    if root.contract.input:
        given: Any = built[f"{root.prefix}Input"]
        what = Annotated[given, _argument("input", "The contract's input.")]
        parameters.append(Parameter("input", Parameter.KEYWORD_ONLY, annotation=what))
    if root.contract.is_command:
        key = Annotated[str | None, _argument("idempotencyKey", _KEY_DESCRIPTION)]
        parameters.append(
            Parameter("key", Parameter.KEYWORD_ONLY, annotation=key, default=strawberry.UNSET)
        )
    answer: Any = built[f"{root.prefix}Output"]
    returned = Optional[answer]  # noqa: UP045 - a class made at run time
    declared.__signature__ = Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]  # inspect reads it
    declared.__annotations__ = {item.name: item.annotation for item in parameters}
    declared.__annotations__["return"] = returned
    return declared


_KEY_DESCRIPTION = (
    "Names this call: the same key with the same input answers the first result again, "
    "with another input it is a CONFLICT."
)


def _argument(name: str, description: str) -> Any:
    return strawberry.argument(name=name, description=description)


def _description(contract: OperationContract) -> str:
    meta = contract.meta
    parts = [
        meta.title,
        meta.description,
        f"Goal: {meta.goal}" if meta.goal else "",
        f"Context: {meta.context}" if meta.context else "",
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _deprecation(root: RootField, registry: ContractSource) -> str | None:
    if root.contract.meta.stability is not Stability.DEPRECATED:
        return None
    plain = graphql_field_name(root.contract.key)
    owner = registry.fields.get(plain)
    if owner is None or owner.ref == root.contract.ref:
        return f"{root.contract.ref} is deprecated."
    return f"{root.contract.ref} is deprecated; use {plain} ({owner.ref})."


class _PlainName:
    """Stands where Strawberry expects an enum class, so that values stay plain strings."""

    def __new__(cls, name: str) -> str:  # type: ignore[misc]  # that it makes no instance is the point
        return name


def _attach(schema: GraphQLSchema, roots: list[RootField]) -> None:
    """Replace Strawberry's resolvers with ours, which take and give plain JSON.

    Strawberry would convert arguments to its input classes and back, about 50 us a call, and
    read outputs as attributes.
    """
    for graphql_type in schema.type_map.values():
        if graphql_type.name.startswith("__"):
            continue
        if isinstance(graphql_type, GraphQLEnumType):
            graphql_type.wrapped_cls = _PlainName  # type: ignore[attr-defined]  # of Strawberry's subclass
        elif isinstance(graphql_type, GraphQLObjectType):
            for name, declared in graphql_type.fields.items():
                declared.resolve = _reader(name)
    for root in roots:
        parent = schema.mutation_type if root.contract.is_command else schema.query_type
        if parent is not None:
            parent.fields[root.name].resolve = _caller(root.contract)


def _reader(name: str) -> Callable[[JsonObject, GraphQLResolveInfo[Any]], JsonValue]:
    def read(source: JsonObject, _info: GraphQLResolveInfo[Any]) -> JsonValue:
        return source.get(name)

    return read


def _caller(contract: OperationContract) -> Resolver:
    async def call(_source: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> JsonObject:
        context: CallContext = info.context
        context.entered.add(str(info.path.key))
        return await context.door.call(
            contract,
            arguments.get("input", {}),
            principal=context.principal,
            idempotency_key=arguments.get("idempotencyKey"),
            trace_id=context.trace_id,
        )

    return call
