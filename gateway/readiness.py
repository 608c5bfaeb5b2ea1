"""Readiness: whether this process can do what it is there for, and which part of it cannot."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any

from gateway.app import Gateway
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError

WITHIN = 5.0
"""Seconds within which all parts must answer, or else the process counts as not ready."""

FRESH = 0.2
"""Seconds for which an answer is given again: nobody who asks often holds up those who work."""

_READY = "ready"

_log = logging.getLogger(__name__)


class Readiness:
    """Looks whether the record can be read and written, the keys are there, and this process
    decides under the policy in force. However many ask at once, it looks once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._looking: asyncio.Task[JsonObject] | None = None
        self._asked: asyncio.Future[object] | None = None
        self._looked_at = float("-inf")

    async def told(self) -> tuple[JsonObject, int]:
        """What is to be answered, and the status: 200 or 503."""
        looking = self._looking
        is_old = time.monotonic() - self._looked_at > FRESH
        if looking is None or (looking.done() and is_old):
            looking = self._looking = asyncio.create_task(self._look())
        body = await asyncio.shield(looking)
        return body, 200 if body["status"] == _READY else 503

    async def _look(self) -> JsonObject:
        parts: dict[str, Awaitable[Any]] = {
            "record": self._gateway.journal.read(lambda records: records.policy_head()),
            "writer": self._gateway.journal.write(lambda tx: tx.now),
            "keys": asyncio.shield(self._keys()),
        }
        answers: list[Any] = await asyncio.gather(
            *map(_in_time, parts.values()), return_exceptions=True
        )
        self._looked_at = time.monotonic()
        for part, answer in zip(parts, answers, strict=True):
            if isinstance(answer, BaseException):
                return {"status": "not ready", "part": part, "code": _code(part, answer)}
        return self._of_policy(answers[0])

    def _keys(self) -> "asyncio.Future[object]":
        """A look at the keys; one that hangs is waited for, so that no thread is added to it."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(asyncio.to_thread(self._gateway.look_for_keys))
        return self._asked

    def _of_policy(self, head: str | None) -> JsonObject:
        decides = self._gateway.policies.revision
        if head == decides:
            return {"status": _READY, "policyVersion": head}
        told = {"policyVersion": head, "decidesUnder": decides}
        return {"status": "not ready", "part": "policy", **told}


async def _in_time(part: Awaitable[Any]) -> Any:
    async with asyncio.timeout(WITHIN):
        return await part


def _code(part: str, error: BaseException) -> str:
    if isinstance(error, ProblemError):
        return error.problem.code
    if not isinstance(error, TimeoutError):
        _log.error("the part %s cannot be used", part, exc_info=error)
    return "SERVICE_UNAVAILABLE"
