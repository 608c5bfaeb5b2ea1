"""A workspace with contracts of its own sees a schema of its own."""

import gc
from weakref import ref

import pytest
from starlette.applications import Starlette

from gateway.surfaces.graphql import Engine, Service, build_schema, graphql_routes
from gateway.surfaces.graphql import engine as engine_module
from tests.unit.graphql.support import (
    SHIPPED,
    Catalogue,
    FakeDoor,
    authenticate,
    fields,
    operation,
    post,
)

ADMIN = {"authorization": "Bearer admin"}
OWN = operation("desk.order.peek", answer=fields(done="Boolean!"))


class Own:
    """The contracts of the workspace acme, which change."""

    def __init__(self) -> None:
        self.now: Catalogue | None = None

    def __call__(self, workspace: str) -> Catalogue | None:
        return self.now if workspace == "acme" else None


class Listed(Catalogue):
    """A catalogue that is itself, as a registry is."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def make(own: Own) -> tuple[Starlette, Engine]:
    engine = Engine(build_schema(Catalogue()), FakeDoor(), own_contracts=own)
    return Starlette(routes=graphql_routes(Service(engine, authenticate))), engine


def test_a_field_is_there_for_its_workspace_while_it_is_offered() -> None:
    own = Own()
    app, engine = make(own)
    query = "{ deskOrderPeek { done } }"
    assert post(app, query, ADMIN).status_code == 422
    own.now = Listed({**SHIPPED, "deskOrderPeek": OWN})
    assert post(app, query, ADMIN).json() == {"data": {"deskOrderPeek": {"done": True}}}
    assert post(app, query).status_code == 422
    schemas = list(engine._own.values())
    post(app, query, ADMIN)
    assert list(engine._own.values()) == schemas
    gone = ref(own.now)
    own.now = None
    assert post(app, query, ADMIN).status_code == 422
    gc.collect()
    assert gone() is None
    assert len(engine._own) == 0


def test_only_the_schemas_that_were_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MOST_OWN", 3)
    own = Own()
    app, engine = make(own)
    offered = [Listed({**SHIPPED, "deskOrderPeek": OWN}) for _ in range(5)]
    for own.now in (*offered, offered[2]):
        assert post(app, "{ deskOrderPeek { done } }", ADMIN).status_code == 200
    assert list(engine._own) == [offered[3], offered[4], offered[2]]


def test_contracts_of_which_no_schema_can_be_made_leave_the_others_usable() -> None:
    own = Own()
    app, _ = make(own)
    own.now = Listed({})
    assert post(app, "{ __typename }", ADMIN).json() == {"data": {"__typename": "Query"}}
