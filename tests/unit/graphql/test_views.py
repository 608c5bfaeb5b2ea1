"""The schemas of callers: made once for each set of fields, and bounded."""

import gc
import tracemalloc
import weakref
from typing import Any

import pytest
from graphql import GraphQLSchema, validate

from gateway.contracts import Registry
from gateway.loading import contract_folders
from gateway.surfaces.graphql import Limits, build_schema
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.operations import documents
from gateway.surfaces.graphql.operations.documents import Documents
from gateway.surfaces.graphql.schema.sight import Seen, Sight, Views, narrowed
from tests.loaded import load_contracts
from tests.unit.graphql.support import Catalogue, operation, shipped_schema

SCHEMA = shipped_schema()
MINE = frozenset({"shopPing", "shopReset"})


def test_callers_with_the_same_fields_share_a_view() -> None:
    views = Views(SCHEMA)
    first = views.of(MINE)
    assert views.of(frozenset({*MINE, "notAField"})) is first
    assert views.of(None) is views.whole is views.of(frozenset(Catalogue().fields))


def test_views_keep_within_their_bytes_and_the_recent_ones_stay() -> None:
    many = build_schema(Registry([operation(f"shop.a{number}") for number in range(40)]))
    views = Views(many, most_bytes=50_000)
    first, second = (views.of(frozenset({name})) for name in ("shopA0", "shopA1"))
    for number in range(2, 40):
        views.of(frozenset({f"shopA{number}"}))
        assert views.kept.bytes <= 50_000
        assert views.of(frozenset({"shopA0"})) is first
    assert views.kept.bytes > 40_000
    assert views.of(frozenset({"shopA1"})) is not second


@pytest.mark.parametrize("count", [1, 10, pytest.param(1_000, marks=pytest.mark.soak)])
def test_the_estimated_size_of_a_view_is_not_below_the_real_one(count: int) -> None:
    whole = build_schema(load_contracts(contract_folders(())))
    assert whole.query_type is not None
    views = Views(whole)
    fields_of_a_caller = frozenset(list(whole.query_type.fields)[:count])
    narrowed(whole, fields_of_a_caller)  # whatever is made once for all views
    gc.collect()
    tracemalloc.start()
    views.of(fields_of_a_caller)
    gc.collect()
    real = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert real <= views.kept.bytes <= 5 * real


def test_a_view_does_not_keep_the_schema_alive_that_it_is_of() -> None:
    views = Views(build_schema(Catalogue()))
    gone = weakref.ref(views.whole)
    view = views.of(MINE)
    assert view is not views.whole
    del views
    gc.collect()
    assert gone() is None
    assert view.query_type is not None


def seen(schema: GraphQLSchema, *, is_open: bool = True) -> Seen:
    return lambda: Sight(schema, is_open)


def test_a_kept_document_is_held_to_each_view_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[GraphQLSchema] = []

    def counting(schema: GraphQLSchema, *rest: Any, **named: Any) -> Any:
        held.append(schema)
        return validate(schema, *rest, **named)

    monkeypatch.setattr(documents, "validate", counting)
    kept, views = Documents(SCHEMA, Limits()), Views(SCHEMA)
    source = "{ shopPing { done } __schema { description } }"
    mine, other = (views.of(names) for names in (MINE, frozenset({"shopReset"})))
    for _ in range(3):
        document = kept.prepare(source, seen(mine))
        kept.prepare(source, seen(SCHEMA))
        with pytest.raises(RequestRefusedError):
            kept.prepare(source, seen(mine, is_open=False))
        with pytest.raises(RequestRefusedError):
            kept.prepare(source, seen(other))
    assert [held.count(schema) for schema in (mine, SCHEMA)] == [1, 1]
    for view in [narrowed(SCHEMA, MINE) for _ in range(100)]:
        kept.prepare(source, seen(view))
        assert view in document.fits
        assert len(document.fits) <= 64
