"""Impact: what a draft of the policies would have done, and would do to what waits.

The recorded decisions are made again under the revision in force and under the draft. A decision
*flips* where the two differ; it has *drifted* where the revision in force already decides otherwise
than was recorded. What cannot be decided again is counted by its reason, so that decided and
undecidable ones add up to all.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.decision_history import DecisionHistory, DecisionRange
from gateway.model.json import JsonObject
from gateway.model.ports import Sealer
from gateway.model.time import after
from gateway.policy import PolicyRevision
from gateway.runtime.impact_entries import EntryReader
from gateway.runtime.impact_redecide import Redecider
from gateway.runtime.impact_standing import Standing

_PAGE = 2_000
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class ImpactScope:
    """Which decisions are looked at: those of the last ``days`` and of one ``workspace``; None
    takes all."""

    days: int | None = None
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an analysis has come: the share of the record (0 to 1) and the decisions seen."""

    share: float
    decisions: int


@dataclass(frozen=True, slots=True)
class Impact:
    """Compares ``draft`` with the revision ``in_force`` over the record of a gateway."""

    history: DecisionHistory
    registry: Registry
    sealer: Sealer
    in_force: PolicyRevision
    draft: PolicyRevision

    def analyze(
        self, scope: ImpactScope, now: str, tell: Callable[[Progress], None] = lambda _: None
    ) -> JsonObject:
        """The report. ``now`` is a stamp; ``tell`` hears of the progress after each page."""
        redecider = Redecider(self.in_force, self.draft, self.registry, self.sealer)
        reader = EntryReader(self.history, redecider)
        since = None if scope.days is None else after(now, -scope.days * _DAY)
        through, position = self.history.last_position(), 0
        while position < through:
            which = DecisionRange(position, through, since, scope.workspace)
            rows, position = self.history.decisions(which, _PAGE)
            reader.read(rows)
            tell(Progress(position / through, reader.tally.total))
        standing = Standing(self.history, redecider, self.sealer)
        one = scope.workspace
        workspaces = self.history.workspaces() if one is None else [one]
        return {
            "revision": self.draft.revision,
            "inForce": self.in_force.revision,
            "workspace": scope.workspace,
            "days": scope.days,
            "since": since,
            "through": through,
            "analyzedAt": now,
            **reader.tally.to_json(),
            "plans": reader.plans.to_json(),
            "approvals": standing.approvals(workspaces),
            "grants": standing.grants(workspaces, now),
        }
