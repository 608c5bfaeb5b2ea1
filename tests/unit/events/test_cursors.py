"""Cursors: written and read back, ordered as the record is."""

import pytest

from gateway.model.event import Cursor


@pytest.mark.parametrize("cursor", [Cursor(0), Cursor(7), Cursor(7, 0), Cursor(10**17, 12)])
def test_a_cursor_is_read_back_as_it_was(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "07", "1.", ".1", "1.2.3", "1.-1", "1 ", "１", "9" * 19, "1." + "9" * 10],
)
def test_anything_else_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.parse(text)


def test_the_end_of_an_entry_is_behind_all_its_events() -> None:
    assert Cursor(7, 0) < Cursor(7, 1) < Cursor(7) < Cursor(8, 0)
    assert (Cursor(7).behind, Cursor(7, 1).behind) == (7, 6)
