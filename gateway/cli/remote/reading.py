"""What commands read of an execution, for those who may see all of it and for who asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import GET, OWN, PLAN, TRACE
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, refuse

ENDED = frozenset({"COMPLETED", "BLOCKED", "FAILED", "REJECTED", "EXPIRED", "CANCELLED", "ABORTED"})
"""Statuses of executions in which nothing goes on by itself any more."""

_UNSEEN = frozenset({"FORBIDDEN", "NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class Sight:
    """An execution with what could be seen of its plan and trace; ``trace`` is None where it was
    not asked for, ``plan`` where there is none for this caller."""

    execution: JsonObject
    plan: JsonObject | None = None
    trace: JsonObject | None = None

    @property
    def status(self) -> str:
        """The status of the execution."""
        return str(self.execution["status"])

    @property
    def steps(self) -> Sequence[JsonObject]:
        """The steps as far as they are seen."""
        found: Sequence[JsonObject] = (self.plan or self.execution).get("steps") or ()
        return found

    def to_json(self) -> JsonObject:
        """As the API gave it, by what was asked for."""
        told: JsonObject = {"execution": self.execution}
        if "steps" not in self.execution:
            told["plan"] = self.plan
        if self.trace is not None:
            told["trace"] = self.trace
        return told


def look(gateway: Client, execution_id: str, *, mine: bool = False, trace: bool = False) -> Sight:
    """Look at an execution; with ``mine`` at one that the caller asked for.

    Raises:
        ProblemError: NOT_FOUND, FORBIDDEN and whatever else the gateway refuses with.
    """
    given: dict[str, Any] = {"executionId": execution_id}
    if mine:
        items = gateway.call(OWN, input=given)["items"]
        if not items:
            raise refuse("NOT_FOUND", f"You asked for no execution {execution_id!r}.")
        return Sight(items[0])
    execution = gateway.call(GET, input=given)["execution"]
    plan = _seen(gateway, PLAN, given) if execution["planId"] else None
    return Sight(execution, plan, gateway.call(TRACE, input=given) if trace else None)


def run_of(gateway: Client, execution_id: str) -> str:
    """The run of an execution.

    Raises:
        ProblemError: CONFLICT where it was not started.
    """
    execution = gateway.call(GET, input={"executionId": execution_id})["execution"]
    if not execution["runId"]:
        raise refuse(
            "CONFLICT",
            f"Execution {execution_id} is {execution['status']} and has no run yet. Start it with"
            f" `gateway execution start --execution {execution_id}`.",
        )
    return str(execution["runId"])


def _seen(gateway: Client, document: str, given: dict[str, Any]) -> JsonObject | None:
    try:
        return gateway.call(document, input=given)
    except ProblemError as error:
        if error.problem.code in _UNSEEN:
            return None
        raise
