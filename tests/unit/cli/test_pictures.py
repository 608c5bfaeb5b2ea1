"""Plans and bars, drawn."""

import pytest

from gateway.cli.output import Tone
from gateway.cli.pictures import PlanPicture, draw_bars, draw_plan, symbols_of
from gateway.cli.pictures.bars import Bar
from gateway.cli.pictures.states import STATES
from gateway.model.execution import ApprovalStatus, ExecutionStatus, StepStatus


def plan(*steps: tuple[str, str, str]) -> PlanPicture:
    """Steps by key, status and the keys that they depend on, in one text."""
    return PlanPicture.of(
        {
            "stepId": f"step_{key}",
            "key": key,
            "contract": f"shop.{key}@1.0.0",
            "status": status,
            "dependsOn": needed.split(),
        }
        for key, status, needed in steps
    )


def drawn(picture: PlanPicture, columns: int | None = None, *, in_unicode: bool = True) -> str:
    rows = draw_plan(picture, columns, in_unicode=in_unicode)
    return "\n".join("".join(part.text for part in row).rstrip() for row in rows)


FORK = plan(("a", "COMPLETED", ""), ("b", "DISPATCHED", "a"), ("c", "PLANNED", "a"),
            ("d", "PLANNED", "b c"))  # fmt: skip


def test_a_plan_is_boxes_with_lines_from_what_is_needed_to_what_needs_it() -> None:
    assert drawn(FORK).splitlines() == [
        "      ╭────────╮",
        "      │ ✓ a    │",
        "      │ shop.a │",
        "      ╰───┬────╯",
        "    ╭─────┴──────╮",
        "    ▼            ▼",
        "╭────────╮   ╭────────╮",
        "│ ▶ b    │   │ · c    │",
        "│ shop.b │   │ shop.c │",
        "╰───┬────╯   ╰───┬────╯",
        "    ╰────╮  ╭────╯",
        "         ▼  ▼",
        "      ╭────────╮",
        "      │ · d    │",
        "      │ shop.d │",
        "      ╰────────╯",
    ]


def test_ascii_says_the_same() -> None:
    text = drawn(FORK, in_unicode=False)
    assert text.isascii()
    assert "| [ok] a |" in text
    assert "| [>>] b |" in text
    assert text.count("v") == 4


def test_lines_that_cross_do_not_look_joined() -> None:
    crossing = plan(("a", "PLANNED", ""), ("b", "PLANNED", ""), ("c", "PLANNED", "a b"),
                    ("d", "PLANNED", "a b"))  # fmt: skip
    assert drawn(crossing).splitlines()[3:7] == [
        "╰───┬────╯   ╰───┬────╯",
        "    ├──────────╮ │",
        "    │ ╭────────│─┤",
        "    ▼ ▼        ▼ ▼",
    ]


@pytest.mark.parametrize("columns", [20, 0])
def test_what_is_too_wide_becomes_a_list(columns: int) -> None:
    assert (
        drawn(FORK, columns)
        == """\
✓ a  shop.a@1.0.0
▶ b  shop.b@1.0.0  after a
· c  shop.c@1.0.0  after a
· d  shop.d@1.0.0  after b, c"""
    )


def test_what_is_no_graph_becomes_a_list_too() -> None:
    assert drawn(plan(("a", "PLANNED", "b"), ("b", "PLANNED", "a"))).count("after") == 2


def test_texts_of_others_steer_no_terminal_and_are_cut() -> None:
    text = drawn(plan(("a\x1b[31m", "PLANNED", ""), ("b" * 80, "PLANNED", "")))
    assert "\x1b" not in text
    assert "b" * 31 + "..." in text


def test_every_status_has_a_symbol_that_does_not_rest_on_colour() -> None:
    known = {*ExecutionStatus, *StepStatus, *ApprovalStatus}
    assert known - set(STATES) == set()
    ends = [STATES[name] for name in ("completed", "failed", "cancelled", "waiting_approval")]
    assert len({state.sign for state in ends}) == len({state.ascii for state in ends}) == 4


def test_a_legend_names_each_status_once() -> None:
    parts = symbols_of(["COMPLETED", "NEW_ONE", "COMPLETED"], in_unicode=True)
    assert "".join(part.text for part in parts) == "✓ completed  · new one"


def test_bars_stand_where_they_lasted() -> None:
    bars = [Bar("order", 0, 0.5, Tone.GOOD), Bar("refund", 0.5, 2.0, Tone.BAD)]
    rows = draw_bars(bars, 34, in_unicode=False)
    assert ["".join(part.text for part in row) for row in rows] == [
        "        0             2.0 s",
        "order   ===== 500 ms",
        "refund      =============== 1.5 s",
    ]
    assert draw_bars([], 30, in_unicode=True) == []
    (_, one) = draw_bars([Bar("a", 0, 0, Tone.GOOD)], 5, in_unicode=True)
    assert [part.text for part in one] == ["a  ", "█", " 0 ms"]
