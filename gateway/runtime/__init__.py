"""THE LOOP: intent, compile, verify, approve, run, trace, replay.

A run is data: a state machine whose state is the journal. ``Runner.advance`` takes turns; a turn
is one unit of work that records what came back and decides what happens next.
"""

from gateway.runtime.draft import lane_issues
from gateway.runtime.grants import GrantTerms
from gateway.runtime.impact import Impact, ImpactScope, Progress
from gateway.runtime.lane_readiness import Standing, lane_standing
from gateway.runtime.lanes import MAX_ITEMS, Attachment, no_lane
from gateway.runtime.lifecycle import (
    Intent,
    require_current_plan,
    require_execution,
    require_plan,
    require_run,
)
from gateway.runtime.loop import Loop, Parts, build_loop
from gateway.runtime.operate import require_allowed
from gateway.runtime.patterns import check_pattern
from gateway.runtime.reconcile import Finding
from gateway.runtime.replay import POLICY, STRUCTURAL, Replay
from gateway.runtime.stored_plan import open_plan

__all__ = [
    "MAX_ITEMS",
    "POLICY",
    "STRUCTURAL",
    "Attachment",
    "Finding",
    "GrantTerms",
    "Impact",
    "ImpactScope",
    "Intent",
    "Loop",
    "Parts",
    "Progress",
    "Replay",
    "Standing",
    "build_loop",
    "check_pattern",
    "lane_issues",
    "lane_standing",
    "no_lane",
    "open_plan",
    "require_allowed",
    "require_current_plan",
    "require_execution",
    "require_plan",
    "require_run",
]
