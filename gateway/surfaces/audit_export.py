"""Exports over HTTP: ``GET /audit/export`` streams what auditors ask of the record.

``report=record`` takes what audit.record.search takes, ``report=review`` what
audit.contract.review takes, as parameters of the query. The next page is read when the client took
the one before. Where a page fails in the midst, the connection is cut, so that nobody takes a part
for the whole.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import Issue, ProblemError, invalid
from gateway.surfaces.files import COMMON_HEADERS, file_route, refusal
from gateway.surfaces.graphql import Authenticate, Connections, ValidFor
from gateway.surfaces.graphql.requests.headers import RequestHeaders
from gateway.surfaces.graphql.server.lifetime import Connection, PeerGoneError

_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}

_SHARED = frozenset({"contract", "on", "from", "to"})
_TAKES: Mapping[str, frozenset[str]] = {
    "record": _SHARED | {"actor", "types", "executionId", "effect", "after"},
    "review": _SHARED | {"subject", "workspace", "parts"},
}
_LISTS = frozenset({"types", "parts"})
_SERVED = ("GET",)

_log = logging.getLogger(__name__)


class Export(Protocol):
    """Exports a report for a caller, with everything that policy demands of it."""

    def __call__(
        self, principal: Principal, report: str, shape: str, asked: JsonObject, trace: str | None, /
    ) -> AsyncIterator[bytes]:
        """The pieces of the export; a refusal is raised with the first, or at any later one."""
        ...


def audit_export_route(
    authenticate: Authenticate, valid_for: ValidFor, connections: Connections, export: Export
) -> Route:
    """The route ``/audit/export``."""

    async def serve(request: Request, principal: Principal, trace: str | None) -> Response:
        report, shape, asked = _asked(request)
        pieces = export(principal, report, shape, asked, trace)
        first = await anext(aiter(pieces))
        authorization = RequestHeaders(request.scope).single("authorization")
        headers = {
            **COMMON_HEADERS,
            "content-type": _TYPES[shape],
            "content-disposition": f'attachment; filename="audit-{report}.{shape}"',
        }
        return _Stream(
            connections, principal, _all(first, pieces), headers, valid_for, authorization
        )

    return file_route("/audit/export", _SERVED, authenticate, serve, "an export")


def _asked(request: Request) -> tuple[str, str, JsonObject]:
    """The report, the format and the input of the query, as the parameters say.

    Raises:
        ProblemError: VALIDATION_FAILED with each parameter that is unknown or given twice.
    """
    given = request.query_params
    report, shape = given.get("report", "record"), given.get("format", "csv")
    issues = []
    if report not in _TAKES:
        issues.append(Issue("/report", "NOT_ALLOWED", f"Use one of {', '.join(_TAKES)}."))
    if shape not in _TYPES:
        issues.append(Issue("/format", "NOT_ALLOWED", f"Use one of {', '.join(_TYPES)}."))
    known = _TAKES.get(report, frozenset())
    asked: JsonObject = {}
    for name in dict.fromkeys(given.keys()):
        values = given.getlist(name)
        if len(values) > 1 and name not in _LISTS:
            issues.append(Issue(f"/{name[:50]}", "DUPLICATE", "Give it once."))
        elif name in _LISTS and name in known:
            asked[name] = [part for value in values for part in value.split(",")]
        elif name in known:
            asked[name] = values[0]
        elif name not in ("report", "format"):
            told = f"The report takes {', '.join(sorted(known))}."
            issues.append(Issue(f"/{name[:50]}", "UNKNOWN_FIELD", told))
    if issues:
        raise invalid(issues)
    return report, shape, asked


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in rest:
        yield piece


class _Stream(Response):
    """An answer whose pieces are asked for one after the other, as the client takes them."""

    def __init__(
        self,
        connections: Connections,
        principal: Principal,
        pieces: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
        valid_for: ValidFor,
        authorization: str | None,
    ) -> None:
        super().__init__(None, headers=headers)
        del self.headers["content-length"]
        self._connections = connections
        self._principal = principal
        self._pieces = pieces
        self._valid_for = valid_for
        self._authorization = authorization

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all; cut the connection where that cannot be."""
        try:
            admitted = self._connections.admit(scope, send, self._principal)
        except ProblemError as error:
            await refusal(error.problem, _SERVED)(scope, receive, send)
            return
        with admitted as connection, contextlib.suppress(PeerGoneError):
            await connection.send(
                {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            )
            if not await self._sent(connection):
                connection.abort()

    async def _sent(self, connection: Connection) -> bool:
        """Send until all is out or it must end before; whether all is out."""
        sending = asyncio.create_task(self._send_pieces(connection))
        ending = asyncio.create_task(connection.over(self._valid_for, self._authorization))
        try:
            await asyncio.wait((sending, ending), return_when=asyncio.FIRST_COMPLETED)
            return sending.done() and sending.result()
        finally:
            for task in (sending, ending):
                task.cancel()
            await asyncio.gather(sending, ending, return_exceptions=True)

    async def _send_pieces(self, connection: Connection) -> bool:
        try:
            async with contextlib.aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    await connection.send(_chunk(piece))
        except PeerGoneError:
            raise
        except ProblemError as error:
            _log.warning("an export ended in the midst (%s)", error.problem.code)
            return False
        except Exception as error:  # the last line: a bug cuts the connection and is logged
            _log.error("an export failed in the midst (%s)", type(error).__name__)
            return False
        await connection.send(_chunk(b"", is_last=True))
        return True


def _chunk(body: bytes, *, is_last: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": not is_last}
