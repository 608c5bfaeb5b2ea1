"""The subscription as a part of the schema, and what it does where no events are served."""

from dataclasses import replace

from graphql import build_client_schema, get_introspection_query
from starlette.applications import Starlette

from gateway.surfaces.graphql import Engine, Service, build_schema, graphql_routes, print_sdl
from tests.unit.graphql.live import EVENT_LIST, WATCH, schema
from tests.unit.graphql.support import (
    SHIPPED,
    Catalogue,
    FakeDoor,
    authenticate,
    post,
    send,
)


def application() -> Starlette:
    """The door without a feed."""
    return Starlette(routes=graphql_routes(Service(Engine(schema(), FakeDoor()), authenticate)))


def test_the_subscription_has_the_types_of_the_list() -> None:
    sdl = print_sdl(schema())
    assert "filter: ControlPlaneEventFilterInput" in sdl
    assert "after: String\n  ): ControlPlaneEvent!" in sdl
    assert "input ControlPlaneEventFilterInput {\n  executionId: ID\n" in sdl
    assert sdl.count("type ControlPlaneEvent {") == 1


def test_without_the_list_there_is_no_subscription() -> None:
    newer = replace(EVENT_LIST, meta=replace(EVENT_LIST.meta, version="2.0.0"))
    for fields in (SHIPPED, {**SHIPPED, "controlPlaneEventList": newer}):
        assert "type Subscription" not in print_sdl(build_schema(Catalogue(fields)))


def test_introspection_shows_the_subscription() -> None:
    answer = post(application(), get_introspection_query())
    known = build_client_schema(answer.json()["data"])
    assert known.subscription_type is not None
    assert list(known.subscription_type.fields) == ["controlPlaneEvents"]


def test_a_gateway_without_a_feed_says_so() -> None:
    headers = {"accept": "text/event-stream"}
    answer = send(application(), json={"query": WATCH}, headers=headers)
    assert '"code":"NOT_IMPLEMENTED"' in answer.text
    assert answer.text.endswith("event: complete\ndata: \n\n")
