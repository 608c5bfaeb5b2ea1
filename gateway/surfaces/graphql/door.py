"""What this door needs of the rooms behind it, as protocols that the app fills in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

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


class MayIntrospect(Protocol):
    """Whether a principal may read the schema where introspection is for some only."""

    def __call__(self, principal: Principal, /) -> bool:
        """True if the principal may."""
        ...


class Introspection(StrEnum):
    """Who may read the schema through the door: everybody, administrators, nobody."""

    ON = "on"
    ADMIN = "admin"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CallContext:
    """What the resolvers of one request share.

    ``subscribe`` is None where no events are served; ``resume_after`` is the cursor to go on from
    where a subscription names none. ``entered`` collects the response names of root fields whose
    resolver was reached: an error of any other comes from its arguments, hence from the caller.
    """

    door: Door
    principal: Principal
    trace_id: str | None
    subscribe: Subscribe | None = None
    resume_after: str | None = None
    entered: set[str] = field(default_factory=set)
