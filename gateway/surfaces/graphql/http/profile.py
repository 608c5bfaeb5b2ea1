"""The HTTP status of every answer of the endpoint: one table for each profile.

``spec`` is the text of GraphQL over HTTP as it stands (https://graphql.github.io/graphql-over-http/draft/,
sections "Status Codes" and "Body"). ``audit`` is an earlier state of it, to which the audits of the
npm package graphql-http hold a server. Whatever is not in a table has the status of its problem,
in both.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.model.problem import REQUEST_LIMITS, ProblemError
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.http.negotiation import GRAPHQL_JSON, PLAIN_JSON


class HttpProfile(StrEnum):
    """Which state of GraphQL over HTTP the endpoint keeps to."""

    SPEC = "spec"
    AUDIT = "audit"


class Outcome(Enum):
    """What happened to a request, as far as HTTP tells of it."""

    EXECUTED = "data, and no errors"
    PARTIAL = "data or null, and errors"
    NOT_WELL_FORMED = "JSON whose parameters are not those of a GraphQL request"
    NOT_PARSED = "a document that does not parse"
    NOT_VALID = "a document, operationName or variables that do not fit; nothing was run"
    NOT_FOUND_BY_ID = "a document that is named by an id that is not known"
    NOT_SOUGHT_BY_ID = "a document that is named where documents have no ids"


@dataclass(frozen=True, slots=True)
class _Row:
    """The status of answers in GraphQL's own media type, and of those in plain JSON."""

    graphql: int
    plain: int

    def of(self, media: str) -> int:
        """The status of an answer in ``media``."""
        return self.graphql if media == GRAPHQL_JSON else self.plain


# Apollo Server answers both with 200, and its older clients read plain JSON of no other status.
_BY_ID = {
    Outcome.NOT_FOUND_BY_ID: _Row(404, 200),
    Outcome.NOT_SOUGHT_BY_ID: _Row(400, 200),
}

_TABLES: dict[HttpProfile, dict[Outcome, _Row]] = {
    HttpProfile.SPEC: {
        **_BY_ID,
        Outcome.EXECUTED: _Row(200, 200),
        # 294 is no registered status; section "Partial success" gives it a meaning only beside
        # GraphQL's own media type.
        Outcome.PARTIAL: _Row(294, 200),
        Outcome.NOT_WELL_FORMED: _Row(422, 422),
        Outcome.NOT_PARSED: _Row(400, 400),
        Outcome.NOT_VALID: _Row(422, 422),
    },
    HttpProfile.AUDIT: {
        **_BY_ID,
        Outcome.EXECUTED: _Row(200, 200),
        Outcome.PARTIAL: _Row(200, 200),
        Outcome.NOT_WELL_FORMED: _Row(400, 400),
        # Old clients took any plain JSON but with 200 for an answer of somebody between.
        Outcome.NOT_PARSED: _Row(400, 200),
        Outcome.NOT_VALID: _Row(400, 200),
    },
}

_UNDECIDED = {HttpProfile.SPEC: GRAPHQL_JSON, HttpProfile.AUDIT: PLAIN_JSON}
"""What is sent where a caller takes either. The text leaves it to the server (section "Accept");
the audits ask for plain JSON."""

_REFUSALS = {
    "GRAPHQL_PARSE_FAILED": Outcome.NOT_PARSED,
    "GRAPHQL_VALIDATION_FAILED": Outcome.NOT_VALID,
    **dict.fromkeys(REQUEST_LIMITS, Outcome.NOT_VALID),
    "OPERATION_RESOLUTION_FAILURE": Outcome.NOT_VALID,
    "PERSISTED_QUERY_NOT_FOUND": Outcome.NOT_FOUND_BY_ID,
    "PERSISTED_QUERY_NOT_SUPPORTED": Outcome.NOT_SOUGHT_BY_ID,
    "VALIDATION_FAILED": Outcome.NOT_VALID,
}
"""What happened to a well-formed request that was refused, by the code of its first error."""


_OF_BODY = {
    (profile.value, media, has_errors): table[outcome].of(media)
    for profile, table in _TABLES.items()
    for media in (GRAPHQL_JSON, PLAIN_JSON)
    for outcome, has_errors in ((Outcome.EXECUTED, False), (Outcome.PARTIAL, True))
}
"""Looked up for every answer."""


def undecided_media(profile: HttpProfile) -> str:
    """The media type for callers who take GraphQL's own and plain JSON alike."""
    return _UNDECIDED[profile]


def status_of_body(profile: HttpProfile, media: str, *, has_errors: bool) -> int:
    """The status of an answer in ``media`` that has the member ``data``."""
    return _OF_BODY[profile.value, media, has_errors]


def status_of_refusal(
    profile: HttpProfile, media: str, refused: RequestRefusedError | ProblemError
) -> int:
    """The status of the refusal of a request whose caller prefers ``media``."""
    if isinstance(refused, RequestRefusedError):
        outcome, own = _REFUSALS.get(refused.errors[0]["extensions"]["code"]), refused.status
    else:
        is_malformed = refused.problem.code == "VALIDATION_FAILED"
        outcome = Outcome.NOT_WELL_FORMED if is_malformed else None
        own = refused.problem.status
    return own if outcome is None else _status(profile, media, outcome)


def _status(profile: HttpProfile, media: str, outcome: Outcome) -> int:
    return _TABLES[profile][outcome].of(media)
