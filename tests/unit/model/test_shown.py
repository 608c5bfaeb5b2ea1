"""What is noted of values that are shown: fields and treatments, bounded, and nothing hidden."""

from gateway.model.decision import Treatment
from gateway.model.shown import EVERY_FIELD, MOST_EXECUTIONS, MOST_FIELDS, Shown

REF = "shop.buy@1.0.0"


def test_nothing_shown_is_told_apart_from_what_comes_later() -> None:
    assert Shown().to_json() == {}
    assert not Shown()
    assert Shown(later=True).to_json() is None


def test_the_treatment_that_shows_most_counts() -> None:
    shown = Shown()
    for treatment in (Treatment.MASK, Treatment.DROP, Treatment.RAW, Treatment.MASK):
        shown.note(REF, "input.email", treatment)
    shown.note(REF, "output.name", Treatment.DROP)
    told = {f"{REF} input.email": "raw", f"{REF} output.name": "drop"}
    assert shown.to_json() == {"fields": told}


def test_watching_notes_each_answer_with_its_execution() -> None:
    shown = Shown()
    treat = shown.watching(lambda *_: Treatment.MASK, "exec_1")
    assert treat(REF, "input.email") is Treatment.MASK
    assert shown.to_json() == {
        "fields": {f"{REF} input.email": "mask"},
        "executions": ["exec_1"],
    }


def test_of_too_many_fields_the_contract_stands_for_the_rest() -> None:
    shown = Shown()
    for number in range(MOST_FIELDS + 5):
        shown.note(REF, f"input.f{number}", Treatment.MASK)
    shown.note("shop.other@1.0.0", "output.email", Treatment.RAW)
    told = shown.to_json()
    assert told is not None
    assert len(told["fields"]) == MOST_FIELDS + 2
    assert told["fields"][f"{REF} {EVERY_FIELD}"] == "mask"
    assert told["fields"][f"shop.other@1.0.0 {EVERY_FIELD}"] == "raw"


def test_executions_beyond_the_bound_are_counted() -> None:
    shown = Shown()
    for number in range(MOST_EXECUTIONS + 3):
        shown.note(REF, "input.email", Treatment.MASK, f"exec_{number}")
    told = shown.to_json()
    assert told is not None
    assert (len(told["executions"]), told["moreExecutions"]) == (MOST_EXECUTIONS, 3)
