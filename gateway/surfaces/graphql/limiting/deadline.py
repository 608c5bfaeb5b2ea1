"""The time that an operation has.

A query that is not answered in time is given up. A command may be recorded at any moment once it
has begun, so it is never given up: it is not begun once the time is over, and goes on to its end
where it had begun before. Whoever waits for it is so told what came of it.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, refuse
from gateway.surfaces.graphql.door import Door


class TimedDoor:
    """A door for the calls of one operation, which ends ``seconds`` from now."""

    def __init__(self, door: Door, seconds: float) -> None:
        self._door = door
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def call(
        self,
        contract: OperationContract,
        input: JsonObject,  # noqa: A002 - the word of the contract format and of the schema
        *,
        principal: Principal,
        idempotency_key: str | None,
        trace_id: str | None,
    ) -> Coroutine[Any, Any, JsonObject]:
        """A governed call as the door does it.

        Raises:
            ProblemError: as the door, once it is awaited; TIMEOUT where the time is over.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise self._over("was not begun")
        calling = self._door.call(
            contract,
            input,
            principal=principal,
            idempotency_key=idempotency_key,
            trace_id=trace_id,
        )
        return calling if contract.is_command else self._within(left, calling)

    async def _within(self, left: float, calling: Coroutine[Any, Any, JsonObject]) -> JsonObject:
        timer = asyncio.timeout(left)
        try:
            async with timer:
                return await calling
        except TimeoutError:
            if not timer.expired():  # one of somebody else
                raise
            raise self._over("was given up") from None

    def _over(self, what: str) -> ProblemError:
        detail = (
            f"The operation took longer than {self._seconds:g} s, so this field {what}. "
            "Ask for less at once, or try again later."
        )
        return refuse("TIMEOUT", detail)
