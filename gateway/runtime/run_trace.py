"""The trace that a run's spans belong to: that of its intent, in whichever process it goes on."""

from dataclasses import dataclass

from gateway.model.execution import Execution
from gateway.model.ports import Records
from gateway.telemetry import spans
from gateway.telemetry.trace_context import TRACE_ID, TraceContext, parse_traceparent


@dataclass(frozen=True, slots=True)
class RunTrace:
    """``parent`` is the span of the intent, if it had one; else ``trace_id`` is that of its trace,
    if it had that. ``execution_id`` is whose run it is."""

    execution_id: str | None = None
    trace_id: str | None = None
    parent: TraceContext | None = None

    def begin(self, run_id: str) -> spans.Span:
        """The span of what this process does for the run, from taking it to letting it go."""
        span = spans.begin("run", "internal", self.parent, self.trace_id)
        span.note(run_id=run_id, execution_id=self.execution_id)
        return span


NO_TRACE = RunTrace()


def run_trace(records: Records, execution: Execution) -> RunTrace:
    """Where the spans of a run belong. Where there are none, nothing is looked up."""
    if not spans.is_tracing():
        return NO_TRACE
    told = execution.trace_id or ""
    trace_id = told if TRACE_ID.fullmatch(told) else None
    first = records.entries(execution.id, limit=1)  # that of the intent
    header = first[0].body.get("traceparent") if first else None
    parent = parse_traceparent(header) if isinstance(header, str) else None
    return RunTrace(execution.id, trace_id, parent)
