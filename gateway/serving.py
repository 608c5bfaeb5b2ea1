"""Serving: the HTTP application of a running gateway, and the socket that it listens on."""

import asyncio
import os
import socket
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.app import Gateway
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError
from gateway.operations import AuditExports
from gateway.policy import Policies
from gateway.settings import Settings
from gateway.surfaces.access import AccessLog
from gateway.surfaces.artifacts import artifact_route
from gateway.surfaces.audit_export import audit_export_route
from gateway.surfaces.authzen import authzen_routes
from gateway.surfaces.downloads import evidence_route
from gateway.surfaces.gate import RequestGate
from gateway.surfaces.graphql import (
    Engine,
    Introspection,
    Limits,
    Service,
    build_schema,
    graphql_routes,
)

_ADMIN = "admin"
_ROOM = 2
"""So many times as many HTTP requests as governed calls are let in: what they are for is known
then, and those that must not wait are not refused unread."""

_READY_WITHIN = 5.0
"""Seconds within which the record must answer, or else the process counts as not ready."""


def create_app(gateway: Gateway) -> Starlette:
    """The HTTP application of a running gateway: its doors, ``/healthz`` and ``/readyz``."""
    settings = gateway.settings
    limits = Limits(body_bytes=settings.body_bytes)
    engine = Engine(
        build_schema(gateway.registry),
        gateway,
        subscribe=gateway.feed.subscribe,
        introspection=Introspection(settings.introspection),
        may_introspect=partial(_may_introspect, gateway.policies),
        limits=limits,
        own_contracts=gateway.registry.extended,
    )
    valid_for = gateway.authenticator.valid_for
    service = Service(engine, gateway.authenticate, valid_for, gateway.connections)

    return Starlette(
        routes=[
            *graphql_routes(service),
            evidence_route(gateway.authenticate, gateway.downloads.fetch),
            artifact_route(gateway.authenticate, gateway.uploads.receive),
            audit_export_route(
                *(gateway.authenticate, valid_for, gateway.connections),
                AuditExports(gateway.pipeline).export,
            ),
            *authzen_routes(gateway, gateway.authenticate, gateway.registry.operations, limits),
            *_probes(gateway),
        ],
        middleware=[
            Middleware(AccessLog),
            Middleware(RequestGate, most=_ROOM * settings.max_requests),
        ],
    )


def create_probes(gateway: Gateway) -> Starlette:
    """The HTTP application of a worker: ``/healthz`` and ``/readyz``, and no doors."""
    return Starlette(routes=_probes(gateway))


def _probes(gateway: Gateway) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        """Ready: the journal answers, and this process decides under the policy in force."""
        try:
            async with asyncio.timeout(_READY_WITHIN):
                head = await gateway.journal.read(lambda records: records.policy_head())
        except ProblemError as error:
            return JSONResponse({"status": "not ready", "code": error.problem.code}, 503)
        except TimeoutError:
            return JSONResponse({"status": "not ready", "code": "SERVICE_UNAVAILABLE"}, 503)
        decides = gateway.policies.revision
        if head != decides:
            told = {"status": "not ready", "policyVersion": head, "decidesUnder": decides}
            return JSONResponse(told, 503)
        return JSONResponse({"status": "ready", "policyVersion": head})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _may_introspect(policies: Policies, principal: Principal) -> bool:
    """True for administrators, while it is sure that the policy in force says who they are."""
    return policies.is_sure and policies.holds(principal, _ADMIN)


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on, bound before anything else starts, so that its port is known.

    Raises:
        ProblemError: SETTINGS_INVALID when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        told = (
            f"{settings.host}:{settings.port} cannot be listened on: {reason}. Set GATEWAY_PORT "
            "to a free port (0 takes any) or GATEWAY_HOST to an address of this machine."
        )
        raise ProblemError(
            Problem("SETTINGS_INVALID", "The settings are not valid", 500, told, "validation")
        ) from error
    return sock
