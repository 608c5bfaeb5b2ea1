"""The subscription to the events of the control plane, as a part of the schema.

It has the types of the contract that lists the same events. Who may have which of them is not
decided here: the feed does that, at the start and as long as it lasts.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from inspect import Parameter, Signature
from types import new_class
from typing import Annotated, Any, Optional

import strawberry
from graphql import GraphQLResolveInfo, GraphQLSchema

from gateway.model.contract import OperationContract
from gateway.model.event import EventFilter
from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.graphql.directives import contract_directive
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.types import TypeSet

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
    contract: OperationContract, prefix: str, types: TypeSet, built: Mapping[str, Any]
) -> type:
    """The type Subscription, from the types that ``contract`` has declared under ``prefix``."""
    given = built[types.name_in(f"{prefix}Input", contract.input["filter"].named)]
    event = built[types.name_in(f"{prefix}Output", contract.output["items"].named)]
    cls = new_class("Subscription")
    field = strawberry.subscription(
        resolver=_signature(given, event),
        name=FIELD,
        description=_DESCRIPTION,
        directives=[contract_directive(contract)],
    )
    setattr(cls, f"field_{FIELD}", field)
    return strawberry.type(cls, name="Subscription")


def attach_subscription(schema: GraphQLSchema) -> None:
    """Replace Strawberry's resolvers of the subscription, if there is one, with ours."""
    if schema.subscription_type is not None:
        field = schema.subscription_type.fields[FIELD]
        field.subscribe = _subscribe
        field.resolve = _event_itself


def _signature(given: Any, event: Any) -> Callable[..., Any]:
    """A function that only tells Strawberry the arguments and the type of the field."""

    def declared(**_arguments: object) -> None:
        raise NotImplementedError("replaced by attach_subscription")

    narrowing = strawberry.argument(name="filter", description="Which events; without it, all.")
    start = strawberry.argument(
        name="after",
        description="The cursor of the last event that was seen; without it, from now on.",
    )
    parameters = [
        _optional("filter", Annotated[Optional[given], narrowing]),  # noqa: UP045 - a class made at run time
        _optional("after", Annotated[str | None, start]),
    ]
    returned = AsyncGenerator[event, None]
    declared.__signature__ = Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]  # inspect reads it
    declared.__annotations__ = {item.name: item.annotation for item in parameters}
    declared.__annotations__["return"] = returned
    return declared


def _optional(name: str, annotation: Any) -> Parameter:
    default = strawberry.UNSET
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


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
