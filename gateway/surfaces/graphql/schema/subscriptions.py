"""The subscription to the events of the control plane, as a part of the schema.

It has the types of the contract that lists the same events. Who may have which of them is not
decided here: the feed does that, at the start and as long as it lasts.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLString,
)

from gateway.model.contract import OperationContract
from gateway.model.event import EventFilter
from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.schema.built_types import BuiltTypes
from gateway.surfaces.graphql.schema.directives import applied
from gateway.surfaces.graphql.schema.types import TypeSet

EVENTS = "controlPlane.event.list@1.0.0"
"""The contract whose ``items`` and ``filter`` the subscription shares."""

FIELD = "controlPlaneEvents"

_DESCRIPTION = """Follow control plane events

The events that controlPlaneEventList lists, as they come: over a WebSocket (graphql-transport-ws)
or as server-sent events, both at this endpoint. Each is told once its record is durable, in the
order of the record, without a gap or a repeat after a cursor. Callers without access to that list
get the events of their own executions. It ends with an error when the caller's rights change;
subscribe again then, after the last cursor.

Goal: Let a front end or a service react without polling.

Context: Personal data is masked for each subscriber, as policy has it."""


def subscription_type(
    contract: OperationContract,
    prefix: str,
    declared: TypeSet,
    types: BuiltTypes,
    directives: Sequence[object],
) -> GraphQLObjectType:
    """The type Subscription, from the types that ``contract`` has declared under ``prefix``;
    ``directives`` are applied to its field."""
    given = types.inputs[declared.name_in(f"{prefix}Input", contract.input["filter"].named)]
    event = types.outputs[declared.name_in(f"{prefix}Output", contract.output["items"].named)]
    after = "The cursor of the last event that was seen; without it, from now on."
    field = GraphQLField(
        GraphQLNonNull(event),
        {
            "filter": GraphQLArgument(given, description="Which events; without it, all."),
            "after": GraphQLArgument(GraphQLString, description=after),
        },
        resolve=_event_itself,
        subscribe=_subscribe,
        description=_DESCRIPTION,
        extensions=applied(directives),
    )
    return GraphQLObjectType("Subscription", {FIELD: field})


def _subscribe(
    _source: None, info: GraphQLResolveInfo[Any], **arguments: Any
) -> AsyncIterator[JsonObject]:
    context: CallContext = info.context
    context.entered.add(str(info.path.key))
    if context.subscribe is None:
        raise refuse("NOT_IMPLEMENTED", "This gateway serves no events. List them instead.")
    after = arguments.get("after")
    return context.subscribe(
        context.principal,
        EventFilter.from_json(arguments.get("filter") or {}),
        context.resume_after if after is None else after,
    )


def _event_itself(
    event: JsonObject, _info: GraphQLResolveInfo[Any], **_arguments: Any
) -> JsonObject:
    return event
