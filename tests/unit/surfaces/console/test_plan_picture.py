"""A plan as people see it: what flows, what is drawn, what stands before and after a step."""

from typing import Any

from gateway.surfaces.console.executions.flows import (
    Flow,
    flows_of,
    personal_by_contracts,
    personal_by_trace,
)
from gateway.surfaces.console.executions.picture import MAX_STEPS, picture_of
from gateway.surfaces.console.inbox.requests import around_of


def step(key: str, *after: str, **more: Any) -> dict[str, Any]:
    plain = {"stepId": f"step_{key}", "key": key, "contract": "support.order.lookup@1.0.0"}
    return {**plain, "status": "PLANNED", "dependsOn": list(after), **more}


def edge(source: str, target: str, path: str | None = None) -> dict[str, Any]:
    return {"source": source, "target": target, "path": path}


def test_all_that_goes_between_two_steps_is_one_flow() -> None:
    edges = [edge("a", "b", "x"), edge("a", "b"), edge("a", "b", "y"), edge("b", "c")]
    assert flows_of(edges, ()) == [Flow("a", "b", ("x", "y")), Flow("b", "c")]


def test_personal_data_is_marked_where_its_field_takes_it() -> None:
    compiled = {
        "steps": [
            {"key": "a", "input": {}, "pii": []},
            {
                "key": "b",
                "input": {"to": [{"mail": {"$from": "a.email"}}], "id": {"$from": "a.id"}},
                "pii": ["to.mail"],
            },
        ]
    }
    edges = [edge("a", "b", "email"), edge("a", "b", "id"), edge("a", "c")]
    by_contracts = personal_by_contracts(edges, {"a": {"email"}})
    assert by_contracts == personal_by_trace(compiled) == {("a.email", "b")}
    flow, _ = flows_of(edges, by_contracts)
    assert flow.pii == ("email",)
    assert flow.said == "a to b: email (personal data), id"


def test_no_box_covers_another_and_lines_go_from_box_to_box() -> None:
    steps = [step("a"), step("b", verdict="ASSIST"), step("c", "a", "b"), step("d", "a", "c")]
    flows = [Flow("a", "c"), Flow("b", "c"), Flow("a", "d"), Flow("c", "d")]
    picture = picture_of(steps, flows)
    assert picture is not None
    boxes = {box.step["key"]: box for box in picture.steps}
    assert [box.asks for box in boxes.values()] == [False, True, False, False]
    for one in boxes.values():
        assert one.x >= 0
        assert one.x + one.width <= picture.width
        assert one.y + picture.box <= picture.height
        for other in boxes.values():
            apart = one.x + one.width < other.x or other.x + other.width < one.x
            assert one is other or apart or one.y != other.y
    for drawn in picture.flows:
        source, target = boxes[drawn.flow.source], boxes[drawn.flow.target]
        start = [int(number) for number in drawn.line[1:].partition("V")[0].split(",")]
        assert source.x <= start[0] <= source.x + source.width
        assert start[1] == source.y + picture.box
        assert target.x <= drawn.x <= target.x + target.width
        assert drawn.y == target.y


def test_long_names_are_shortened_and_their_box_holds_them() -> None:
    picture = picture_of([step("k" * 200)], [])
    assert picture is not None
    assert len(picture.steps[0].label) == 32
    assert picture.steps[0].width >= 32 * 8


def test_what_is_too_large_or_no_plan_is_not_drawn() -> None:
    assert picture_of([], []) is None
    assert picture_of([step(str(n)) for n in range(MAX_STEPS + 1)], []) is None
    assert picture_of([step("a"), step("b")], [Flow("a", "b"), Flow("b", "a")]) is None
    assert picture_of([step("a")], [Flow("a", "unknown")]) is None


def test_what_stands_before_and_after_a_step_is_found_through_others() -> None:
    steps = [step("a"), step("b", "a"), step("x"), step("c", "b"), step("d", "c"), step("e", "d")]
    around = around_of(steps, "step_c")
    assert around is not None
    assert [one["key"] for one in around.before] == ["a", "b"]
    assert [one["key"] for one in around.after] == ["d", "e"]
    assert around_of(steps, "step_of_another_plan") is None
