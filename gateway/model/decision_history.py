"""Reading recorded decisions in bulk: rows as they are stored, so that a million are read fast."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.model.ports import Records


class DecisionRow(NamedTuple):
    """An entry that may hold decisions; ``body`` is its text as stored, ``type`` as written."""

    position: int
    at: str
    type: str
    workspace: str
    execution_id: str | None
    body: str


class RunRow(NamedTuple):
    """What deciding for an execution needs: ``submitter`` is the principal's JSON as stored."""

    submitter: str
    workspace: str
    mode: str | None
    ended_at: str | None


class PlanRow(NamedTuple):
    """The steps of a plan, as JSON as stored, and when it was last verified."""

    steps: str
    verified_at: str | None


@dataclass(frozen=True, slots=True)
class DecisionRange:
    """Entries behind ``after`` up to ``through``, not older than the stamp ``since``, of one
    workspace; None does not narrow."""

    after: int
    through: int
    since: str | None = None
    workspace: str | None = None


class DecisionHistory(Records, Protocol):
    """``Records``, and the recorded decisions of all workspaces."""

    def decisions(self, which: DecisionRange, limit: int) -> tuple[list[DecisionRow], int]:
        """The first ``limit`` entries of a range that may hold decisions, and the position up to
        which the range was read; that is ``which.through`` at its end."""
        ...

    def runs(self, execution_ids: Iterable[str]) -> Mapping[str, RunRow]:
        """The executions of these ids that there are."""
        ...

    def plan_rows(self, plan_ids: Iterable[str]) -> Mapping[str, PlanRow]:
        """The plans of these ids that there are."""
        ...

    def workspaces(self) -> list[str]:
        """Every workspace in which something was approved or granted beforehand."""
        ...
