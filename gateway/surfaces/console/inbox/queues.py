"""Which approval requests a page of the inbox shows, in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model.json import JsonObject
from gateway.surfaces.console.visits import Visit

PAGE = 20
"""How many requests stand on a page."""

RISKS = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
"""Tiers of risk, the worst first."""

DECIDED = ("APPROVED", "USED", "REJECTED", "EXPIRED", "VOID")
"""What becomes of requests."""

_AT_ONCE = 50
"""How many requests are asked for at once: what an operation may cost is bounded."""

_MOST = 1_000
"""How many requests of one execution are looked through."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Some requests from the ``start``-th on (0 is the first), of ``total``."""

    items: Sequence[JsonObject]
    total: int
    start: int = 0

    @property
    def next_start(self) -> int | None:
        """Where the next page starts; None on the last one."""
        end = self.start + len(self.items)
        return end if self.items and end < self.total else None

    @property
    def last_start(self) -> int | None:
        """Where the page before starts; None on the first one."""
        return max(0, self.start - PAGE) if self.start else None


async def pending(visit: Visit, *, mine: bool, start: int) -> Queue:
    """Requests that wait, the riskiest first and of those the oldest; ``mine`` leaves those that
    the viewer could approve now."""
    items: list[JsonObject] = []
    total, skipped = 0, start
    for risk in RISKS:
        room = PAGE - len(items)
        found = await _ask(
            visit, max(room, 1), skipped, risk=risk, **({"mine": True} if mine else {})
        )
        items += found["items"][:room]
        total += found["total"]
        skipped = max(0, skipped - found["total"])
    return Queue(items, total, start)


async def decided(visit: Visit, status: str, start: int) -> Queue:
    """Requests decided in one way, the latest first; without a status the latest of all."""
    if status not in DECIDED:
        latest = [await decided(visit, one, 0) for one in DECIDED]
        items = [item for queue in latest for item in queue.items]
        items.sort(key=lambda item: str(item["requestedAt"]), reverse=True)
        return Queue(items[:PAGE], min(PAGE, len(items)))
    total = (await _ask(visit, 1, 0, status=status))["total"]
    end = max(0, total - start)
    if end == 0:
        return Queue([], total, start)
    first = max(0, end - PAGE)
    found = await _ask(visit, end - first, first, status=status)
    return Queue(list(reversed(found["items"])), total, start)


async def one(
    visit: Visit, execution_id: str, step_id: str, status: str | None
) -> JsonObject | None:
    """The newest request of a step in this state; None where there is none."""
    which = {"executionId": execution_id, **({"status": status} if status else {})}
    newest: JsonObject | None = None
    for start in range(0, _MOST, _AT_ONCE):
        found = await _ask(visit, _AT_ONCE, start, **which)
        same = [item for item in found["items"] if item["stepId"] == step_id]
        newest = same[-1] if same else newest
        if start + _AT_ONCE >= found["total"]:
            break
    return newest


async def _ask(visit: Visit, limit: int, offset: int, **which: object) -> JsonObject:
    page: Mapping[str, object] = {"limit": limit, "offset": offset, **which}
    data = await visit.api.ask("Approvals", input=page)
    found: JsonObject = data["controlPlaneApprovalList"]
    return found
