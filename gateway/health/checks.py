"""Checks that take a second of computing: the cases of the policy in force, and whether published
schemas say what the contracts give. They are made in the background, when somebody looks."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.policy import CaseStatus, Policies, PolicyRevision, run_cases

_log = logging.getLogger(__name__)
_NOWHERE = Path()


@dataclass(frozen=True, slots=True)
class Cases:
    """How the cases of a revision ended; ``failed`` names those that did. ``is_readable`` is false
    where the case files are no cases."""

    revision: str
    passed: int
    skipped: int
    failed: tuple[str, ...]
    is_readable: bool = True


class Checks:
    """Makes each check once: the cases for each revision, the schemas for the process.

    ``differing`` names the published schemas that are not what the contracts give.
    """

    def __init__(self, policies: Policies, differing: Callable[[], Sequence[str]]) -> None:
        self._policies = policies
        self._differing = differing
        self._cases: Cases | None = None
        self._schemas: Sequence[str] | None = None
        self._task: asyncio.Task[None] | None = None

    def cases(self) -> Cases | None:
        """How the cases of the revision that decides ended; None until that is known."""
        self._begin()
        found = self._cases
        return found if found and found.revision == self._policies.revision else None

    def schemas(self) -> Sequence[str] | None:
        """The published schemas that differ; None until that is known."""
        self._begin()
        return self._schemas

    async def stop(self) -> None:
        """Begin no check any more."""
        await cancelled(self._task)

    def _begin(self) -> None:
        is_known = self._cases and self._cases.revision == self._policies.revision
        is_busy = self._task and not self._task.done()
        if not is_busy and (not is_known or self._schemas is None):
            self._task = asyncio.create_task(self._check(), name="health-checks")

    async def _check(self) -> None:
        try:
            if self._schemas is None:
                self._schemas = await asyncio.to_thread(self._differing)
            self._cases = await asyncio.to_thread(_run, self._policies.current)
        except Exception:  # a bug here is told, and nobody who looks is refused for it
            _log.exception("the checks of health could not be made")


def _run(revision: PolicyRevision) -> Cases:
    try:
        results = run_cases(revision, _NOWHERE)
    except ProblemError:
        return Cases(revision.revision, 0, 0, (), is_readable=False)
    failed = tuple(f"{one.at} {one.name}" for one in results if one.status is CaseStatus.FAILED)
    counts = [one.status for one in results]
    passed, skipped = counts.count(CaseStatus.PASSED), counts.count(CaseStatus.SKIPPED)
    return Cases(revision.revision, passed, skipped, failed)
