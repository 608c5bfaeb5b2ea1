"""How the door tells errors: GraphQL's form outside, a problem of RFC 9457 inside."""

import logging
import math
import re
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, Problem, ProblemError, problem, with_context
from gateway.surfaces.graphql.shapes import LazyShape
from gateway.telemetry import told_failure

_log = logging.getLogger("gateway.graphql")

_TOKEN_TEXT = re.compile(r"(String|BlockString|Int|Float|Name) [\"'].*", re.DOTALL)
_LONGEST_MESSAGE = 500


class RequestRefusedError(Exception):
    """A request that is answered without being executed.

    ``errors`` are the entries of the answer, ``status`` its HTTP status, ``shape`` what logs may
    tell of its document where that was parsed.
    """

    def __init__(
        self, status: int, errors: Sequence[JsonObject], shape: LazyShape | None = None
    ) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.errors = list(errors)
        self.shape = shape


class HttpRefusedError(ProblemError):
    """A problem of the HTTP request, with the headers that its status asks for."""

    def __init__(self, told: Problem, headers: dict[str, str]) -> None:
        super().__init__(told)
        self.headers = headers


def http_refusal(
    code: str, detail: str, path: str, headers: dict[str, str] | None = None, **members: Any
) -> HttpRefusedError:
    """The refusal of a request for ``path``: a part of the message such as ``header:accept``."""
    issue = Issue(path, code, detail)
    return HttpRefusedError(problem(code, detail, issues=(issue,), **members), headers or {})


def headers_of(told: Problem) -> dict[str, str]:
    """The headers that the status of a problem asks for (RFC 9110, sections 11.6.1 and 10.2.3)."""
    headers = {"www-authenticate": "Bearer"} if told.status == 401 else {}
    if told.retry_after is not None:
        headers["retry-after"] = _whole_seconds(told.retry_after)
    return headers


def headers_of_answer(body: JsonObject) -> dict[str, str]:
    """The headers that the errors in an answer ask for: waiting as long as the longest helps all.

    An answer that holds data keeps a status of success, whatever happened to single fields; so this
    is where HTTP clients and proxies see that a field was refused for a while.
    """
    problems = [entry["extensions"]["problem"] for entry in body.get("errors", ())]
    waits = [told["retryAfter"] for told in problems if "retryAfter" in told]
    return {"retry-after": _whole_seconds(max(waits))} if waits else {}


def _whole_seconds(wait: float) -> str:
    return str(max(1, math.ceil(wait)))


def error_entry(told: Problem, error: GraphQLError | None = None) -> JsonObject:
    """The entry of ``errors`` for a problem, at the place of ``error`` if there is one."""
    entry: JsonObject = {"message": told.detail}
    if error is not None and error.locations:
        entry["locations"] = [location.formatted for location in error.locations]
    if error is not None and error.path is not None:
        entry["path"] = list(error.path)
    entry["extensions"] = {
        "code": told.code,
        "http": {"status": told.status},
        "problem": told.to_json(),
    }
    return entry


def entries_of(error: Exception, doing: str, trace_id: str | None) -> list[JsonObject]:
    """The entries that tell why something was not done, under the trace of the request.

    What is neither a refusal nor a problem is a failure of ours, told as INTERNAL_ERROR.
    """
    if isinstance(error, RequestRefusedError):
        for entry in error.errors:
            if trace_id is not None:
                entry["extensions"]["problem"]["traceId"] = trace_id
        return error.errors
    told = error.problem if isinstance(error, ProblemError) else internal_problem(error, doing)
    return [error_entry(with_context(told, trace_id=trace_id))]


def syntax_refusal(error: GraphQLSyntaxError) -> RequestRefusedError:
    """The refusal of a document that does not parse, without the text of its literals.

    Neither is a name told: a text that lacks its quotes reads as names. The place is.
    """
    said = _TOKEN_TEXT.sub(r"\1", error.message)
    told = _document_problem("GRAPHQL_PARSE_FAILED", _sentence(said), error)
    return RequestRefusedError(told.status, [error_entry(told, error)])


def validation_entry(error: GraphQLError) -> JsonObject:
    """The entry for a rule of GraphQL that a document breaks."""
    told = _document_problem("GRAPHQL_VALIDATION_FAILED", _sentence(error.message), error)
    return error_entry(told, error)


def internal_problem(error: BaseException, doing: str) -> Problem:
    """INTERNAL_ERROR with a fresh error id, under which the log holds what happened.

    The log gets the exception's type and the code's path, with those of what it came of, never
    its message, variables or literals: they may hold what callers sent. ``doing`` names the field
    or the stage.
    """
    error_id = secrets.token_hex(8)
    _log.error("internal error %s in %s: %s", error_id, doing, told_failure(error))
    detail = (
        f"The gateway failed; nothing more is told here. Quote error {error_id} to its operator."
    )
    return problem("INTERNAL_ERROR", detail, extra={"errorId": error_id})


def _document_problem(code: str, detail: str, error: GraphQLError) -> Problem:
    place = error.locations[0] if error.locations else None
    path = f"query:{place.line}:{place.column}" if place else "/query"
    return problem(code, detail, issues=(Issue(path, code, detail),))


def _sentence(message: str) -> str:
    said = message.rstrip(".")
    if len(said) > _LONGEST_MESSAGE:
        said = said[:_LONGEST_MESSAGE] + "..."
    end = "" if said.endswith("?") else "."
    return f"{said}{end} Correct the document and send it again."
