"""Differences of a replay, as people read them."""

from typing import Any

import pytest

from gateway.surfaces.console.executions.replays import shown


def difference(path: str, recorded: Any, replayed: Any) -> dict[str, Any]:
    return {"path": path, "recorded": recorded, "replayed": replayed, "message": "m"}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/decisions/step_1/verdict", "When the plan was verified"),
        ("/entries/7/decision/quorum", "When the step was dispatched"),
        ("/steps/refund/input", "In the plan"),
        ("/hash", ""),
    ],
)
def test_a_place_is_told_in_words_where_there_are_some(path: str, place: str) -> None:
    assert shown(difference(path, 1, 2)).place == place


def test_single_values_are_words_and_all_else_is_json() -> None:
    found = shown(difference("/x", None, 2))
    assert (found.recorded.text, found.today.text) == ("none", "2")
    found = shown(difference("/steps/a/dependsOn", [], ["b"]))
    assert (found.recorded.text, found.today.text) == ("none", None)


def test_rules_are_sentences() -> None:
    row = "p, 900, type:agent, *, *, high, true, assist, approver, 1, 24h, -"
    found = shown(difference("/decisions/step_1/rules", [row, "what is no row"], []))
    known, unknown = found.recorded.rules
    assert known.sentence is not None
    assert "".join(piece.text for piece in known.sentence).startswith("When agents call every")
    assert (unknown.sentence, unknown.text) == (None, "what is no row")
    assert (found.today.rules, found.today.text) == ((), "none")
