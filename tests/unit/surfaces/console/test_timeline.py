"""The trace in sentences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model.entry import EntryType
from gateway.surfaces.console.executions.timeline import _SAID, since, timeline_of

START = "2026-01-01T00:00:00Z"


def entry(status: str, **metadata: Any) -> dict[str, Any]:
    return {"timestamp": START, "stage": "RUN", "status": status, "metadata": metadata or None}


def said(one: dict[str, Any]) -> str:
    return timeline_of([one], {"step_1": "refund"})[0].said


def test_every_entry_of_an_execution_has_its_sentence() -> None:
    kinds = ("intent", "plan", "run", "step", "approval", "compensation", "lane", "evidence")
    of_executions = {kind.value for kind in EntryType if kind.value.split(".")[0] in kinds}
    assert of_executions <= _SAID.keys()
    assert _SAID.keys() <= {kind.value for kind in EntryType}


@pytest.mark.parametrize("status", sorted(_SAID))
def test_a_sentence_can_be_told_without_metadata(status: str) -> None:
    assert "{" not in said(entry(status))


def test_metadata_fills_the_sentence_and_never_forms_it() -> None:
    assert said(entry("run.started", mode="dry_run")) == "Run started in mode dry run"
    assert said(entry("lane.assigned", laneKey="{mode.__class__}")) == (
        "Put into the lane {mode.  class  }"
    )


def test_an_unknown_kind_is_told_by_its_name() -> None:
    assert said(entry("step.something_new")) == "Step something new"


def test_the_step_is_named_and_the_reason_told() -> None:
    problem = {"detail": "It is closed.", "code": "X"}
    (failed,) = timeline_of([entry("step.failed", stepId="step_1", problem=problem)],
                            {"step_1": "refund"})  # fmt: skip
    assert (failed.step, failed.note) == ("refund", "It is closed.")
    (long,) = timeline_of([entry("run.ended", reason="x" * 2_000)], {})
    assert len(long.note) == 501
    assert timeline_of([], {}) == []


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "+0.000 s"), (1.5, "+1.500 s"), (61, "+1 min 1 s"), (7_260, "+2 h 1 min")],
)
def test_how_long_after_the_start(seconds: float, told: str) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert since(first + timedelta(seconds=seconds), first) == told
