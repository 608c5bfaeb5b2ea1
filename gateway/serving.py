"""Serving: the HTTP application of a running gateway, and the socket that it listens on."""

import logging
import socket
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.app import Gateway
from gateway.bounding import document_limits
from gateway.identity import CodeFlow
from gateway.model.listening import bound
from gateway.model.problem import Problem, ProblemError
from gateway.model.system import SystemClock
from gateway.operations import AuditExports
from gateway.readiness import Readiness
from gateway.settings import Settings
from gateway.showing import ShownFields
from gateway.surfaces.access import AccessLog
from gateway.surfaces.artifacts import artifact_route
from gateway.surfaces.audit_export import audit_export_route
from gateway.surfaces.authzen import authzen_routes
from gateway.surfaces.console import Desk, console_routes, documents
from gateway.surfaces.downloads import evidence_route
from gateway.surfaces.gate import RequestGate
from gateway.surfaces.graphql import (
    Engine,
    HttpProfile,
    Introspection,
    Limits,
    Service,
    build_schema,
    graphql_routes,
)
from gateway.surfaces.graphql.federation import build_subgraph
from gateway.surfaces.graphql.trusted import (
    DocumentStore,
    Entry,
    Mode,
    PersistedQueries,
    TrustedDocuments,
    read_store,
)
from gateway.surfaces.metrics import metrics_route
from gateway.surfaces.shortcut import Shortcut
from gateway.surfaces.tracing import Traced
from gateway.surfaces.unserved import UNSERVED

_log = logging.getLogger(__name__)

_ROOM = 2
"""So many times as many HTTP requests as governed calls are let in: what they are for is known
then, and those that must not wait are not refused unread."""


def create_app(gateway: Gateway, trusted: TrustedDocuments | None = None) -> ASGIApp:
    """The HTTP application of a running gateway: its doors, ``/healthz`` and ``/readyz``.

    ``trusted`` is what ``load_trusted`` gave; without it no document is registered.
    """
    settings = gateway.settings
    limits = document_limits(settings)
    shown = ShownFields(gateway.policies, gateway.registry)
    engine = _engine(gateway, limits, shown, trusted)
    valid_for = gateway.authenticator.valid_for
    service = Service(engine, gateway.authenticate, valid_for, gateway.connections)

    graphql = graphql_routes(service, HttpProfile(settings.http_profile))
    evidence = evidence_route(gateway.authenticate, gateway.downloads.fetch)
    app = Starlette(
        routes=[
            *graphql,
            evidence,
            artifact_route(gateway.authenticate, gateway.uploads.receive),
            audit_export_route(
                *(gateway.authenticate, valid_for, gateway.connections),
                AuditExports(gateway.pipeline).export,
            ),
            *authzen_routes(gateway, gateway.authenticate, gateway.registry.operations, limits),
            *_console(gateway, service, shown, graphql[0], evidence),
            *_probes(gateway),
        ],
        exception_handlers=UNSERVED,
    )
    # A redirect for a slash too many would name this host by http, whatever stands in front of it,
    # and whoever follows it would send token and input along.
    app.router.redirect_slashes = False
    gate: ASGIApp = RequestGate(Shortcut(app, graphql), most=_ROOM * settings.max_requests)
    return AccessLog(gate if settings.traces == "off" else Traced(gate))


def _engine(
    gateway: Gateway, limits: Limits, shown: ShownFields, trusted: TrustedDocuments | None
) -> Engine:
    """What runs operations, for every transport."""
    build = build_subgraph if gateway.settings.federation == "on" else build_schema
    return Engine(
        build(gateway.registry),
        gateway,
        subscribe=gateway.feed.subscribe,
        introspection=Introspection(gateway.settings.introspection),
        may_call=shown,
        limits=limits,
        own_contracts=gateway.registry.extended,
        trusted=trusted,
        build=build,
    )


def _console(
    gateway: Gateway, service: Service, shown: ShownFields, graphql: Route, evidence: Route
) -> list[Route]:
    """The pages of the console, which ask the public API itself; none where it is off."""
    settings = gateway.settings
    if settings.console == "off":
        return []
    desk = Desk(
        graphql=graphql.app,
        evidence=evidence.app,
        authenticate=service.authenticate,
        valid_for=service.valid_for,
        may_see=shown,
        settle=gateway.policies.settle,
        clock=SystemClock(),
        code_flow=CodeFlow(settings.console_oidc) if settings.console_oidc else None,
        takes_tokens=settings.believes_local_tokens or settings.console_oidc is None,
        public_url=settings.public_url,
    )
    return console_routes(desk)


def load_trusted(settings: Settings) -> TrustedDocuments:
    """The trusted documents of these settings, read once: what is added later counts from the next
    start on, in every process.

    Raises:
        ProblemError: DOCUMENTS_INVALID with every manifest that cannot be honoured.
    """
    mode, folder = Mode(settings.trusted_documents), settings.documents_dir
    persisted = (
        PersistedQueries(document_limits(settings).persisted_bytes)
        if settings.apq == "on"
        else None
    )
    if mode is Mode.OFF or folder is None:
        return TrustedDocuments(persisted=persisted)
    store = read_store(folder)
    _log.info("%d trusted documents, mode %s", len(store), mode.value)
    if settings.console == "on":
        store = DocumentStore((*(entry for one in store for entry in one.entries), *_own()))
    return TrustedDocuments(mode, store, persisted)


def _own() -> Iterator[Entry]:
    """The documents of the console, which are trusted wherever it is served."""
    for name, text in documents().items():
        yield Entry(f"console:{name}", text, "console", f"/{name}")


def create_probes(gateway: Gateway) -> Starlette:
    """The HTTP application of a worker: probes and metrics, and no doors."""
    return Starlette(routes=_probes(gateway), exception_handlers=UNSERVED)


def _probes(gateway: Gateway) -> list[Route]:
    readiness = Readiness(gateway)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        return JSONResponse(*await readiness.told())

    routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    if gateway.settings.metrics == "off":
        return routes

    from gateway.measuring import Measuring  # with prometheus-client, only where it is used

    return [*routes, metrics_route(Measuring(gateway).read, gateway.settings.metrics_token)]


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on, bound before anything else starts, so that its port is known.

    Raises:
        ProblemError: SETTINGS_INVALID when the address cannot be had.
    """
    try:
        return bound(settings.host, settings.port)
    except OSError as error:
        told = (
            f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. Set "
            "GATEWAY_PORT to a free port (0 takes any) or GATEWAY_HOST to an address of this "
            "machine."
        )
        raise ProblemError(
            Problem("SETTINGS_INVALID", "The settings are not valid", 500, told, "validation")
        ) from error
