"""Problems: how every refusal and failure is told, in the form of RFC 9457.

A problem has a code (compatibility data, one page in ``docs/errors``), says what happened and what
to do, and whether a retry can help. ``ProblemError`` carries one through the code.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gateway.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding inside a problem.

    ``path`` is a JSON pointer (RFC 6901) into the input, or ``file:line:column`` for a file.
    """

    path: str
    code: str
    message: str

    def to_json(self) -> JsonObject:
        """The issue as it is sent to callers."""
        return {"path": self.path, "code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Standard:
    """What a standard failure code stands for; ``status`` is the HTTP status."""

    status: int
    title: str
    category: str
    retryable: bool = False


REQUEST_LIMITS = (
    *("SOURCE_LIMIT_EXCEEDED", "TOKEN_LIMIT_EXCEEDED", "COMMENT_LIMIT_EXCEEDED"),
    *("DEPTH_LIMIT_EXCEEDED", "ALIAS_LIMIT_EXCEEDED", "DIRECTIVE_LIMIT_EXCEEDED"),
    *("ROOT_FIELD_LIMIT_EXCEEDED", "FIELD_LIMIT_EXCEEDED", "OPERATION_LIMIT_EXCEEDED"),
    *("FRAGMENT_LIMIT_EXCEEDED", "VARIABLE_LIMIT_EXCEEDED", "OVERLAP_LIMIT_EXCEEDED"),
    *("INTROSPECTION_LIMIT_EXCEEDED", "INTROSPECTION_DEPTH_LIMIT_EXCEEDED"),
    *("INTROSPECTION_COST_LIMIT_EXCEEDED", "COST_LIMIT_EXCEEDED", "LIST_LIMIT_EXCEEDED"),
    "SOCKET_OPERATION_LIMIT_EXCEEDED",
)
"""The codes of limits of GraphQL requests, one for each limit (docs/limits.md)."""

STANDARD: dict[str, Standard] = {
    "BAD_REQUEST": Standard(400, "The request is malformed", "validation"),
    "UNAUTHENTICATED": Standard(401, "Authentication is needed", "authentication"),
    "PAYMENT_REQUIRED": Standard(402, "Payment is required", "policy"),
    "FORBIDDEN": Standard(403, "Policy does not allow this", "authorization"),
    "APPROVAL_REQUIRED": Standard(403, "A human must approve this", "authorization"),
    "CONSENT_REQUIRED": Standard(403, "The person has not consented", "policy"),
    "NOT_FOUND": Standard(404, "There is no such thing here", "state"),
    "METHOD_NOT_ALLOWED": Standard(405, "The method is not allowed", "validation"),
    "NOT_ACCEPTABLE": Standard(406, "No acceptable answer format", "validation"),
    "CONFLICT": Standard(409, "The current state does not allow this", "state"),
    "GONE": Standard(410, "This is no longer available", "state"),
    "ERASED": Standard(410, "The personal data was erased", "state"),
    "PRECONDITION_FAILED": Standard(412, "A precondition is not met", "state"),
    "PAYLOAD_TOO_LARGE": Standard(413, "The request is too large", "validation"),
    "UNSUPPORTED_MEDIA_TYPE": Standard(415, "The media type is not supported", "validation"),
    "VALIDATION_FAILED": Standard(422, "The input does not fit the contract", "validation"),
    "GRAPHQL_PARSE_FAILED": Standard(400, "The document does not parse", "validation"),
    "GRAPHQL_VALIDATION_FAILED": Standard(422, "The document is not valid", "validation"),
    "OPERATION_RESOLUTION_FAILURE": Standard(422, "No single operation to run", "validation"),
    "PERSISTED_QUERY_NOT_FOUND": Standard(404, "No document of this id is known", "state"),
    "PERSISTED_QUERY_NOT_SUPPORTED": Standard(400, "Documents have no ids here", "validation"),
    "DOCUMENT_NOT_TRUSTED": Standard(403, "The document is not registered", "policy"),
    "LIMIT_EXCEEDED": Standard(422, "A limit of the gateway is exceeded", "validation"),
    **dict.fromkeys(
        REQUEST_LIMITS, Standard(422, "A limit of the gateway is exceeded", "validation")
    ),
    "ANSWER_LIMIT_EXCEEDED": Standard(422, "The answer would be too large", "validation"),
    "URI_LIMIT_EXCEEDED": Standard(414, "The URI is too long", "validation"),
    "HEADER_LIMIT_EXCEEDED": Standard(431, "The headers are too large", "validation"),
    "RATE_LIMITED": Standard(429, "Too many calls", "policy", retryable=True),
    "INTERNAL_ERROR": Standard(500, "The gateway failed", "internal"),
    "NOT_IMPLEMENTED": Standard(501, "This is not available", "internal"),
    "BAD_GATEWAY": Standard(502, "The called service failed", "dependency", retryable=True),
    "SERVICE_UNAVAILABLE": Standard(
        503, "The gateway cannot serve now", "internal", retryable=True
    ),
    "TIMEOUT": Standard(504, "The time allowed is over", "dependency", retryable=True),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in the terms of RFC 9457, extended as the contract surface says.

    ``status`` is an HTTP status, ``retry_after`` is in seconds, ``extra`` holds members of one
    code alone (such as the execution that waits behind an APPROVAL_REQUIRED).
    """

    code: str
    title: str
    status: int
    detail: str
    category: str
    retryable: bool = False
    issues: tuple[Issue, ...] = ()
    retry_after: float | None = None
    instance: str | None = None
    trace_id: str | None = None
    operation: JsonObject | None = None
    extra: JsonObject | None = None

    @property
    def type(self) -> str:
        """The problem type: a URN that ends with the code, documented in ``docs/errors``."""
        return f"urn:contract-gateway:problem:{self.code}"

    @property
    def severity(self) -> str:
        """``error`` where the gateway or a service failed, ``warning`` where a caller can mend."""
        return "error" if self.status >= 500 else "warning"

    def to_json(self) -> JsonObject:
        """The problem as it is sent and recorded; absent members are left out."""
        body: JsonObject = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "category": self.category,
            "severity": self.severity,
            "retryable": self.retryable,
        }
        optional = {
            "instance": self.instance,
            "retryAfter": self.retry_after,
            "traceId": self.trace_id,
            "operation": self.operation,
            "issues": [issue.to_json() for issue in self.issues] or None,
        }
        body.update({key: value for key, value in optional.items() if value is not None})
        body.update(self.extra or {})
        return body


def problem(code: str, detail: str, **members: Any) -> Problem:
    """A problem of a standard ``code``; ``members`` override the standard's own."""
    standard = STANDARD[code]
    given: dict[str, Any] = {
        "title": standard.title,
        "status": standard.status,
        "category": standard.category,
        "retryable": standard.retryable,
    }
    return Problem(code=code, detail=detail, **{**given, **members})


class ProblemError(Exception):
    """A problem on its way to whoever asked."""

    def __init__(self, told: Problem) -> None:
        super().__init__(f"{told.code}: {told.detail}")
        self.problem = told


def refuse(code: str, detail: str, **members: Any) -> ProblemError:
    """The exception for a problem of a standard code: ``raise refuse("CONFLICT", ...)``."""
    return ProblemError(problem(code, detail, **members))


MAX_ISSUES = 100
"""How many issues a problem tells; a caller who mends these is told the next ones."""


def invalid(issues: Iterable[Issue], detail: str | None = None) -> ProblemError:
    """VALIDATION_FAILED with every issue at once, up to ``MAX_ISSUES``."""
    found = tuple(issues)
    first = found[0]
    told = detail or f"{first.path or '/'}: {first.message}" + (
        f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    )
    return ProblemError(problem("VALIDATION_FAILED", told, issues=found[:MAX_ISSUES]))


def refused_files(
    code: str, title: str, what: str, issues: Iterable[Issue], most: int | None = None
) -> ProblemError:
    """The refusal of files that this installation was given: told to its operator, to no caller.

    Args:
        code: The code of the problem.
        title: Its title.
        what: Names the files in the detail.
        issues: What is wrong, the first to be told first; all of it is counted.
        most: How many issues are told; None for all.
    """
    found = tuple(issues)
    count = "1 issue" if len(found) == 1 else f"{len(found)} issues"
    told = f"{count} in {what}. {found[0].path}: {found[0].message}"
    return ProblemError(Problem(code, title, 500, told, "validation", issues=found[:most]))


def with_context(told: Problem, **members: Any) -> Problem:
    """The same problem with members filled in that only an outer layer knows."""
    return replace(told, **members)
