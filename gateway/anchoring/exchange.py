"""One exchange over HTTP with somebody outside: guarded, bounded in time and size."""

import ssl
from dataclasses import dataclass
from datetime import datetime

import anyio
import httpx

from gateway.actions import HostGuard
from gateway.actions.apart import apart
from gateway.actions.hosts import HostRefusedError
from gateway.actions.resolving import Resolve, resolve_host
from gateway.actions.transport import open_client
from gateway.anchoring.anchor import AnchorError
from gateway.model.ports import Clock
from gateway.model.retry_after import WAITING, retry_after

TIMEOUT = 15.0
"""Seconds for a whole exchange."""

MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``location`` is the header of that name."""

    status: int
    body: bytes
    location: str | None = None

    @property
    def is_success(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300


class Exchange:
    """Posts over one shared client: no redirects, no cookies, no proxies.

    Args:
        guard: Judges hosts before they are resolved and addresses before they are connected.
        clock: Says how long a date in ``Retry-After`` is away.
        timeout: Seconds for a whole exchange, reading the answer included.
        tls: How others are verified; see ``open_client``.
        resolve: Finds the addresses of a host.
    """

    def __init__(
        self,
        guard: HostGuard,
        clock: Clock,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve_host,
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._client = open_client(guard, tls, resolve)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Post a body and read the whole answer, whatever its status is.

        Raises:
            AnchorError: there was no answer, it is too large, or it asks to come later.
        """
        sent = {"Accept-Encoding": "identity", "User-Agent": "contract-gateway", **headers}
        request = httpx.Request("POST", url, headers=sent, content=body)
        try:
            return await apart(self._answer(request))
        except HostRefusedError as error:
            raise AnchorError(f"Nothing was sent: {error}.") from None
        except (TimeoutError, httpx.TimeoutException):
            raise AnchorError(f"There was no answer within {self._timeout:g} seconds.") from None
        except httpx.TransportError as error:
            raise AnchorError(f"The connection failed ({type(error).__name__}).") from None

    async def _answer(self, request: httpx.Request) -> Reply:
        with anyio.fail_after(self._timeout):
            response = await self._client.send(request, stream=True)
            try:
                return await self._read(response)
            finally:
                await response.aclose()

    async def _read(self, response: httpx.Response) -> Reply:
        status, told = response.status_code, response.headers
        if status in WAITING:
            wait = retry_after(status, told.get("retry-after"), self._now())
            raise AnchorError(f"It answered {status}.", wait)
        found = bytearray()
        async for chunk in response.aiter_raw():
            found += chunk
            if len(found) > MAX_ANSWER:
                raise AnchorError(f"It answered {status} with more than {MAX_ANSWER} bytes.")
        return Reply(status, bytes(found), told.get("location"))

    def _now(self) -> datetime:
        return self._clock.now()
