"""The network: whether the port is free, the identity providers can be reached, and spans could be
sent."""

import asyncio
import errno
import socket
from collections.abc import Iterator

from gateway.doctor.findings import Finding, failed, ok, warning
from gateway.identity import OidcConfig, OidcIssuer
from gateway.model.listening import bound
from gateway.model.problem import ProblemError
from gateway.observing import open_recorder
from gateway.settings import Settings

_NO_SUCH_KEY = "gateway-doctor"
_PATIENCE = 2.0
"""Seconds within which a gateway on the port must answer."""


def port(settings: Settings) -> Iterator[Finding]:
    """Whether the address can be listened on, or a gateway does so already."""
    place = f"{settings.host}:{settings.port}"
    try:
        bound(settings.host, settings.port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _is_gateway(settings):
            yield ok("port", f"a gateway serves on {place}")
            return
        yield failed(
            "port",
            f"{place} cannot be listened on: {error.strerror}",
            "set GATEWAY_PORT to a free port (0 takes any) or GATEWAY_HOST to an address of this "
            "machine",
        )
        return
    yield ok("port", f"{place} is free")


def _is_gateway(settings: Settings) -> bool:
    """Whether what listens answers /healthz as a gateway does."""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 to ask there
    try:
        with socket.create_connection((host, settings.port), _PATIENCE) as sock:
            sock.settimeout(_PATIENCE)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n")
            answer = b""
            while len(answer) < 4096 and (part := sock.recv(4096)):
                answer += part
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200") and b'{"status":"ok"}' in answer


def issuers(settings: Settings) -> Iterator[Finding]:
    """Whether the identity providers publish keys."""
    if not settings.oidc_issuers:
        yield warning(
            "identity providers",
            "none is configured: nobody but holders of development tokens can call",
            "name yours with GATEWAY_OIDC_ISSUERS before others rely on this gateway",
        )
    for config in settings.oidc_issuers:
        yield asyncio.run(_issuer(config))


async def _issuer(config: OidcConfig) -> Finding:
    try:
        await OidcIssuer(config).key(_NO_SUCH_KEY, config.algorithms[0])
    except ProblemError as error:
        return failed(
            "identity providers",
            error.problem.detail,
            "check the issuer's URL in GATEWAY_OIDC_ISSUERS, and that this machine may reach it",
        )
    return ok("identity providers", f"{config.issuer} publishes its keys")


def traces(settings: Settings) -> Iterator[Finding]:
    """Whether OpenTelemetry takes what its own variables say. Nothing is sent."""
    if settings.traces == "off":
        yield ok("traces", "they are off")
        return
    open_recorder(settings).close()
    yield ok("traces", f"spans go to {settings.traces_endpoint}")
