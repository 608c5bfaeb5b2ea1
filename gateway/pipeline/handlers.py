"""What performs a call: the shapes of handlers that are handed to the pipeline."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import Problem
from gateway.pipeline.admission import Priority
from gateway.pipeline.call import Admitted


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that is itself a recorded fact: what the handler appended becomes durable, and
    then the caller gets ``problem``."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Command:
    """A built-in command.

    ``apply`` runs inside one unit of work together with the record of the call, so that state,
    record and idempotency key become durable as one. ``prepare`` is for work that should not
    hold the writer, such as reading much of the journal; its result is ``admitted.prepared``.
    ``emits`` are the events of a call that was performed, where the contract declares those of
    other outcomes too; None means all that it declares. ``recorded`` is for a command that only
    reads: it takes from the answer what the record keeps of it, which holds no PII, and an
    idempotency key then has no effect. ``priority`` says when it is refused where too much is to
    be done.
    """

    apply: Callable[[Admitted, Tx], JsonObject | Refused]
    prepare: Callable[[Admitted], Awaitable[Any]] | None = None
    emits: tuple[str, ...] | None = None
    recorded: Callable[[JsonObject], JsonObject] | None = None
    priority: Priority = Priority.ORDINARY


@dataclass(frozen=True, slots=True)
class Query:
    """A built-in query: ``answer`` reads one consistent snapshot.

    ``prepare`` is for work that should not hold the reader; its result is ``admitted.prepared``.
    ``recorded`` takes from the answer what the record of the call keeps of it, which is bounded and
    holds no PII; without it nothing is kept. ``reading`` tells of a query that reads the record or
    the policies what was looked for and how much of it was found, as bounded and as free of PII.
    With ``durable`` the record of the call is durable before the answer leaves.
    """

    answer: Callable[[Admitted, Records], JsonObject]
    prepare: Callable[[Admitted], Awaitable[Any]] | None = None
    recorded: Callable[[JsonObject], JsonObject] | None = None
    reading: Callable[[Admitted, JsonObject], JsonObject] | None = None
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Direct:
    """How the call of an action command is performed: as an execution of one step.

    ``resume`` answers a repeated call from the execution that its first one started.
    """

    perform: Callable[[Admitted], Awaitable[JsonObject]]
    resume: Callable[[Admitted, str], Awaitable[JsonObject]]


Bindings = dict[str, Command | Query]
"""Handlers of the built-in contracts by contract reference (``key@version``)."""
