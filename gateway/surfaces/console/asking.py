"""Asking the public GraphQL endpoint in the name of whoever visits.

The console is one more client: it sends documents as any other does, through the same endpoint,
and gets what that person may see.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from graphql import parse, print_ast, separate_operations
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.model.json import JsonObject

DOCUMENTS = Path(__file__).parent / "documents"
"""The documents that the console sends; each operation's name is its own."""

_PASSED_ON = frozenset({b"traceparent", b"tracestate", b"last-event-id"})


class AskedError(Exception):
    """The API refused or failed; ``problem`` is what it said (RFC 9457)."""

    def __init__(self, problem: JsonObject) -> None:
        super().__init__(problem.get("code"))
        self.problem = problem

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(self.problem.get("code", "INTERNAL_ERROR"))

    @property
    def status(self) -> int:
        """The HTTP status that the problem has."""
        status = self.problem.get("status")
        return status if isinstance(status, int) else 500


@cache
def documents() -> Mapping[str, str]:
    """Each operation by its name, as a document of its own: what another operation of its file asks
    for may be unknown to somebody, for whom the whole document would then be invalid."""
    found: dict[str, str] = {}
    for path in sorted(DOCUMENTS.glob("*.graphql")):
        separate = separate_operations(parse(path.read_text()))
        found |= {name: print_ast(document) for name, document in separate.items()}
    return found


class Api:
    """The public API, asked with one person's token during one request: the GraphQL endpoint, and
    the door that hands out evidence."""

    __slots__ = ("_evidence", "_graphql", "_scope", "_token")

    def __init__(self, graphql: ASGIApp, evidence: ASGIApp, scope: Scope, token: str) -> None:
        self._graphql = graphql
        self._evidence = evidence
        self._scope = scope
        self._token = token

    async def ask(self, operation: str, **variables: Any) -> JsonObject:
        """The data of an operation of ``documents()``.

        Raises:
            AskedError: there is an error in the answer; its first one is told.
        """
        return await self.send(documents()[operation], operation, variables)

    async def send(self, query: str, operation: str | None, variables: JsonObject) -> JsonObject:
        """The data of the operation of this name in a document that was made elsewhere.

        Raises:
            AskedError: there is an error in the answer; its first one is told.
        """
        body = _body(query, operation, variables)
        sent = _Collected()
        scope = self._asking(b"application/graphql-response+json")
        await self._graphql(scope, _Given(body).receive, sent.send)
        answer = orjson.loads(bytes(sent.body))
        if errors := answer.get("errors"):
            raise AskedError(errors[0]["extensions"]["problem"])
        data: JsonObject = answer["data"]
        return data

    async def evidence(self, run_id: str) -> Response:
        """The newest bundle of a run's evidence that the caller exported, as a download.

        Raises:
            AskedError: it was refused, or there is none.
        """
        place = {"path": f"/evidence/{run_id}", "path_params": {"run_id": run_id}, "method": "GET"}
        sent = _Collected()
        scope = {**self._asking(b"application/zip"), **place}
        await self._evidence(scope, _Given(b"").receive, sent.send)
        if sent.status != 200:
            raise AskedError(orjson.loads(bytes(sent.body)))
        answer = Response(bytes(sent.body))
        answer.raw_headers = sent.headers
        return answer

    def follow(self, operation: str, **variables: Any) -> ASGIApp:
        """An ASGI application that answers with the event stream of a subscription of
        ``documents()``, from the browser's ``Last-Event-ID`` on."""
        body = _body(documents()[operation], operation, variables)
        scope = self._asking(b"text/event-stream")

        async def stream(_scope: Scope, receive: Receive, send: Send) -> None:
            await self._graphql(scope, _Given(body, receive).receive, send)

        return stream

    def _asking(self, accept: bytes) -> Scope:
        passed = [one for one in self._scope["headers"] if one[0] in _PASSED_ON]
        headers = [
            (b"accept", accept),
            (b"authorization", b"Bearer " + self._token.encode("latin-1", "replace")),
            (b"content-type", b"application/json"),
            *passed,
        ]
        place = {"path": "/graphql", "raw_path": b"/graphql", "query_string": b""}
        return {**self._scope, **place, "method": "POST", "headers": headers}


def _body(query: str, operation: str | None, variables: JsonObject) -> bytes:
    named = {"operationName": operation} if operation else {}
    return orjson.dumps({"query": query, "variables": variables, **named})


class _Given:
    """The messages of a request whose body is there; then those of ``then``, or the end."""

    def __init__(self, body: bytes, then: Receive | None = None) -> None:
        self._body: bytes | None = body
        self._then = then

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if self._then is None:
            return {"type": "http.disconnect"}
        return await self._then()


class _Collected:
    """An answer, taken together."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        self.body += message.get("body", b"")
