"""The GraphQL schema, generated from the registry: one root field for each contract."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    specified_directives,
    validate_schema,
)

from gateway.contracts import (
    CONNECTION,
    graphql_field_name,
    listing_of,
    operation_type_prefix,
    type_prefix,
)
from gateway.model.contract import OperationContract, Stability
from gateway.surfaces.graphql.limiting.weights import ASSUMED, WEIGHT, assumed_of, weight_of
from gateway.surfaces.graphql.schema.built_types import BuiltTypes
from gateway.surfaces.graphql.schema.connections import (
    Connections,
    call_connection,
    connection_directive,
)
from gateway.surfaces.graphql.schema.directives import (
    applied,
    contract_directive,
    contract_directives,
    definition,
    used_in,
)
from gateway.surfaces.graphql.schema.entities import ENTITIES, Entities, EntityType
from gateway.surfaces.graphql.schema.nodes import ID_FIELD, node_fields
from gateway.surfaces.graphql.schema.resolvers import ContractCaller
from gateway.surfaces.graphql.schema.sight import STANDS_FOR
from gateway.surfaces.graphql.schema.subscriptions import EVENTS, subscription_type
from gateway.surfaces.graphql.schema.types import TypeSet

_ERRORS_TOLD = 5


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


MoreDirectives = Callable[[OperationContract], Sequence[object]]


def _no_more(_contract: OperationContract) -> Sequence[object]:
    return ()


def build_schema(
    registry: ContractSource, also: MoreDirectives = _no_more, *, has_nodes: bool = True
) -> GraphQLSchema:
    """The schema of ``registry.fields``: queries and mutations by kind, in order of name, a
    connection for each list, and the subscription to events where the registry lists them.

    ``also`` gives what is applied to a contract's root field beside our own directives. Unless
    ``has_nodes`` is false, entities have global ids, and root fields load them by these.

    Its root fields call the door of the request's ``CallContext``; every other field reads its
    name from the output, which is plain JSON.

    Raises:
        ValueError: the registry has no query, one name stands for different types or fields, or
            GraphQL refuses the schema (an input that must hold itself, say).
    """
    roots = _roots(registry)
    declared = _types_of(roots)
    entities = _entities(roots, declared)
    nodes = _nodes(entities, declared) if has_nodes else {}
    types = BuiltTypes(declared, nodes)
    queries = [root for root in roots if not root.contract.is_command]
    commands = [root for root in roots if root.contract.is_command]
    if not queries:
        raise ValueError("GraphQL needs at least one query; add a contract of kind query")
    events = next((root for root in roots if root.contract.ref == EVENTS), None)
    connected = _connection_fields(queries, Connections(declared, types), registry, also)
    asked = _root_fields(queries, types, registry, also) | connected | node_fields(nodes)
    query = _root_type("Query", asked)
    mutation = _root_type("Mutation", _root_fields(commands, types, registry, also))
    subscription = _subscription(events, declared, types, also) if events else None
    used = used_in([*filter(None, (query, mutation, subscription)), *types.composites])
    directives = [*specified_directives, *map(definition, used)]
    extensions = {ENTITIES: entities}
    return valid_schema(
        GraphQLSchema(query, mutation, subscription, directives=directives, extensions=extensions)
    )


def valid_schema(schema: GraphQLSchema) -> GraphQLSchema:
    """A schema that holds, found out now: graphql-core would refuse each request on it.

    Raises:
        ValueError: it does not hold.
    """
    errors = validate_schema(schema)
    if errors:
        told = " ".join(error.message for error in errors[:_ERRORS_TOLD])
        raise ValueError(f"GraphQL refuses the schema of the contracts; correct them: {told}")
    return schema


def _roots(registry: ContractSource) -> list[RootField]:
    return [
        RootField(name, contract, type_prefix(registry.fields, contract))
        for name, contract in sorted(registry.fields.items())
    ]


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


def _root_type(name: str, fields: dict[str, GraphQLField]) -> GraphQLObjectType | None:
    return GraphQLObjectType(name, dict(sorted(fields.items()))) if fields else None


def _entities(roots: list[RootField], declared: TypeSet) -> Entities:
    """The types that contracts load by key. Of several versions that load one type, that which
    owns the plain field does.

    Raises:
        ValueError: two contracts load one type.
    """
    found: dict[str, EntityType] = {}
    for root in sorted(roots, key=lambda one: len(one.name)):
        contract, output = root.contract, f"{root.prefix}Output"
        if contract.entity is None:
            continue
        within = contract.entity.within
        name = output if within is None else declared.name_in(output, contract.output[within].named)
        entity = EntityType(name, contract, contract.entity, root.name)
        if found.setdefault(name, entity).contract.key != contract.key:
            raise ValueError(f"{contract.ref} and {found[name].contract.ref} both load {name}")
    return dict(sorted(found.items()))


def _nodes(entities: Entities, declared: TypeSet) -> Entities:
    """The entities that have a global id: all but those with a field of that name of their own."""
    return {
        name: one for name, one in entities.items() if ID_FIELD not in declared.shapes[name].fields
    }


def _root_fields(
    roots: list[RootField], types: BuiltTypes, registry: ContractSource, also: MoreDirectives
) -> dict[str, GraphQLField]:
    return {
        root.name: GraphQLField(
            types.outputs[f"{root.prefix}Output"],
            _arguments(root, types),
            ContractCaller(root.contract),
            description=_description(root.contract),
            deprecation_reason=_deprecation(root, registry),
            extensions={
                **applied([*contract_directives(root.contract), *also(root.contract)]),
                WEIGHT: weight_of(root.contract),
                ASSUMED: assumed_of(root.contract),
            },
        )
        for root in roots
    }


def _connection_fields(
    roots: list[RootField], made: Connections, registry: ContractSource, also: MoreDirectives
) -> dict[str, GraphQLField]:
    """The connections of those contracts that are lists, each with what the list's field has."""
    found = {}
    for root in roots:
        contract, listing = root.contract, listing_of(root.contract)
        if listing is None:
            continue
        name = f"{root.name}{CONNECTION}"
        if name in registry.fields:
            raise _field_taken(name, contract, registry.fields[name])
        told = [
            *contract_directives(contract),
            connection_directive(contract, listing),
            *also(contract),
        ]
        found[name] = GraphQLField(
            made.output(contract, root.prefix, listing),
            made.arguments(contract, root.prefix, listing),
            call_connection(contract, listing),
            description=f"{contract.meta.title.strip()}: {root.name} by cursors.",
            deprecation_reason=_deprecation(root, registry),
            extensions={
                **applied(told),
                WEIGHT: weight_of(contract),
                ASSUMED: assumed_of(contract),
                STANDS_FOR: root.name,
            },
        )
    return found


def _field_taken(name: str, listed: OperationContract, other: OperationContract) -> ValueError:
    return ValueError(
        f"the GraphQL field {name} is that of the connection of {listed.ref}; rename the contract "
        f"{other.ref} ({other.meta.source or 'no file'})"
    )


def _subscription(
    events: RootField, declared: TypeSet, types: BuiltTypes, also: MoreDirectives
) -> GraphQLObjectType:
    contract = events.contract
    directives = [contract_directive(contract), *also(contract)]
    return subscription_type(contract, events.prefix, declared, types, directives)


def _arguments(root: RootField, types: BuiltTypes) -> dict[str, GraphQLArgument]:
    found = {}
    if root.contract.input:
        given = GraphQLNonNull(types.inputs[f"{root.prefix}Input"])
        found["input"] = GraphQLArgument(given, description="The contract's input.")
    if root.contract.is_command:
        found["idempotencyKey"] = GraphQLArgument(GraphQLString, description=_KEY_DESCRIPTION)
    return found


_KEY_DESCRIPTION = (
    "Names this call: the same key with the same input answers the first result again, "
    "with another input it is a CONFLICT."
)


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
