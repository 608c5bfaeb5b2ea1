"""The download over HTTP: headers, problems, and what never reaches the caller."""

import base64
import hashlib
import json
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette

from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import ProblemError, refuse
from gateway.surfaces.downloads import evidence_route

pytestmark = pytest.mark.anyio

OLGA = Principal(PrincipalType.HUMAN, "olga", "acme", frozenset({"admin"}))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Held:
    name: str = "evidence-run_1-1.zip"
    content: bytes = b"PK content"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Evidence:
    """Who asked for what; answers with ``error`` if there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[tuple[Principal, str, str | None]] = []
        self._error = error

    async def authenticate(self, authorization: str | None) -> Principal:
        if authorization == "Bearer bad":
            raise refuse("UNAUTHENTICATED", "The token does not hold.")
        return OLGA if authorization else ANONYMOUS

    async def fetch(self, principal: Principal, run_id: str, trace_id: str | None) -> Held:
        self.asked.append((principal, run_id, trace_id))
        if self._error:
            raise self._error
        return Held()

    async def get(self, path: str = "/evidence/run_1", **more: object) -> httpx.Response:
        app = Starlette(routes=[evidence_route(self.authenticate, self.fetch)])
        transport = httpx.ASGITransport(app)
        sent: dict[str, object] = {"headers": {"authorization": "Bearer good"}, **more}
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            method = str(sent.pop("method", "GET"))
            return await client.request(method, path, **sent)  # type: ignore[arg-type] # passed on


async def test_a_bundle_comes_as_an_attachment_with_its_digest() -> None:
    evidence = Evidence()
    answer = await evidence.get()
    assert answer.status_code == 200
    assert answer.content == b"PK content"
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="evidence-run_1-1.zip"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    digest = base64.b64encode(hashlib.sha256(b"PK content").digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert evidence.asked == [(OLGA, "run_1", None)]


async def test_the_trace_is_passed_on_and_told_in_problems() -> None:
    evidence = Evidence(refuse("NOT_FOUND", "There is no such run."))
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {
        "authorization": "Bearer good",
        "traceparent": f"00-{trace}-b7ad6b7169203331-01",
    }
    answer = await evidence.get(headers=headers)
    assert evidence.asked == [(OLGA, "run_1", trace)]
    assert answer.json()["traceId"] == trace


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (refuse("NOT_FOUND", "no"), 404, None),
        (refuse("FORBIDDEN", "no"), 403, None),
        (refuse("GONE", "no"), 410, None),
        (refuse("RATE_LIMITED", "no", retry_after=1.2), 429, ("retry-after", "2")),
    ],
)
async def test_refusals_are_problems(
    error: ProblemError, status: int, header: tuple[str, str] | None
) -> None:
    answer = await Evidence(error).get()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == error.problem.code
    if header:
        assert answer.headers[header[0]] == header[1]


async def test_a_token_that_does_not_hold_is_told_so() -> None:
    evidence = Evidence()
    answer = await evidence.get(headers={"authorization": "Bearer bad"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert evidence.asked == []


async def test_a_failure_of_ours_tells_nothing() -> None:
    answer = await Evidence(ValueError("secret detail")).get()
    assert answer.status_code == 500
    assert json.loads(answer.content)["code"] == "INTERNAL_ERROR"
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused(method: str) -> None:
    evidence = Evidence()
    answer = await evidence.get(method=method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.headers["content-type"] == "application/problem+json"
    assert evidence.asked == []


async def test_two_authorizations_are_refused() -> None:
    evidence = Evidence()
    headers = [("authorization", "Bearer good"), ("authorization", "Bearer better")]
    answer = await evidence.get(headers=headers)
    assert answer.status_code == 400
    assert evidence.asked == []
