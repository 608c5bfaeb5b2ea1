"""Requests for trusted documents: what each mode runs and refuses, and what is kept."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from graphql import get_introspection_query
from starlette.applications import Starlette

from gateway.surfaces.graphql import Introspection, Limits
from gateway.surfaces.graphql.operations.documents import Documents
from gateway.surfaces.graphql.trusted import Mode, PersistedQueries, TrustedDocuments
from tests.unit.graphql.manifests import GET, PING, RESET, digest, store
from tests.unit.graphql.support import FakeDoor, application, open_, post, refusal, send
from tests.unit.graphql.test_documents import SCHEMA
from tests.unit.telemetry.records import listening

DONE = {"data": {"shopPing": {"done": True}}}
OTHER = "query Other { shopPing { done } }"
ADMIN = {"authorization": "Bearer admin"}
SERVING = [Mode.LOG, Mode.PREFER, Mode.REQUIRE]
SCHEMA_QUERY = "query S { __schema { queryType { name } } }"


def app(mode: Mode = Mode.REQUIRE, *, apq: bool = False, **options: Any) -> Starlette:
    """A door that knows some documents."""
    registered = store(PING, RESET, GET, SCHEMA_QUERY, home=PING)
    persisted = PersistedQueries(100_000) if apq else None
    return application(trusted=TrustedDocuments(mode, registered, persisted), **options)


def ask(served: Starlette, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    return send(served, json=members, headers=headers)


def hashed(text: str, **more: Any) -> dict[str, Any]:
    """The extension of Apollo's clients."""
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text), **more}}


def code(response: httpx.Response) -> str:
    """The code of the only error of a refusal."""
    body = response.json()
    assert set(body) == {"errors"}
    (error,) = body["errors"]
    told = error["extensions"]["problem"]
    assert told["code"] == error["extensions"]["code"]
    assert told["status"] == response.status_code
    assert (told["issues"][0]["code"], told["issues"][0]["message"]) == (
        told["code"],
        told["detail"],
    )
    return str(told["code"])


# --- By name --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SERVING)
@pytest.mark.parametrize(
    "named",
    [
        {"documentId": "home"},
        {"documentId": f"sha256:{digest(PING)}"},
        {"documentId": digest(PING)},
        {"documentId": "home", "query": None},
        {"documentId": "home", "query": ""},
        {"documentId": "home", "query": PING},
        {"extensions": hashed(PING)},
        {"extensions": hashed(PING), "query": PING},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "home"}}},
        {"documentId": "home", "operationName": "Ping", "variables": {}},
    ],
)
def test_a_registered_document_runs_by_each_of_its_names(mode: Mode, named: dict[str, Any]) -> None:
    assert ask(app(mode), **named).json() == DONE


@pytest.mark.parametrize(
    "query_string",
    [
        "documentId=home",
        f"documentId=sha256:{digest(PING)}",
        f"extensions={quote(json.dumps(hashed(PING)))}",
    ],
)
def test_get_names_documents_too(query_string: str) -> None:
    url, headers = f"/graphql?{query_string}", {"graphql-require-preflight": "1"}
    assert send(app(), "GET", url, headers=headers).json() == DONE
    mutation = f"/graphql?documentId={digest(RESET)}"
    assert send(app(), "GET", mutation, headers=headers).status_code == 405


def test_variables_and_headers_count_as_with_a_text() -> None:
    door = FakeDoor({"shop.order.get": {"orderId": "o-1"}})
    given = {"input": {"orderId": "o-1"}}
    response = ask(app(door=door), documentId=digest(GET), variables=given, headers=ADMIN)
    assert response.json() == {"data": {"shopOrderGet": {"orderId": "o-1"}}}
    assert door.calls[0]["input"] == {"orderId": "o-1"}
    assert door.calls[0]["principal"].subject == "ada"
    wrong = ask(app(door=door), documentId=digest(GET), variables={"input": {}})
    assert refusal_of_document(wrong) == "VALIDATION_FAILED"


def test_an_event_stream_and_plain_json_answer_alike() -> None:
    streamed = ask(app(), documentId="home", headers={"accept": "text/event-stream"})
    assert f"data: {json.dumps(DONE, separators=(',', ':'))}" in streamed.text
    refused = ask(app(), documentId="gone", headers={"accept": "text/event-stream"})
    assert "PERSISTED_QUERY_NOT_FOUND" in refused.text


@pytest.mark.parametrize("mode", SERVING)
@pytest.mark.parametrize("named", [{"documentId": "gone"}, {"extensions": hashed("{ gone }")}])
def test_an_unknown_name_is_told_as_clients_expect(mode: Mode, named: dict[str, Any]) -> None:
    response = ask(app(mode), **named)
    assert response.status_code == 404
    assert code(response) == "PERSISTED_QUERY_NOT_FOUND"
    assert response.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert "gone" not in response.text


def test_in_plain_json_what_clients_wait_for_has_the_status_200_as_with_apollo_server() -> None:
    plain = {"accept": "application/json"}
    for served in (app(), application()):
        response = ask(served, plain, extensions=hashed("{ gone }"))
        assert response.status_code == 200
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"].startswith("PERSISTED_QUERY_NOT_")
    assert post(app(), OTHER, plain).status_code == 403


@pytest.mark.parametrize("named", [{"documentId": "home"}, {"extensions": hashed(PING)}])
def test_where_all_is_off_names_are_not_supported_and_texts_run(named: dict[str, Any]) -> None:
    response = ask(application(), **named)
    assert code(response) == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert response.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
    assert ask(application(), query=PING, **named).json() == DONE
    assert ask(application(), query=OTHER, **named).json() == DONE
    assert ask(app(Mode.OFF), documentId="home").status_code == 400


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({}, "/query"),
        ({"documentId": 7}, "/documentId"),
        ({"documentId": ""}, "/documentId"),
        ({"documentId": "x" * 257}, "/documentId"),
        ({"documentId": "home", "query": 7}, "/query"),
        ({"documentId": "home", "extensions": hashed(PING)}, "/documentId"),
        ({"extensions": {"persistedQuery": None}}, "/query"),
        ({"extensions": {"persistedQuery": []}}, "/extensions/persistedQuery"),
        ({"extensions": hashed(PING, version=2)}, "/extensions/persistedQuery"),
        ({"extensions": hashed(PING, version=True)}, "/extensions/persistedQuery"),
        ({"extensions": hashed(PING, version="1")}, "/extensions/persistedQuery"),
        ({"extensions": hashed(PING, sha256Hash=7)}, "/extensions/persistedQuery/sha256Hash"),
        (
            {"extensions": {"persistedQuery": {"version": 1}}},
            "/extensions/persistedQuery/sha256Hash",
        ),
    ],
)
def test_a_malformed_name_is_an_issue_of_the_request(members: dict[str, Any], path: str) -> None:
    told = refusal(ask(app(), **members))["extensions"]["problem"]
    assert told["code"] == "VALIDATION_FAILED"
    assert [issue["path"] for issue in told["issues"]] == [path]


@pytest.mark.parametrize("mode", SERVING)
@pytest.mark.parametrize(
    "named",
    [
        {"documentId": "home"},
        {"documentId": f"sha256:{digest(PING)}"},
        {"documentId": f"sha256:{digest('{ gone }')}"},
        {"extensions": hashed(PING)},
        {"extensions": hashed("{ gone }")},
    ],
)
@pytest.mark.parametrize("text", [GET, OTHER])
def test_a_text_does_not_run_under_the_name_of_another(
    mode: Mode, named: dict[str, Any], text: str
) -> None:
    door = FakeDoor()
    response = ask(app(mode, door=door), query=text, **named)
    assert code(response) == "BAD_REQUEST"
    assert "provided sha does not match query" in response.json()["errors"][0]["message"]
    assert door.calls == []


# --- By text --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SERVING)
def test_a_registered_text_runs_and_another_where_others_may(mode: Mode) -> None:
    assert post(app(mode), PING).json() == DONE
    response = post(app(mode), OTHER)
    if mode is Mode.REQUIRE:
        assert code(response) == "DOCUMENT_NOT_TRUSTED"
        assert response.status_code == 403
    else:
        assert response.json() == DONE
        assert ask(app(mode), query=OTHER, documentId="not-yet-known").json() == DONE


@pytest.mark.parametrize("text", ["", "{", PING + " ", OTHER, "{ __typename }", "x" * 50_000])
def test_where_documents_are_required_no_other_is_so_much_as_parsed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Documents, "prepare", lambda *_, **__: pytest.fail("it was prepared"))
    for headers in ({}, ADMIN):
        response = post(app(), text, headers)
        assert code(response) == "DOCUMENT_NOT_TRUSTED"


def test_trust_lifts_no_guard() -> None:
    long = "{ shopPing {" + "done " * 50 + "} }"
    served = application(
        trusted=TrustedDocuments(Mode.REQUIRE, store(PING, long=long, bad="{ nope }")),
        limits=Limits(fields=20),
    )
    assert code(ask(served, documentId="long")) == "FIELD_LIMIT_EXCEEDED"
    bad = refusal_of_document(ask(served, documentId="bad"))
    assert bad == "GRAPHQL_VALIDATION_FAILED"
    assert ask(served, documentId=digest(PING)).json() == DONE


def refusal_of_document(response: httpx.Response) -> str:
    (error,) = response.json()["errors"]
    return str(error["extensions"]["code"])


def test_the_schema_is_told_to_whoever_may_read_it_and_only_by_a_registered_document() -> None:
    served = app(introspection=Introspection.ADMIN)
    assert "data" in post(served, SCHEMA_QUERY, ADMIN).json()
    assert refusal_of_document(post(served, SCHEMA_QUERY)) == "GRAPHQL_VALIDATION_FAILED"
    assert code(post(served, get_introspection_query(), ADMIN)) == "DOCUMENT_NOT_TRUSTED"


def test_what_others_send_does_not_push_out_what_is_trusted() -> None:
    kept = Documents(SCHEMA, Limits(cache_bytes=50_000))
    trusted = kept.prepare(PING, open_, is_trusted=True)
    for number in range(100):
        kept.prepare(f"query Q{number} {{ shopPing {{ done }} }}", open_)
    assert kept.prepare(PING, open_, is_trusted=True) is trusted
    assert kept.kept_bytes <= 50_000 + trusted.size


def test_what_is_trusted_is_bounded_too() -> None:
    kept = Documents(SCHEMA, Limits(trusted_bytes=50_000, cache_bytes=0))
    for number in range(100):
        kept.prepare(f"query Q{number} {{ shopPing {{ done }} }}", open_, is_trusted=True)
        assert kept.kept_bytes <= 50_000
    assert kept.kept_bytes > 30_000


@pytest.mark.parametrize(("mode", "apart"), [(Mode.LOG, False), (Mode.PREFER, True)])
def test_registered_documents_are_kept_apart_but_for_the_mode_that_only_watches(
    mode: Mode, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    prepare = Documents.prepare
    monkeypatch.setattr(
        Documents,
        "prepare",
        lambda self, *given, **named: (
            seen.append(named["is_trusted"]) or prepare(self, *given, **named)
        ),
    )
    served = app(mode)
    for members in ({"documentId": "home"}, {"query": PING}, {"query": OTHER}):
        assert ask(served, **members).json() == DONE
    assert seen == [apart, apart, False]


# --- What logs tell -------------------------------------------------------------------------------


def test_the_line_of_an_operation_tells_which_registered_document_ran() -> None:
    with listening("gateway.operations") as (_, stream):
        ask(app(), documentId="home")
        ask(app(), documentId="gone-7799")
        post(app(Mode.PREFER), OTHER)
    known, unknown, other = (json.loads(line) for line in stream.getvalue().splitlines())
    assert known["document_id"] == f"sha256:{digest(PING)}"
    assert known["document"] == "query{shopPing{done}}"
    assert unknown["problem"] == "PERSISTED_QUERY_NOT_FOUND"
    assert not {"document_id", "document", "unparsed_bytes"} & unknown.keys()
    assert "gone-7799" not in stream.getvalue()
    assert "document_id" not in other


def test_the_mode_log_tells_a_line_for_each_document_that_is_not_registered() -> None:
    order = "query ($i: ShopOrderGetInput!) { a: shopOrderGet(input: $i) { orderId } }"
    with listening("gateway.documents") as (_, stream):
        for mode in (Mode.LOG, Mode.PREFER, Mode.OFF):
            for text in (PING, order, "{ nope }"):
                post(app(mode), text, ADMIN)
    (told,) = (json.loads(line) for line in stream.getvalue().splitlines())
    assert told["message"] == "a document that is not registered"
    assert told["document"] == ("query($1: ShopOrderGetInput!){shopOrderGet(input: $1){orderId}}")
    assert (told["principal_type"], told["workspace"]) == ("human", "acme")


# --- Automatic persisted queries ------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.LOG, Mode.PREFER])
def test_a_client_registers_a_text_by_sending_it_with_its_hash(mode: Mode) -> None:
    served = app(mode, apq=True)
    unknown = ask(served, extensions=hashed(OTHER))
    assert code(unknown) == "PERSISTED_QUERY_NOT_FOUND"
    assert ask(served, query=OTHER, extensions=hashed(OTHER)).json() == DONE
    assert ask(served, extensions=hashed(OTHER)).json() == DONE
    encoded = quote(json.dumps(hashed(OTHER)))
    headers = {"graphql-require-preflight": "1"}
    by_get = send(served, "GET", f"/graphql?extensions={encoded}", headers=headers)
    assert by_get.json() == DONE


def test_a_hash_that_is_not_that_of_the_text_registers_nothing() -> None:
    served = app(Mode.OFF, apq=True)
    response = ask(served, query=OTHER, extensions=hashed(PING))
    assert code(response) == "BAD_REQUEST"
    for text in (OTHER, PING):
        assert code(ask(served, extensions=hashed(text))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{ nope }",
        "{ shopPing { done } }" * 11,
        "query A { __typename } query B { __typename }",
    ],
)
def test_what_may_not_run_is_not_kept(text: str) -> None:
    served = app(Mode.OFF, apq=True)
    assert "errors" in ask(served, query=text, extensions=hashed(text)).json()
    assert code(ask(served, extensions=hashed(text))) == "PERSISTED_QUERY_NOT_FOUND"


def test_a_text_alone_registers_nothing_and_neither_does_a_document_id() -> None:
    served = app(Mode.OFF, apq=True)
    assert post(served, OTHER).json() == DONE
    assert ask(served, query=OTHER, documentId=f"sha256:{digest(OTHER)}").json() == DONE
    assert code(ask(served, extensions=hashed(OTHER))) == "PERSISTED_QUERY_NOT_FOUND"
    assert code(ask(served, documentId="home")) == "PERSISTED_QUERY_NOT_SUPPORTED"


def test_what_clients_register_is_bounded_and_the_least_recently_used_goes_first() -> None:
    kept = PersistedQueries(10_000)
    kept.keep(digest(PING), PING)
    for number in range(500):
        text = f"query Q{number} {{ shopPing {{ done }} }}"
        kept.keep(digest(text), text)
        kept.keep(digest(text), text)
        assert kept.kept_bytes <= 10_000
        assert kept.get(digest(PING)) == PING
    assert kept.kept_bytes > 9_000
    assert kept.get(digest("query Q0 { shopPing { done } }")) is None
    kept.keep("f" * 64, "x" * 20_000)
    assert kept.get("f" * 64) is None
    assert kept.get(digest(PING)) == PING


def test_clients_register_nothing_where_documents_are_required() -> None:
    with pytest.raises(ValueError, match="registered ones alone"):
        TrustedDocuments(Mode.REQUIRE, store(PING), PersistedQueries(1))
