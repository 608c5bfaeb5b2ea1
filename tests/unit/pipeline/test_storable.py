"""What the record can hold of a call: no text with U+0000, however deep it lies in the input."""

from typing import Any

import pytest

from gateway.model.problem import ProblemError
from gateway.pipeline import Call
from gateway.pipeline.storable import storable
from gateway.shipped import shipped_schema
from tests.loaded import load_contracts
from tests.unit.runtime.loop_world import FIONA

DECISION = {"executionId": "exec_1", "stepId": "step_1", "approve": False, "note": "No."}
EDIT = {"file": "roles.csv", "add": "g, a, b"}


def call(key: str, value: Any) -> Call:
    """A call of a contract that the gateway performs itself."""
    contract = load_contracts([shipped_schema()]).operations[f"{key}@1.0.0"]
    return Call(contract, value, FIONA, None)


@pytest.mark.parametrize(
    ("key", "value", "places"),
    [
        (
            "controlPlane.approval.decide",
            {"decidedBy": "fiona", "decisions": [DECISION, {**DECISION, "note": "N\0"}]},
            ["/input/decisions/1/note"],
        ),
        (
            "controlPlane.approval.decide",
            {"decidedBy": "f\0", "decisions": [{**DECISION, "executionId": "\0", "stepId": "\0"}]},
            [
                "/input/decidedBy",
                "/input/decisions/0/executionId",
                "/input/decisions/0/stepId",
            ],
        ),
        (
            "policy.changeset.draft",
            {"title": "t", "reason": "r", "edits": [EDIT, {**EDIT, "add": "a\0"}]},
            ["/input/edits/1/add"],
        ),
        ("audit.record.search", {"types": ["run.started", "\0"]}, ["/input/types/1"]),
    ],
    ids=["a note", "ids", "an edit", "an item"],
)
def test_a_text_with_nul_is_refused_wherever_it_lies(
    key: str, value: dict[str, Any], places: list[str]
) -> None:
    with pytest.raises(ProblemError) as refused:
        storable(call(key, value), value)
    issues = refused.value.problem.issues
    assert [(issue.path, issue.code) for issue in issues] == [(at, "NOT_ALLOWED") for at in places]


def test_what_is_json_to_the_contract_is_stored_as_it_is_written() -> None:
    draft = {"steps": [{"key": "a", "contract": "shop.pay", "input": {"text": "a\0b"}}]}
    value = {"executionId": "exec_1", "draft": draft}
    assert storable(call("controlPlane.plan.compile", value), value) == value
