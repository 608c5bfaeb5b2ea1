"""The HTTP client of the actions: it connects only to addresses that the guard has judged.

A name is resolved once for a connection, every address it has is judged, and the connection goes
to a judged address: a second answer of the name server (DNS rebinding) has no part in it. TLS and
the Host header keep the name. Redirects, cookies, proxies and ``.netrc`` take no part either.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Iterable
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from operator import attrgetter
from typing import Any, cast

import anyio
import httpcore
import httpx

from gateway.actions.hosts import HostGuard
from gateway.actions.resolving import Lookups, Resolve, resolve_host
from gateway.model.authorities import unreadable_authorities

_CONNECTIONS = 100
_IDLE_SECONDS = 2.0  # below what servers keep (5 s and more): a reused connection is rarely dying
_CONNECT_SECONDS = 3.0  # for each address of a host
_RECEIVED = "received"


class _PlainStream(httpcore.AsyncNetworkStream):
    """A connection before TLS. Closed when the handshake is cancelled, which httpcore forgets."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the signature is httpcore's
        """Receive."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the signature is httpcore's
        """Send."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection, such as whether it can be read; ``received`` is what
        came and nobody has read yet."""
        return _received(self._stream) if info == _RECEIVED else self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands."""
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise
        return _TlsStream(stream)


# anyio has no public way to see what it took from a socket beyond what was asked for.
_socket_of = attrgetter("_stream")
_queue_of = attrgetter("_protocol.read_queue")


def _received(stream: httpcore.AsyncNetworkStream) -> Any:
    socket = _socket_of(stream)
    return _queue_of(getattr(socket, "transport_stream", socket))  # that under TLS, where there is


class _TlsStream(_PlainStream):
    """A connection under TLS. What breaks TLS breaks the connection, which httpcore tells of the
    handshake alone: under TLS 1.3 a server asks for a client's certificate only after that."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the signature is httpcore's
        """Receive."""
        try:
            return await super().read(max_bytes, timeout)
        except ssl.SSLError as error:
            raise httpcore.ReadError(error) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the signature is httpcore's
        """Send."""
        try:
            await super().write(buffer, timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(error) from error


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, judges and then connects to what was judged."""

    def __init__(self, guard: HostGuard, resolve: Resolve = resolve_host) -> None:
        self._guard = guard
        self._lookups = Lookups(resolve)
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            HostRefusedError: the host or one of its addresses may not be called.
            httpcore.ConnectError, httpcore.ConnectTimeout: nobody answers there.
        """
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._judged_addresses(host, port):
            try:
                seconds = _CONNECT_SECONDS if timeout is None else timeout
                stream = await self._network.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
                return _PlainStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _judged_addresses(self, host: str, port: int) -> list[str]:
        self._guard.check_host(host, port)
        try:
            addresses = await self._lookups.addresses(host, port)
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that DNS cannot hold
            raise httpcore.ConnectError(f"{host} does not resolve") from error
        for address in addresses:
            self._guard.check_address(host, port, address)
        return addresses

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """Look up no name any more."""
        self._lookups.close()


class _LentStream(httpx.AsyncByteStream):
    """An answer that gives its place back when it is closed.

    Whatever came behind it would be taken for the answer to the next request on its connection,
    which may be anybody's: that connection is used no more.
    """

    def __init__(self, response: httpx.Response, places: anyio.Semaphore) -> None:
        self._stream = cast("httpx.AsyncByteStream", response.stream)
        self._received = _extra(response, _RECEIVED)
        self._tls: ssl.SSLObject | None = _extra(response, "ssl_object")
        self._places = places
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The answer, piece by piece."""
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        """Close."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            parser = _parser_of(self._stream)
            if parser.trailing_data[0] or self._received or _holds_more(self._tls):
                parser.send_failed()  # which httpcore closes the connection after
            await self._stream.aclose()
        finally:
            self._places.release()


# httpcore has no public way to see what its parser holds of an answer that is over.
_parser_of = attrgetter("_httpcore_stream._stream._connection._h11_state")


def _extra(response: httpx.Response, name: str) -> Any:
    return response.extensions["network_stream"].get_extra_info(name)


def _holds_more(tls: ssl.SSLObject | None) -> bool:
    """True where anything is left of what TLS was given, also the end of the connection."""
    if tls is None:
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, its pool opened over the guarded backend.

    Requests wait here for one of the connections, not in the pool: whoever is cancelled while
    the pool hands it a connection takes that along for ever.
    """

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._backend = backend
        self._places = anyio.Semaphore(_CONNECTIONS, fast_acquire=True)
        # httpx has no public way to hand a network backend to the pool that it opens.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            http1=True,
            http2=False,
            network_backend=backend,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        self._backend.close()
        await super().aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once there is a connection for it."""
        await self._places.acquire()
        try:
            response = await super().handle_async_request(request)
        except BaseException:
            self._places.release()
            raise
        if response.is_redirect:  # httpx would read it, and raise where it is no address
            response.headers.pop("location", None)
        response.stream = _LentStream(response, self._places)
        return response


def open_client(
    guard: HostGuard, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve_host
) -> httpx.AsyncClient:
    """A client for http actions, to be shared and closed by the caller.

    Args:
        guard: Judges hosts and addresses.
        tls: How servers are verified; by default against the authorities that SSL_CERT_FILE or
            SSL_CERT_DIR name, else against those that certifi ships.
        resolve: Finds the addresses of a host.

    Raises:
        ProblemError: SETTINGS_INVALID where the authorities that are named cannot be read.
    """
    # httpx writes each URL to its log at INFO, and a URL may hold PII.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    context = tls or _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return httpx.AsyncClient(
        transport=GuardedTransport(GuardedBackend(guard, resolve), context),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
        timeout=None,  # noqa: S113 - one deadline covers the whole exchange, see http.py
    )


@cache
def _trusting(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """How servers are verified where the environment names these authorities. Reading those of
    certifi takes longer than making all else of a client."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise unreadable_authorities(error) from error
