"""What this door needs of the rooms behind it, as protocols that the app fills in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.model.contract import OperationContract
from gateway.model.event import EventFilter
from gateway.model.json import JsonObject
from gateway.model.principal import Principal


class Door(Protocol):
    """One governed call, with everything that policy demands of it."""

    async def call(
        self,
        contract: OperationContract,
        input: JsonObject,  # noqa: A002 - the word of the contract format and of the schema
        *,
        principal: Principal,
        idempotency_key: str | None,
        trace_id: str | None,
    ) -> JsonObject:
        """The contract's output for this principal, by the names of its fields.

        Raises:
            ProblemError: the call was refused or failed.
        """
        ...


class Authenticate(Protocol):
    """Who is calling, by the Authorization header."""

    async def __call__(self, authorization: str | None, /) -> Principal:
        """The principal; the anonymous one without a header.

        Raises:
            ProblemError: UNAUTHENTICATED for a token that does not hold.
        """
        ...


class ValidFor(Protocol):
    """For how long a token will still be believed."""

    async def __call__(self, authorization: str | None, /) -> float | None:
        """The seconds left; None where there is no token that could end.

        Raises:
            ProblemError: UNAUTHENTICATED for a token that holds no longer.
        """
        ...


class Subscribe(Protocol):
    """The events of the control plane as they come."""

    def __call__(
        self, principal: Principal, which: EventFilter, after: str | None, /
    ) -> AsyncIterator[JsonObject]:
        """Events for this principal from the cursor ``after`` on, from now on without one.

        Raises:
            ProblemError: (while iterating) the principal may not have them, or no longer may; a
                cursor or a filter is not valid; the gateway stops.
        """
        ...


AT_ONCE = 8
"""How many things one request loads by their keys at once."""


class Once:
    """What one request asks for by name, perhaps several times, and what is done once."""

    __slots__ = ("_begun", "_turns")

    def __init__(self) -> None:
        self._begun: dict[str, asyncio.Task[JsonObject | None]] = {}
        self._turns: asyncio.Semaphore | None = None

    async def done(
        self, name: str, begin: Callable[[], Coroutine[Any, Any, JsonObject | None]]
    ) -> JsonObject | None:
        """What ``begin`` gives, or gave when the name was asked for first; ``AT_ONCE`` at a time.

        Raises:
            Exception: what it raises, to whoever asks for the name.
        """
        task = self._begun.get(name)
        if task is None:
            task = self._begun[name] = asyncio.ensure_future(self._in_turn(begin))
        return await task

    async def _in_turn(
        self, begin: Callable[[], Coroutine[Any, Any, JsonObject | None]]
    ) -> JsonObject | None:
        if self._turns is None:
            self._turns = asyncio.Semaphore(AT_ONCE)
        async with self._turns:
            return await begin()


def _sees_nothing() -> bool:
    return False


def _sees_none(_root_field: str, /) -> bool:
    return False


@dataclass(slots=True)  # not frozen: that would triple what it takes to make one
class CallContext:
    """What the resolvers of one request share.

    ``subscribe`` is None where no events are served; ``resume_after`` is the cursor to go on from
    where a subscription names none. ``entered`` collects the response names of root fields whose
    resolver was reached: an error of any other comes from its arguments, hence from the caller.
    ``once`` holds what the request loads by keys, ``sees_all`` says whether its caller may ask for
    the whole schema, ``sees`` whether it is shown a query of this name.
    """

    door: Door
    principal: Principal
    trace_id: str | None
    subscribe: Subscribe | None = None
    resume_after: str | None = None
    entered: set[str] = field(default_factory=set)
    once: Once = field(default_factory=Once)
    sees_all: Callable[[], bool] = _sees_nothing
    sees: Callable[[str], bool] = _sees_none
