"""Actions behind HTTP: one request for one attempt, and an exact account of what became of it."""

import logging
import ssl
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import anyio
import httpx

from gateway.actions.answers import asking, judge
from gateway.actions.apart import apart
from gateway.actions.holding import HeldBackError, require_sendable
from gateway.actions.hosts import HostGuard, HostRefusedError
from gateway.actions.origins import Origin, parse_origins
from gateway.actions.request import RequestError, build_request
from gateway.actions.resolving import Resolve, resolve_host
from gateway.actions.secrets import SecretMissingError, Secrets
from gateway.actions.transport import open_client
from gateway.model.action import ActionCall, ActionOutcome, Declined, Unknown
from gateway.model.contract import HttpHandler
from gateway.model.ports import Clock
from gateway.model.problem import STANDARD
from gateway.model.retry_after import retry_after
from gateway.model.system import SystemClock
from gateway.telemetry import spans

MAX_ANSWER_BYTES = 1024 * 1024
"""The largest answer that is read."""

QUERIES = 64
"""How many of the 100 connections are had by queries that callers wait for, at most. The others are
left to steps: whoever asks much of a slow service must not keep runs from going on."""

_log = logging.getLogger(__name__)


class _AnswerError(Exception):
    """The answer cannot be read to its end; the message says why."""


class _Progress:
    """Whether any byte of the request may have left, as httpcore's trace extension tells; what is
    held back by then is not sent."""

    def __init__(self, call: ActionCall) -> None:
        self._call = call
        self.sent = False

    async def __call__(self, event: str, _info: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started"):
            require_sendable(self._call)
            self.sent = True


class HttpActions:
    """Performs http handlers over one shared client.

    Args:
        hosts: Patterns of the hosts that may be called (``GATEWAY_ACTION_HOSTS``); without any,
            every public address.
        origins: Where logical origins live (``GATEWAY_ACTION_ORIGINS``), such as
            ``{"http://support.internal": "http://127.0.0.1:8900"}``; applied before the guard.
        secrets: Where ``${secret:NAME}`` is looked up.
        tls: How servers are verified; see ``open_client``.
        resolve: Finds the addresses of a host.
        clock: Tells for how long a service that names a moment wants to be left alone.

    Raises:
        ValueError: a host pattern or an origin is malformed.
    """

    def __init__(
        self,
        hosts: Iterable[str] = (),
        origins: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve_host,
        clock: Clock | None = None,
    ) -> None:
        self.guard = HostGuard(hosts)
        self.origins: Mapping[Origin, Origin] = parse_origins(origins or {})
        self.secrets = secrets or Secrets()
        self._client = open_client(self.guard, tls, resolve)
        self._clock = clock or SystemClock()
        self._queries = anyio.Semaphore(QUERIES, fast_acquire=True)

    async def close(self) -> None:
        """Close all connections; calls under way end as unknown."""
        await self._client.aclose()

    async def perform(self, call: ActionCall, handler: HttpHandler) -> ActionOutcome:
        """Make one attempt within the shorter of the call's and the handler's time."""
        with spans.child("action", "client") as span:
            span.note(contract=call.contract.ref, method=handler.method)
            outcome = await self._perform(call, handler)
            if isinstance(outcome, Declined):
                span.note(status=outcome.status)
                span.failed(outcome.code)
            return outcome

    async def _perform(self, call: ActionCall, handler: HttpHandler) -> ActionOutcome:
        try:
            request = build_request(call, handler, self.origins, self.secrets)
        except RequestError as error:
            return _not_sent("VALIDATION_FAILED", 422, f"{call.contract.ref}: {error}.")
        except SecretMissingError as error:
            return _not_sent("SECRET_MISSING", 500, f"{call.contract.ref}: {error}.")
        progress = _Progress(call)
        request.extensions["trace"] = progress
        try:
            seconds = min(call.timeout, handler.timeout)
            status, raw, wait = await apart(self._exchange(request, seconds, self._place(call)))
        except HostRefusedError as error:
            return _not_sent("ACTION_HOST_REFUSED", 403, f"{call.contract.ref}: {error}.")
        except HeldBackError as error:
            return error.told
        except _AnswerError as error:
            return Unknown(str(error))
        except (httpx.TransportError, TimeoutError) as error:
            _log.warning("%s: %s", call.contract.ref, _told(error, progress.sent))
            return _broken(call, error, progress.sent)
        return asking(judge(call.contract, handler, status, raw), wait)

    def _place(self, call: ActionCall) -> anyio.Semaphore | nullcontext[None]:
        is_awaited = not call.contract.is_command and not call.step_id
        return self._queries if is_awaited else nullcontext()

    async def _exchange(
        self, request: httpx.Request, seconds: float, place: anyio.Semaphore | nullcontext[None]
    ) -> tuple[int, bytes, float | None]:
        with anyio.fail_after(seconds):
            async with place:
                response = await self._client.send(request, stream=True)
                try:
                    return response.status_code, await _read(response), self._wait(response)
                finally:
                    await response.aclose()

    def _wait(self, response: httpx.Response) -> float | None:
        """The seconds that the service asks to be left alone for."""
        asked = response.headers.get("retry-after")
        return retry_after(response.status_code, asked, self._clock.now())


async def _read(response: httpx.Response) -> bytes:
    status = response.status_code
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _AnswerError(
            f"The service answered with status {status} in an encoding not asked for."
        )
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise _AnswerError(
                f"The service answered with status {status} and more than {MAX_ANSWER_BYTES} bytes."
            )
    return bytes(content)


def _not_sent(code: str, status: int, detail: str) -> Declined:
    return Declined(code, detail, status)


def _broken(call: ActionCall, error: Exception, sent: bool) -> ActionOutcome:
    if sent:
        return Unknown(_told(error, sent))
    code = "SERVICE_UNAVAILABLE"
    detail = f"The service behind {call.contract.ref} cannot be reached; nothing was sent to it."
    return Declined(code, detail, STANDARD[code].status, retryable=True)


def _told(error: Exception, sent: bool) -> str:
    late = isinstance(error, TimeoutError | httpx.TimeoutException)
    what = "The time allowed was over" if late else "The connection failed"
    return f"{what} {'after' if sent else 'before'} the request was sent ({type(error).__name__})."
