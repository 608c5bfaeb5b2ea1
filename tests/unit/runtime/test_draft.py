"""Drafts are read strictly: every issue at once, each with its pointer."""

from typing import Any

import pytest

from gateway.runtime.draft import MAX_STEPS, read_draft

GOOD = {"key": "a", "contract": "shop.plain", "input": {"id": 1}, "dependsOn": ["b"]}


def found(draft: Any) -> list[tuple[str, str]]:
    return [(issue.path, issue.code) for issue in read_draft(draft, "/input/draft")[1]]


def test_a_good_draft_is_read_whole() -> None:
    (step,), issues = read_draft({"steps": [GOOD]}, "/input/draft")
    assert issues == []
    assert (step.at, step.key, step.contract) == ("/input/draft/steps/0", "a", "shop.plain")
    assert (step.input, step.depends_on) == ({"id": 1}, ("b",))


def test_input_and_dependencies_may_be_left_out() -> None:
    (step,), issues = read_draft({"steps": [{"key": "a", "contract": "c"}]}, "")
    assert (step.input, step.depends_on, issues) == ({}, (), [])


@pytest.mark.parametrize("steps", [None, [], {}, "a", 1, [{}] * (MAX_STEPS + 1)])
def test_without_a_list_of_steps_there_is_no_draft(steps: Any) -> None:
    expected = "TOO_MANY" if isinstance(steps, list) and steps else "REQUIRED"
    assert found({"steps": steps}) == [("/input/draft/steps", expected)]
    assert found({}) == [("/input/draft/steps", "REQUIRED")]


@pytest.mark.parametrize(
    ("change", "at", "code"),
    [
        ({"key": None}, "/key", "INVALID_FORMAT"),
        ({"key": ""}, "/key", "INVALID_FORMAT"),
        ({"key": "1a"}, "/key", "INVALID_FORMAT"),
        ({"key": "a.b"}, "/key", "INVALID_FORMAT"),
        ({"key": "a" * 65}, "/key", "INVALID_FORMAT"),
        ({"key": "a\n"}, "/key", "INVALID_FORMAT"),
        ({"contract": None}, "/contract", "REQUIRED"),
        ({"contract": 7}, "/contract", "REQUIRED"),
        ({"input": None}, "/input", "WRONG_TYPE"),
        ({"input": []}, "/input", "WRONG_TYPE"),
        ({"dependsOn": "b"}, "/dependsOn", "WRONG_TYPE"),
        ({"dependsOn": [1]}, "/dependsOn", "WRONG_TYPE"),
        ({"when/ever": 1}, "/?", "UNKNOWN_FIELD"),
    ],
)
def test_what_is_wrong_with_a_step(change: dict[str, Any], at: str, code: str) -> None:
    assert found({"steps": [GOOD | change]}) == [(f"/input/draft/steps/0{at}", code)]


@pytest.mark.parametrize("step", [None, 1, "a", []])
def test_a_step_is_an_object(step: Any) -> None:
    assert found({"steps": [step]}) == [("/input/draft/steps/0", "WRONG_TYPE")]


def test_all_issues_of_all_steps_are_told_and_the_good_ones_are_kept() -> None:
    draft = {
        "step": [],
        "steps": [GOOD, {"key": 1, "contract": 2, "input": 3, "dependsOn": 4}, GOOD, None],
    }
    steps, _ = read_draft(draft, "/input/draft")
    assert len(steps) == 2
    assert found(draft) == [
        ("/input/draft/step", "UNKNOWN_FIELD"),
        *(
            (f"/input/draft/steps/1/{name}", code)
            for name, code in (
                ("key", "INVALID_FORMAT"),
                ("contract", "REQUIRED"),
                ("input", "WRONG_TYPE"),
                ("dependsOn", "WRONG_TYPE"),
            )
        ),
        ("/input/draft/steps/3", "WRONG_TYPE"),
        ("/input/draft/steps/2/key", "DUPLICATE_STEP"),
    ]
