"""THE LOOP: intent, compile, verify, approve, run, trace, replay.

A run is data: a state machine whose state is the journal. ``Runner.advance`` takes turns; a turn
is one unit of work that records what came back and decides what happens next.
"""

from gateway.runtime.lifecycle import (
    Intent,
    require_current_plan,
    require_execution,
    require_plan,
)
from gateway.runtime.loop import Loop, Parts, build_loop
from gateway.runtime.replay import POLICY, STRUCTURAL, Replay
from gateway.runtime.stored_plan import open_plan

__all__ = [
    "POLICY",
    "STRUCTURAL",
    "Intent",
    "Loop",
    "Parts",
    "Replay",
    "build_loop",
    "open_plan",
    "require_current_plan",
    "require_execution",
    "require_plan",
]
