"""Attempts to perform a contract's handler, and the three ways in which they end.

What is not known for certain is ``Unknown``: the outcome decides whether an effect may be repeated.
"""

from collections.abc import Callable

from msgspec import Struct

from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject, JsonValue


class ActionCall(Struct, frozen=True):
    """One attempt to perform a contract's handler.

    ``input`` is raw (unsealed); ``idempotency_key`` is the same for every attempt of a step;
    ``timeout`` is in seconds. ``take`` makes a quick copy of an answer of Python, or gives None.
    ``held_back`` is asked right before anything is sent: what it gives is then the outcome."""

    contract: OperationContract
    input: JsonObject
    idempotency_key: str
    timeout: float
    execution_id: str = ""
    step_id: str = ""
    trace_id: str | None = None
    take: Callable[[object], JsonObject | None] | None = None
    held_back: Callable[[], "Declined | None"] = lambda: None


class Answered(Struct, frozen=True):
    """The handler answered; ``output`` is JSON, all its text Unicode, and not yet validated.
    ``events`` are those it emitted."""

    output: JsonValue
    events: tuple[tuple[str, JsonObject], ...] = ()


class Declined(Struct, frozen=True):
    """The handler certainly had no effect. ``code`` is a declared error or a standard one;
    ``declared`` says that the handler itself answered so, and not the gateway in its stead;
    ``retry_after`` are the seconds that it asked to be left alone for."""

    code: str
    detail: str
    status: int
    retryable: bool = False
    declared: bool = False
    retry_after: float | None = None


class Unknown(Struct, frozen=True):
    """Nobody can say whether the handler had its effect; ``reason`` says what happened.

    ``retry_after`` are the seconds that the handler asked to be left alone for."""

    reason: str
    retry_after: float | None = None


ActionOutcome = Answered | Declined | Unknown
