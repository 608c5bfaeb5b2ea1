"""Preparing documents: what is kept and refused, and what that costs."""

import hashlib
import tracemalloc

import pytest
from graphql import get_introspection_query, parse

from gateway.surfaces.graphql import Limits
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.operations.documents import Document, Documents
from tests.unit.graphql.support import closed, open_, shipped_schema

SCHEMA = shipped_schema()


def documents(**limits: int) -> Documents:
    return Documents(SCHEMA, Limits(**limits))


def prepare(source: str, *, may: bool = True, **limits: int) -> Document:
    return documents(**limits).prepare(source, open_ if may else closed)


def refused(source: str, *, may: bool = True, **limits: int) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as caught:
        prepare(source, may=may, **limits)
    return caught.value


def code_of(error: RequestRefusedError) -> str:
    return str(error.errors[0]["extensions"]["code"])


def test_a_valid_document_is_prepared_once() -> None:
    kept = documents()
    first = kept.prepare("{ shopPing { done } }", open_)
    assert kept.prepare("{ shopPing { done } }", open_) is first
    assert kept.prepare("{ shopPing { done } } ", open_) is not first


def test_only_valid_documents_are_kept() -> None:
    kept = documents()
    for source in ("{", "{ nothing }", "{ shopPing }", "{ shopPing { done } }" * 11):
        with pytest.raises(RequestRefusedError):
            kept.prepare(source, open_)
    assert kept.kept_bytes == 0


def test_the_cache_keeps_within_its_bytes_and_drops_the_least_recently_used() -> None:
    kept = documents(cache_bytes=100_000)
    first = kept.prepare("{ shopPing { done } }", open_)
    for number in range(200):
        kept.prepare(f"query Q{number} {{ shopPing {{ done }} }}", open_)
        assert kept.kept_bytes <= 100_000
        assert kept.prepare("{ shopPing { done } }", open_) is first
    assert kept.prepare("query Q0 { shopPing { done } }", open_)
    assert 50_000 < kept.kept_bytes <= 100_000


def test_a_document_larger_than_the_cache_runs_and_is_not_kept() -> None:
    kept = documents(cache_bytes=10)
    assert kept.prepare("{ shopPing { done } }", open_).operations
    assert kept.kept_bytes == 0


@pytest.mark.parametrize(
    "source",
    [
        get_introspection_query(),
        "{" + "shopPing{done} " * 19 + "}",
        "query($i:ShopOrderGetInput!){shopOrderGet(input:$i){orderId items{sku parts{sku count}}}}",
    ],
)
def test_the_estimated_size_is_not_below_the_real_one(source: str) -> None:
    tracemalloc.start()
    tree = parse(source)
    real = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert tree.definitions
    assert real <= prepare(source).size <= 3 * real


@pytest.mark.parametrize(
    ("source", "limit", "code", "maximum"),
    [
        ("{ shopPing { done } }" + " " * 40_000, "source_bytes", "SOURCE", 32 * 1024),
        (
            "{ shopPing { done } } # " + "\N{GRINNING FACE}" * 9000,
            "source_bytes",
            "SOURCE",
            32 * 1024,
        ),
        ("{" + " __typename" * 2000 + "}", "tokens", "TOKEN", 2000),
        ("#\n" * 300 + "{ __typename }", "comments", "COMMENT", 200),
        ("{ shopPing { done " + "a { done " * 12 + "}" * 14, "depth", "DEPTH", 12),
        ("{" + "shopPing { done } " * 21 + "}", "root_fields", "ROOT_FIELD", 20),
        (
            "{ shopPing {" + "".join(f"a{i}: done " for i in range(31)) + "} }",
            "aliases",
            "ALIAS",
            30,
        ),
        ("{ shopPing {" + "done @include(if: true) " * 51 + "} }", "directives", "DIRECTIVE", 50),
        ("{ shopPing {" + "done " * 1001 + "} }", "fields", "FIELD", 1000),
        ("{ shopPing {" + "done " * 900 + "} }", "overlap_budget", "OVERLAP", 20_000),
        (
            "".join(f"query Q{i} {{ __typename }} " for i in range(11)),
            "operations",
            "OPERATION",
            10,
        ),
        (
            "{ __typename }"
            + "".join(f"fragment f{i} on Query {{ __typename }}" for i in range(51)),
            "fragments",
            "FRAGMENT",
            50,
        ),
        (
            "query (" + "".join(f"$v{i}: Int " for i in range(51)) + ") { __typename }",
            "variables",
            "VARIABLE",
            50,
        ),
    ],
)
def test_each_limit_is_a_refusal_that_names_it(
    source: str, limit: str, code: str, maximum: int
) -> None:
    error = refused(source)
    told = error.errors[0]["extensions"]["problem"]
    assert (error.status, told["code"]) == (422, f"{code}_LIMIT_EXCEEDED")
    assert (told["limit"], told["maximum"]) == (limit, maximum)
    assert told["value"] > maximum
    assert str(maximum) in told["detail"]


def test_at_most_five_errors_of_validation_are_told() -> None:
    error = refused("{ shopPing { " + " ".join(f"a{i}" for i in range(30)) + " } }")
    assert error.status == 422
    assert len(error.errors) == 5
    assert {entry["extensions"]["code"] for entry in error.errors} == {"GRAPHQL_VALIDATION_FAILED"}


def test_names_are_suggested_only_to_those_who_may_read_the_schema() -> None:
    assert "Did you mean 'done'?" in refused("{ shopPing { doen } }").errors[0]["message"]
    assert "done" not in refused("{ shopPing { doen } }", may=False).errors[0]["message"]


@pytest.mark.parametrize(
    "source",
    [
        "{ __schema { description } }",
        '{ ... { a: __type(name: "Query") { name } } }',
        "{ ...f } fragment f on Query { __schema { description } }",
    ],
)
def test_the_schema_is_told_only_to_those_who_may_read_it_cached_or_not(source: str) -> None:
    kept = documents()
    for _ in range(2):
        with pytest.raises(RequestRefusedError, match="422"):
            kept.prepare(source, closed)
        assert kept.prepare(source, open_).introspects


def test_whether_the_caller_may_introspect_is_not_asked_for_a_known_document() -> None:
    kept = documents()
    kept.prepare("{ __typename }", closed)
    kept.prepare("{ __typename }", lambda: pytest.fail("asked"))


def test_the_usual_introspection_query_is_within_the_limits() -> None:
    assert prepare(get_introspection_query(descriptions=True, input_value_deprecation=True))


SECRET = hashlib.sha256(b"a literal that nobody else may read").hexdigest()


@pytest.mark.parametrize(
    "source",
    [
        f'{{ shopOrderGet(input: {{orderId: "1", limit: "{SECRET}"}}) {{ orderId }} }}',
        f'{{ shopOrderGet(input: {{orderId: "1", status: "{SECRET}"}}) {{ orderId }} }}',
        f'{{ shopOrderGet(input: "{SECRET}") {{ orderId }} }}',
        f'{{ shopOrderGet(input: {{extra: "{SECRET}"}}) {{ orderId }} }}',
        f'{{ shopOrderGet(input: {{orderId: ["{SECRET}"]}}) {{ orderId }} }}',
        f'{{ shopOrderGet(input: {{orderId: "1", nope: "{SECRET}"}}) {{ orderId }} }}',
        f'query ($a: Boolean = "{SECRET}") {{ shopPing {{ done @include(if: $a) }} }}',
        f'{{ shopPing {{ done }} "{SECRET}" }}',
        f'{{ shopPing {{ done @include(if: "{SECRET}") }} }}',
        f'{{ shopPing("{SECRET}") {{ done }} }}',
        f'{{ shopPing(x: """{SECRET}""" """{SECRET}""") {{ done }} }}',
    ],
)
def test_no_message_quotes_a_literal(source: str) -> None:
    error = refused(source)
    assert error.status in (400, 422)
    assert SECRET not in str(error.errors)


GET = "{ shopOrderGet(input: {orderId: 1, REST}) { orderId } }"
PLACE = 'mutation { shopOrderPlace(input: {email: "a", items: REST}) { orderId } }'


@pytest.mark.parametrize(
    ("source", "rest", "pointer"),
    [
        (GET, "limit: 1.5", "/limit"),
        (GET, "nope: 1", "/nope"),
        (GET, "extra: 1e999", "/extra"),
        (GET, f"extra: {{a: [{'9' * 33}]}}", "/extra"),
        (GET, f"extra: {'[' * 65}1{']' * 65}", "/extra"),
        (GET.replace("orderId: 1,", ""), "orderId: null", "/orderId"),
        (GET.replace("orderId: 1,", ""), "limit: 1", "/orderId"),
        (PLACE, "[{sku: 1, count: 1}, {sku: 1, count: true}]", "/items/1/count"),
        (PLACE, "{sku: 1, count: true}", "/items/count"),
    ],
)
def test_a_literal_that_does_not_fit_is_told_by_its_pointer(
    source: str, rest: str, pointer: str
) -> None:
    error = refused(source.replace("REST", rest))
    assert code_of(error) == "GRAPHQL_VALIDATION_FAILED"
    assert f"In this literal, {pointer} " in error.errors[0]["message"]
