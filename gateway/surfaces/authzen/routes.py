"""The routes of the Authorization API 1.0 (OpenID AuthZEN) and of its metadata.

Each request is one governed call of ``policy.decision.evaluate`` or ``policy.decision.search``, in
the name of whoever sends it; a batch is one call, decided under one revision and recorded once.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, problem, with_context
from gateway.surfaces.authzen import messages, pages
from gateway.surfaces.graphql import Authenticate, Door, Limits
from gateway.surfaces.graphql.errors import headers_of, http_refusal, internal_problem
from gateway.surfaces.graphql.http.bodies import ClientGoneError, check_json_body, read_body
from gateway.surfaces.graphql.requests.headers import RequestHeaders
from gateway.surfaces.graphql.requests.strict_json import parse_json
from gateway.surfaces.methods import EveryMethod

EVALUATE = "policy.decision.evaluate@1.0.0"
SEARCH = "policy.decision.search@1.0.0"
REQUEST_ID = "x-request-id"
REVISION = "policy-revision"
"""The response header that names the revision under which a request was decided."""

PATHS = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
    "search_subject_endpoint": "/access/v1/search/subject",
    "search_resource_endpoint": "/access/v1/search/resource",
    "search_action_endpoint": "/access/v1/search/action",
}
METADATA = "/.well-known/authzen-configuration"

_COMMON = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_OWN_STATUS = frozenset({401, 403, 405, 408, 413, 429})
"""Statuses of callers' faults that are kept; the specification knows 400 for all others."""

_AUTHORITY = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_IDENTIFIER = re.compile(r"[\x20-\x7e\x80-\xff]{0,1024}")


@dataclass(frozen=True, slots=True)
class Pdp:
    """What the routes need of the rooms behind them."""

    door: Door
    authenticate: Authenticate
    contracts: Mapping[str, OperationContract]
    limits: Limits

    async def ask(self, ref: str, value: JsonObject, who: "Asking") -> JsonObject:
        """One governed call of a contract."""
        return await self.door.call(
            self.contracts[ref],
            value,
            principal=who.principal,
            idempotency_key=None,
            trace_id=who.trace_id,
        )

    async def require_token(self, ref: str, who: "Asking") -> None:
        """Refuse whoever has no token before anything is said of what they sent.

        Raises:
            ProblemError: UNAUTHENTICATED, unless policy lets everybody call the contract.
        """
        if not who.principal.is_anonymous:
            return
        try:
            await self.ask(ref, {}, who)
        except ProblemError as error:
            if error.problem.status == 401:
                raise


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, under which trace."""

    principal: Principal
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """The body of an answer and the revision that it comes from."""

    body: JsonObject
    revision: str


Serve = Callable[[Pdp, JsonValue, Asking], Awaitable[Answered]]


def authzen_routes(
    door: Door,
    authenticate: Authenticate,
    contracts: Mapping[str, OperationContract],
    limits: Limits,
) -> list[Route]:
    """The endpoints and the metadata. ``contracts`` are by ``key@version``."""
    pdp = Pdp(door, authenticate, contracts, limits)
    serving: dict[str, tuple[str, Serve]] = {
        "access_evaluation_endpoint": (EVALUATE, _evaluation),
        "access_evaluations_endpoint": (EVALUATE, _evaluations),
        "search_subject_endpoint": (SEARCH, partial(_search, "subject")),
        "search_resource_endpoint": (SEARCH, partial(_search, "resource")),
        "search_action_endpoint": (SEARCH, partial(_search, "action")),
    }
    routes = [_route(PATHS[name], pdp, *served) for name, served in serving.items()]
    return [*routes, Route(METADATA, EveryMethod(_metadata))]


async def _evaluation(pdp: Pdp, body: JsonValue, who: Asking) -> Answered:
    value = {"evaluations": [messages.read_evaluation(body)]}
    told = await pdp.ask(EVALUATE, value, who)
    return Answered(messages.decision_body(told["results"][0]), told["policyVersion"])


async def _evaluations(pdp: Pdp, body: JsonValue, who: Asking) -> Answered:
    batch = messages.read_evaluations(body)
    if batch is None:
        return await _evaluation(pdp, body, who)
    value = {"evaluations": batch.evaluations, "semantic": batch.semantic.upper()}
    told = await pdp.ask(EVALUATE, value, who)
    return Answered(messages.decisions_body(told["results"], batch), told["policyVersion"])


async def _search(kind: str, pdp: Pdp, body: JsonValue, who: Asking) -> Answered:
    search = messages.read_search(kind, body)
    position = pages.position_of(search)
    value: JsonObject = {"kind": kind.upper(), **search.parts}
    if position.after is not None:
        value["after"] = position.after
    if position.limit is not None:
        value["limit"] = min(position.limit, _MOST_ASKED)
    told = await pdp.ask(SEARCH, value, who)
    token = pages.token_for(search, told.get("next"), position.limit)
    return Answered(
        messages.search_body(told["results"], token, search.page), told["policyVersion"]
    )


_MOST_ASKED = 2**31 - 1
"""The largest Int of a contract; a page has far fewer results anyway."""


def _route(path: str, pdp: Pdp, ref: str, serve: Serve) -> Route:
    async def endpoint(request: Request) -> Response:
        sent = RequestHeaders(request.scope)
        headers, trace, read = dict(_COMMON), sent.trace_id, False
        try:
            _echo(request, headers)
            if request.method != "POST":
                return _other_method(request, headers, ("POST",))
            principal = await pdp.authenticate(sent.single("authorization"))
            who = Asking(principal, trace)
            await pdp.require_token(ref, who)
            check_json_body(sent)
            raw = await read_body(request.receive, sent.single("content-length"), pdp.limits)
            read = True
            body = parse_json(raw, "body", "", pdp.limits)
            answered = await serve(pdp, body, who)
            headers[REVISION] = answered.revision
            return _json(200, answered.body, headers)
        except ClientGoneError:
            return Response(status_code=400)  # nobody is there to read it
        except ProblemError as error:
            told = error.problem
        except Exception as error:  # the last line: a bug, never a traceback outside
            told = internal_problem(error, f"a request to {path}")
        if not read:  # what is left of a body is not read, so the connection cannot be used again
            headers["connection"] = "close"
        return _problem(with_context(told, trace_id=trace), headers)

    return Route(path, EveryMethod(endpoint))


async def _metadata(request: Request) -> Response:
    """What this decision point is called and where its endpoints are (section 9)."""
    headers = {**_COMMON, "cache-control": "max-age=300"}
    try:
        _echo(request, headers)
        if request.method not in ("GET", "HEAD"):
            return _other_method(request, headers, ("GET", "HEAD"))
        authority = RequestHeaders(request.scope).single("host") or ""
        if not _AUTHORITY.fullmatch(authority):
            raise http_refusal("BAD_REQUEST", "The header host names no host.", "header:host")
    except ProblemError as error:
        return _problem(error.problem, {**headers, **_COMMON})
    own = f"https://{authority}"
    endpoints = {name: own + path for name, path in PATHS.items()}
    return _json(200, {"policy_decision_point": own, **endpoints}, headers)


def _echo(request: Request, headers: dict[str, str]) -> None:
    """Put the request's identifier into the answer (section 10.1.3).

    Raises:
        ProblemError: BAD_REQUEST for one that is too long, or comes twice.
    """
    identifier = RequestHeaders(request.scope).single(REQUEST_ID)
    if identifier is None:
        return
    if not _IDENTIFIER.fullmatch(identifier):
        detail = "The request identifier is longer than 1024 characters. Send a shorter one."
        raise http_refusal("BAD_REQUEST", detail, f"header:{REQUEST_ID}")
    headers[REQUEST_ID] = identifier


def _other_method(request: Request, headers: dict[str, str], served: tuple[str, ...]) -> Response:
    allow = {**headers, "allow": ", ".join((*served, "OPTIONS"))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    told = problem("METHOD_NOT_ALLOWED", f"{request.method} is not served here. Use {served[0]}.")
    return _problem(told, {**allow, **_COMMON, "connection": "close"})


def _problem(told: Problem, headers: dict[str, str]) -> Response:
    """A problem of RFC 9457, whose ``detail`` is the error message of the specification."""
    if 400 <= told.status < 500 and told.status not in _OWN_STATUS:
        told = with_context(told, status=400)
    body = orjson.dumps(told.to_json())
    return Response(
        body, told.status, {**headers, **headers_of(told)}, media_type="application/problem+json"
    )


def _json(status: int, body: JsonObject, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
