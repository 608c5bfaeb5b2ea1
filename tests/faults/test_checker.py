"""The checker itself: true stories pass, whatever went unanswered in them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.checker import tables
from tests.faults.checker.feed import feed_faults
from tests.faults.checker.linear import explain
from tests.faults.checker.record import order_faults
from tests.faults.history import INFO, History
from tests.faults.story import (
    REPLY,
    Fact,
    Story,
    dispatched,
    effect,
    operation,
    settled,
    true_story,
    unknown,
)
from tests.processes import ROOT


def test_a_true_story_has_no_anomalies() -> None:
    verdict = true_story().verdict()
    assert str(verdict) == "operations checked 9, anomalies 0"


def test_what_went_unanswered_may_have_happened_or_not() -> None:
    story = true_story()
    pause = story.asked("pause")
    pause.outcome, pause.status, pause.ended = INFO, None, None
    assert story.verdict().anomalies == ()
    cancelled = true_story()
    cancelled.ask("cancel", client="otto", outcome=INFO, ended=None)
    assert cancelled.verdict().anomalies == ()


def test_commands_at_the_same_time_may_take_effect_in_either_order() -> None:
    both = [
        operation("submit", 1),
        operation("read", 3, status="RECEIVED", ended=9),
        operation("cancel", 2, "otto", status="CANCELLED", ended=8),
        operation("read", 3, "rita", status="CANCELLED", ended=9),
    ]
    assert explain(both) is None


def repeated_by_an_operator(*facts: Fact) -> Story:
    """A true story in which the reply got no answer, otto had it repeated, and this followed."""
    story = true_story()
    doubt = settled("unresolved", REPLY, **unknown())
    again = {"attempt": 1, "outcome": "repeat", "stepStatus": "ready", "stepId": REPLY}
    decided = Fact("step.reconciled", again, "otto")
    story.after("step.dispatched", REPLY, doubt, decided, *facts)
    story.operations.append(operation("reconcile", 4.6, "otto", step=REPLY, status="RUNNING"))
    return story


def test_an_operator_who_has_it_repeated_answers_for_a_second_effect() -> None:
    story = repeated_by_an_operator(dispatched(REPLY, 2))
    story.fact("step.completed", REPLY).body["attempt"] = 2
    story.effects.append(effect("reply", body="hello"))
    assert story.verdict().anomalies == ()
    story.effects.append(effect("reply", body="hello"))
    assert "happened 3 times, at most 2" in str(story.verdict())


@pytest.mark.parametrize("declined", [True, False])
def test_what_an_operator_has_repeated_is_tried_until_it_is_taken(declined: bool) -> None:
    """As long as nothing comes of it: he does not answer for an attempt that got no answer."""
    detail = "An earlier attempt got no answer, and the last one was declined (TIMEOUT)."
    told = {"code": "OUTCOME_UNKNOWN", "detail": detail if declined else "The connection failed."}
    tried = settled("retrying", REPLY, 2, problem=told)
    story = repeated_by_an_operator(dispatched(REPLY, 2), tried, dispatched(REPLY, 3))
    story.fact("step.completed", REPLY).body["attempt"] = 3
    found = [one for one in story.verdict().anomalies if "is tried again" in one]
    assert len(found) == (0 if declined else 1)


@pytest.mark.parametrize("lost", [0, 5])
def test_a_gap_and_a_broken_chain_are_found(lost: int) -> None:
    record = true_story().record()
    assert order_faults(record) == []
    assert any("stands where" in told for told in order_faults(record[:lost] + record[lost + 1 :]))
    record[lost] = replace(record[lost], previous="f" * 64)
    assert order_faults(record) == [f"entry {lost + 1} does not go on from its chain exec_1"]


def test_events_that_a_follower_lacks_or_got_twice_are_found() -> None:
    story = true_story()
    kinds = [
        "intent.received",
        "plan.compiled",
        *["execution.step.started", "execution.step.completed"] * 2,
    ]
    listed = [
        {"id": f"evt_{at}", "type": f"controlPlane.{kind}", "executionId": "exec_1"}
        for at, kind in enumerate(kinds)
    ]
    record = story.record()
    assert feed_faults(listed, listed, record) == []
    assert "never got 1" in feed_faults(listed[1:], listed, record)[0]
    assert "twice" in feed_faults([*listed, listed[0]], listed, record)[0]
    assert "another order" in feed_faults(listed[::-1], listed, record)[0]
    lacking = feed_faults(listed[:-1], listed[:-1], record)
    assert lacking == [
        "exec_1 should announce 2 controlPlane.execution.step.completed, 1 are listed"
    ]


def test_the_tables_are_those_of_the_page() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rows = _rows(page, "transitions")
    found = {before: frozenset(re.findall(r"[A-Z_]+", after)) for before, after in rows}
    assert found == tables.TRANSITIONS
    commands: dict[str, dict[str, str]] = {name: {} for name in tables.COMMANDS}
    head, *body = _rows(page, "operator-commands", header=True)
    for state, *cells in body:
        for command, cell in zip(head[1:], cells, strict=True):
            if cell:
                word = re.match(r"[A-Z]+", cell)
                commands[command][state] = word[0] if word else state
    assert commands == tables.COMMANDS


def _rows(page: str, name: str, *, header: bool = False) -> list[list[str]]:
    block = page.split(f"<!-- generated: {name} -->")[1].split("<!-- end")[0]
    lines = [line for line in block.strip().splitlines() if not line.startswith("| ---")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return rows if header else rows[1:]


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    story = true_story()
    History(story.operations).write(tmp_path / "history.jsonl")
    assert History.read(tmp_path / "history.jsonl").operations == story.operations
