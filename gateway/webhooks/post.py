"""One attempt: a signed POST, and what came of it."""

import contextlib
import ssl
from typing import Protocol

import anyio
import httpx

from gateway.actions import HostGuard, Secrets
from gateway.actions.apart import apart
from gateway.actions.hosts import HostRefusedError
from gateway.actions.resolving import Resolve, resolve_host
from gateway.actions.secrets import SecretMissingError
from gateway.actions.transport import open_client
from gateway.model.ports import Clock
from gateway.model.retry_after import retry_after
from gateway.webhooks.cloud_event import CONTENT_TYPE
from gateway.webhooks.schedule import Attempt
from gateway.webhooks.signature import secret_key, sign

TIMEOUT = 15.0
"""Seconds for a whole attempt; Standard Webhooks 1.0.0 suggests 15 to 30."""

_DRAIN_BYTES = 64 * 1024
_DRAIN_SECONDS = 1.0


class Addressee(Protocol):
    """Where a message goes, and the references of the secrets that sign it, the newest first."""

    @property
    def url(self) -> str:
        """The address."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """The references."""
        ...


class Poster:
    """Sends messages over one shared client: no redirects, no cookies, no proxies.

    Args:
        guard: Judges hosts before they are resolved and addresses before they are connected.
        secrets: Where the endpoints' secrets are looked up, at each attempt.
        clock: Gives the timestamp that is signed.
        timeout: Seconds for a whole attempt.
        tls: How receivers are verified; see ``open_client``.
        resolve: Finds the addresses of a host.
        content_type: What the messages are.
    """

    def __init__(
        self,
        guard: HostGuard,
        secrets: Secrets,
        clock: Clock,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve_host,
        content_type: str = CONTENT_TYPE,
    ) -> None:
        self._content_type = content_type
        self._secrets = secrets
        self._clock = clock
        self._timeout = timeout
        self._client = open_client(guard, tls, resolve)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def post(self, endpoint: Addressee, webhook_id: str, body: bytes) -> Attempt:
        """Send one message once. What goes wrong is told in the attempt, never raised."""
        try:
            return await apart(self._exchange(self._request(endpoint, webhook_id, body)))
        except (SecretMissingError, HostRefusedError) as error:
            return Attempt(None, f"Nothing was sent: {error}.")
        except ValueError as error:  # a secret that was changed to what is none
            return Attempt(None, f"Nothing was sent: a secret {error}.")
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(None, f"The receiver did not answer within {self._timeout:g} seconds.")
        except httpx.TransportError as error:
            return Attempt(None, f"The connection failed ({type(error).__name__}).")

    def _request(self, endpoint: Addressee, webhook_id: str, body: bytes) -> httpx.Request:
        keys = [secret_key(self._secrets.fill(reference)) for reference in endpoint.secrets]
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": self._content_type,
            "Accept-Encoding": "identity",
            "User-Agent": "contract-gateway",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(keys, webhook_id, timestamp, body),
        }
        return httpx.Request("POST", endpoint.url, headers=headers, content=body)

    async def _exchange(self, request: httpx.Request) -> Attempt:
        with anyio.fail_after(self._timeout):
            response = await self._client.send(request, stream=True)
        return await self._judge(response)

    async def _judge(self, response: httpx.Response) -> Attempt:
        status = response.status_code
        wait = retry_after(status, response.headers.get("retry-after"), self._clock.now())
        await _finish(response)
        error = None if response.is_success else f"The receiver answered {status}."
        return Attempt(status, error, wait)


async def _finish(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection can serve again; drop a long one.

    The status has settled the attempt by now: whatever goes wrong here changes nothing.
    """
    with contextlib.suppress(httpx.TransportError):
        with anyio.move_on_after(_DRAIN_SECONDS):
            count = 0
            async for chunk in response.aiter_raw():
                count += len(chunk)
                if count > _DRAIN_BYTES:
                    break
    with contextlib.suppress(httpx.TransportError):
        await response.aclose()
