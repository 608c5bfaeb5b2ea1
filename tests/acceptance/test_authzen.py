"""The AuthZEN door over HTTP: the transport and the metadata of the Authorization API 1.0.

Numbers in the names of tests are the sections of the specification.
"""

import pytest

from tests.acceptance.authzen_world import (
    ENDPOINTS,
    EVALUATION,
    METADATA,
    RESOURCES,
    SUBJECTS,
    JsonObject,
    Pep,
    action,
    asking,
    resource,
    subject,
)
from tests.processes import HTTP
from tests.world import World

ALICE = subject("alice")
READ = action("read")
ONE = resource("record-1")
QUESTION = asking(ALICE, READ, ONE)


def full(path: str) -> JsonObject:
    """A request that every endpoint takes."""
    return {**QUESTION, "page": {"limit": 10}} if path in (SUBJECTS, RESOURCES) else QUESTION


@pytest.mark.parametrize("path", ENDPOINTS)
def test_10_1_a_request_is_a_post_of_a_json_object(pep: Pep, path: str) -> None:
    assert pep.send(path, full(path)).status_code == 200
    assert pep.send(path, full(path), content_type="application/json; charset=utf-8").is_success
    for body in ([QUESTION], "text", 1, None, True):
        pep.refused(path, body)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_10_1_other_methods_are_told_which_one_is_served(pep: Pep, path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = pep.send(path, b"", method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
    options = pep.send(path, b"", "OPTIONS", authorization="")
    assert (options.status_code, options.headers["allow"]) == (204, "POST, OPTIONS")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"subject": 1, "subject": 2}', id="11.5 a name twice"),
        pytest.param(b'{"context": {"a": NaN}}', id="11.5 NaN"),
        pytest.param(b'{"context": {"a": 1e999}}', id="11.5 beyond a double"),
        pytest.param(b'{"context": {"a": "\\ud800"}}', id="11.5 half a surrogate pair"),
        pytest.param(b'{"context": "\xff"}', id="11.5 no UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"context": {}}', id="a byte order mark"),
        pytest.param(b'{"context":' + b"[" * 5000 + b"]" * 5000 + b"}", id="11.7 nested"),
    ],
)
def test_11_5_json_that_could_be_read_in_two_ways_is_refused(
    pep: Pep, path: str, body: bytes
) -> None:
    pep.refused(path, body)


def test_11_7_a_body_has_a_size(pep: Pep) -> None:
    answer = pep.send(EVALUATION, {**QUESTION, "context": {"a": "x" * 300_000}})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ENDPOINTS)
def test_10_1_2_who_is_not_authenticated_is_told_how(pep: Pep, path: str) -> None:
    for authorization in ("", "Bearer nonsense", "Basic YTpi"):
        answer = pep.send(path, full(path), authorization=authorization)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["detail"]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_10_1_2_who_has_no_token_learns_nothing_of_what_is_malformed(pep: Pep, path: str) -> None:
    huge = {**QUESTION, "context": {"a": "x" * 300_000}}
    for body, kind in ((b"{", ""), (QUESTION, "text/plain"), ({}, ""), (huge, "")):
        answer = pep.send(path, body, authorization="", content_type=kind or "application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_10_1_2_who_may_not_ask_learns_nothing(authzen: World, path: str) -> None:
    asks = Pep(authzen, "acme", "user", "approver")
    known = asks.send(path, full(path))
    unknown = asks.send(path, {**full(path), **subject("ghost"), **resource("x", "planet")})
    assert (known.status_code, unknown.status_code) == (403, 403)
    told = [answer.json() for answer in (known, unknown)]
    assert told[0].pop("decisionId") != told[1].pop("decisionId")
    assert told[0] == told[1]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_answers_are_not_stored(pep: Pep, path: str) -> None:
    for answer in (pep.send(path, full(path)), pep.send(path, b"{")):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*ENDPOINTS, METADATA])
def test_10_1_3_the_request_identifier_comes_back_whatever_happens(pep: Pep, path: str) -> None:
    name = "x-request-id"
    odd = "é ü;,=\u00a0~".encode("latin-1")
    for method, token in (("GET", pep.token), ("POST", pep.token), ("POST", "nonsense")):
        told = {"authorization": f"Bearer {token}".encode(), name: odd}
        answer = HTTP.request(method, pep.url + path, headers=told, content=b"{")
        raw = {key.lower(): value for key, value in answer.headers.raw}
        assert raw[name.encode()] == odd
    answer = pep.send(path, QUESTION, x_request_id="x" * 1025)
    assert answer.status_code == 400


def test_an_answer_names_the_revision_it_comes_from(authzen: World, pep: Pep) -> None:
    head = HTTP.get(f"{authzen.gateway.url}/readyz").json()["policyVersion"]
    for path in ENDPOINTS:
        assert pep.send(path, full(path)).headers["policy-revision"] == head


def test_9_2_2_metadata_are_public_and_have_no_empty_parameters(pep: Pep) -> None:
    answer = pep.send(METADATA, b"", "GET", authorization="", content_type="")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert all(answer.json().values())
    head = pep.send(METADATA, b"", "HEAD", authorization="")
    assert (head.status_code, head.content) == (200, b"")
    posted = pep.send(METADATA, {})
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert pep.send(METADATA, b"", "OPTIONS").status_code == 204


@pytest.mark.parametrize("host", ["a b", "x/y", "user@evil", "a?b", "[::1"])
def test_9_1_1_the_identifier_is_a_host_and_nothing_else(pep: Pep, host: str) -> None:
    assert pep.send(METADATA, b"", "GET", host=host).status_code == 400
