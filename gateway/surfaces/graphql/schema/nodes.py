"""Relay's global object identification: the interface ``Node``, and the fields that load by id.

As Relay's GraphQL Server Specification has it: ``node`` answers null for an id that names nothing.
"""

from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLID,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLResolveInfo,
)

from gateway.model.problem import Issue, invalid
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.limiting.weights import EACH, WEIGHT, weight_of
from gateway.surfaces.graphql.schema.entities import (
    LOADS,
    Entities,
    EntityType,
    Reference,
    load_all,
    reference_to,
)
from gateway.surfaces.graphql.schema.global_ids import MAX_ID, named_by
from gateway.surfaces.graphql.schema.resolvers import IdReader

ID_FIELD = "id"

_ID = GraphQLNonNull(GraphQLID)
_ID_TOLD = "Names it everywhere in this schema; opaque. `node` loads it."

NODE = GraphQLInterfaceType(
    "Node",
    {ID_FIELD: GraphQLField(_ID, description=_ID_TOLD)},
    description="What has a global id, by which it can be loaded again.",
)


def id_field(entity: EntityType) -> GraphQLField:
    """The field ``id`` of an entity's type."""
    return GraphQLField(_ID, resolve=IdReader(entity.name, entity.fields), description=_ID_TOLD)


def node_fields(nodes: Entities) -> dict[str, GraphQLField]:
    """The root fields that load entities by id; none where there are no entities."""
    if not nodes:
        return {}

    async def node(_source: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> object:
        context: CallContext = info.context
        context.entered.add(str(info.path.key))
        wanted = _named(arguments[ID_FIELD], "/id", nodes)
        if isinstance(wanted, Exception):
            raise wanted
        return await wanted.load(context) if wanted is not None else None

    async def nodes_(_source: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> object:
        context: CallContext = info.context
        context.entered.add(str(info.path.key))
        given = enumerate(arguments["ids"])
        return await load_all([_named(one, f"/ids/{at}", nodes) for at, one in given], context)

    weight = heaviest(nodes)
    ids = GraphQLArgument(GraphQLNonNull(GraphQLList(_ID)), description="Ids of any types.")
    return {
        "node": GraphQLField(
            NODE,
            {ID_FIELD: GraphQLArgument(_ID, description="The id that a node told.")},
            node,
            description=_NODE_TOLD,
            extensions={WEIGHT: weight, LOADS: nodes},
        ),
        "nodes": GraphQLField(
            GraphQLNonNull(GraphQLList(NODE)),
            {"ids": ids},
            nodes_,
            description=_NODES_TOLD,
            extensions={WEIGHT: weight, EACH: True, LOADS: nodes},
        ),
    }


_NODE_TOLD = """Load something by its id

It is loaded by the contract that gets it, by a call like any other. Null where there is no such
thing, or none of such a type."""

_NODES_TOLD = """Load several things by their ids

Each as `node` does, in the order of the ids. One that cannot be had is null, with an error if it
was refused."""


def heaviest(entities: Entities) -> int:
    """What loading one of these weighs, whichever it is."""
    return max(weight_of(one.contract) for one in entities.values())


def _named(text: str, path: str, nodes: Entities) -> Reference | Exception | None:
    """What an id names; None where that is nothing, an error for a text that is no id."""
    try:
        return reference_to(named_by(text), nodes)
    except ValueError:
        message = (
            f"is no id of this gateway: send one that a node told, of {MAX_ID} characters at most"
        )
        return invalid([Issue(path, "INVALID_FORMAT", message)])
