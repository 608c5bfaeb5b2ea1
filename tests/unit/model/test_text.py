"""What of a text is seen."""

import pytest

from gateway.model.text import UNSEEN, printable
from gateway.operations.common import said

UNSEEN_SIGNS = [
    *("\u034f", "\u115f", "\u1160", "\u17b4", "\u2800", "\u3164", "\uffa0"),
    *("\u180b", "\ufe00", "\ufe0f", "\U000e0100", "\U000e01ef"),
]


@pytest.mark.parametrize("sign", UNSEEN_SIGNS)
def test_signs_that_leave_no_trace_are_unseen(sign: str) -> None:
    """Python calls each of them printable."""
    assert UNSEEN.findall(f"o-1001{sign}") == [sign]
    assert printable(f"o-{sign}1") == f"o-{sign.encode('unicode_escape').decode()}1"


def test_a_selector_behind_another_chooses_nothing() -> None:
    assert printable("\u2764\ufe0f\ufe01") == "\u2764\ufe0f\\ufe01"


@pytest.mark.parametrize(
    "text", ["\u2764\ufe0f", "\u845b\U000e0101", "\u1820\u180b", "e\u0301", "한글"]
)
def test_what_writing_needs_is_seen(text: str) -> None:
    assert UNSEEN.search(text) is None
    assert printable(text) == text


@pytest.mark.parametrize("sign", UNSEEN_SIGNS)
def test_nothing_is_said_by_signs_that_nobody_sees(sign: str) -> None:
    assert said(f" {sign}\u200b{sign} " * 12) == ""
    assert said(f"{sign}why {sign}") == "why"
    assert said("why \u2764\ufe0f") == "why \u2764\ufe0f"
