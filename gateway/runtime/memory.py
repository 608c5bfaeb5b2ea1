"""What the process that advances a run keeps of it between turns."""

from dataclasses import dataclass, field

from gateway.model.json import JsonObject
from gateway.model.plan import Plan
from gateway.runtime.pii_read import PiiRead
from gateway.runtime.run_trace import NO_TRACE, RunTrace


@dataclass(slots=True)
class RunMemory:
    """What the advancing process keeps of a run between turns.

    ``plan`` is opened (its PII is raw); ``outputs`` are raw outputs by step key; ``in_flight`` are
    the ids of steps whose attempts this process is making; ``wake_seq`` counts the wake-ups that it
    has seen. ``undone`` is the PII that the run read
    which this one undoes; ``read`` keeps what was found in outputs, by step key. ``trace`` is where
    its spans belong. ``taken`` are steps that earlier turns looked at while others are left,
    ``taken_from`` the wake-ups seen when the first of them were.
    """

    run_id: str
    epoch: int
    plan: Plan
    outputs: dict[str, JsonObject] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)
    wake_seq: int = 0
    undone: tuple[PiiRead, ...] = ()
    read: dict[str, PiiRead] = field(default_factory=dict)
    trace: RunTrace = NO_TRACE
    taken: set[str] = field(default_factory=set)
    taken_from: int = 0
