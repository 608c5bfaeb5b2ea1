"""A trace as a table and as a timeline."""

from collections.abc import Iterator, Mapping, Sequence

from gateway.cli.output import Output, Tone
from gateway.cli.pictures import draw_bars
from gateway.cli.pictures.bars import Bar
from gateway.model.json import JsonObject
from gateway.model.time import parse

_ASKED = "approval.requested"
_ANSWERED = frozenset(
    {"step.dispatched", "approval.rejected", "approval.expired", "approval.voided", "run.ended"}
)
"""What ends a wait for people."""


def show_trace(
    out: Output, steps: Sequence[JsonObject], entries: Sequence[JsonObject], columns: int
) -> None:
    """Each entry with the seconds since the first one, then waits and attempts as bars."""
    if not entries:
        return
    keys = {str(step["stepId"]): str(step["key"]) for step in steps}
    begin = entries[0]["timestamp"]
    out.line("")
    out.table(
        ("AFTER", "STAGE", "STATUS", "STEP", "WHO"),
        [
            (
                f"+{_seconds(begin, entry['timestamp']):.3f}",
                str(entry["stage"]),
                str(entry["status"]),
                keys.get(_step_of(entry), "-"),
                str(entry.get("actorId") or "-"),
            )
            for entry in entries
        ],
    )
    bars = sorted(
        [*_attempts(steps, entries), *_waits(keys, entries)], key=lambda bar: (bar.begin, bar.name)
    )
    out.line("")
    for row in draw_bars(bars, columns, in_unicode=out.in_unicode and out.for_people):
        out.line(*row)


def _attempts(steps: Sequence[JsonObject], entries: Sequence[JsonObject]) -> Iterator[Bar]:
    """A bar for each attempt; one that is on its way lasts until the end of the trace."""
    begin, end = entries[0]["timestamp"], entries[-1]["timestamp"]
    for step in steps:
        for attempt in step.get("attempts") or ():
            first = _seconds(begin, attempt["startedAt"])
            last = _seconds(begin, attempt["endedAt"] or end)
            tone = Tone.GOOD if attempt["status"] == "completed" else Tone.BAD
            many = f" #{attempt['number']}" if attempt["number"] > 1 else ""
            yield Bar(
                f"{step['key']}{many}",
                first,
                max(first, last),
                tone if attempt["endedAt"] else Tone.ACTIVE,
            )


def _waits(keys: Mapping[str, str], entries: Sequence[JsonObject]) -> Iterator[Bar]:
    """A bar for each wait for people, from the request to what came of it."""
    begin, asked = entries[0]["timestamp"], dict[str, float]()
    for entry in entries:
        now, step = _seconds(begin, entry["timestamp"]), _step_of(entry)
        if entry["status"] == _ASKED:
            asked.setdefault(step, now)
        elif entry["status"] in _ANSWERED:
            ended = [step] if step in asked else []
            ended = list(asked) if entry["status"] == "run.ended" else ended
            for one in ended:
                yield Bar(f"{keys.get(one, one)} waits", asked.pop(one), now, Tone.WARNING)
    last = _seconds(begin, entries[-1]["timestamp"])
    for step, since in asked.items():
        yield Bar(f"{keys.get(step, step)} waits", since, last, Tone.WARNING)


def _step_of(entry: JsonObject) -> str:
    return str((entry.get("metadata") or {}).get("stepId") or "")


def _seconds(begin: str, moment: str) -> float:
    return max((parse(moment) - parse(begin)).total_seconds(), 0.0)
