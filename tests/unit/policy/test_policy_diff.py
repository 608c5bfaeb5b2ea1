"""What differs between two contents, and the edits that make the one the other."""

import pytest

from gateway.policy.contents.content import PolicyContent, apply_edits
from gateway.policy.contents.diff import FileChange, diff, edits_between

ACCESS = "# roles\np, a\np, b\n\np, c\n"
BEFORE = PolicyContent({"access.csv": ACCESS, "verdict.csv": "p, 1\np, 2\n", "cases/a.yaml": "x"})


def after(**files: str | None) -> PolicyContent:
    return BEFORE.replaced({name.replace("_", "."): text for name, text in files.items()})


def told(other: PolicyContent) -> list[str]:
    return [line for file in diff(BEFORE, other) for line in file.lines()]


def test_equal_contents_do_not_differ() -> None:
    assert diff(BEFORE, PolicyContent(dict(BEFORE.files))) == ()
    assert edits_between(BEFORE, BEFORE) == ()


def test_rows_are_told_with_their_file_and_line() -> None:
    other = after(access_csv="# roles\np, x\n\n\np, c\np, d\n")
    assert told(other) == [
        "- access.csv:2  p, a",
        "+ access.csv:2  p, x",
        "- access.csv:3  p, b",
        "+ access.csv:6  p, d",
    ]
    (file,) = diff(BEFORE, other)
    assert (file.change, file.reordered) == (FileChange.ROWS, False)
    assert file.rows[0].to_json() == {
        "file": "access.csv", "line": 2, "newLine": 2, "before": "p, a", "after": "p, x",
    }  # fmt: skip
    assert file.to_json()["rows"][1] == {
        "file": "access.csv", "line": 3, "newLine": None, "before": "p, b", "after": None,
    }  # fmt: skip


def test_a_row_inserted_above_does_not_make_the_others_differ() -> None:
    assert told(after(access_csv="p, new\n" + ACCESS)) == ["+ access.csv:1  p, new"]


def test_as_many_rows_differ_as_came_or_went() -> None:
    assert told(after(access_csv=ACCESS + "p, a\np, a\n")) == [
        "+ access.csv:6  p, a",
        "+ access.csv:7  p, a",
    ]


def test_another_order_is_told_because_it_can_decide() -> None:
    (line,) = told(after(verdict_csv="p, 2\np, 1\n"))
    assert line.startswith("~ verdict.csv  the same rows in another order")
    (row, order) = told(after(verdict_csv="p, 2\np, 3\np, 1\n"))
    assert row == "+ verdict.csv:2  p, 3"
    assert order == "~ verdict.csv  rows that are in both stand in another order"


@pytest.mark.parametrize("text", ["p, a\np, b\np, c", "\n\n" + ACCESS, ACCESS + "# more\n"])
def test_comments_and_blanks_are_told_as_such(text: str) -> None:
    (file,) = diff(BEFORE, after(access_csv=text))
    assert (file.change, file.rows) == (FileChange.LAYOUT, ())
    assert file.lines() == [
        "~ access.csv  only comments, blanks and the places of rows differ",
    ]


def test_other_files_differ_as_a_whole() -> None:
    other = BEFORE.replaced({"cases/a.yaml": "y", "cases/b.yaml": "z", "access.conf": "m"})
    assert told(other) == [
        "+ access.conf  the file is new",
        "~ cases/a.yaml  the file is another",
        "+ cases/b.yaml  the file is new",
    ]
    assert [line for file in diff(other, BEFORE) for line in file.lines()] == [
        "- access.conf  the file is gone",
        "~ cases/a.yaml  the file is another",
        "- cases/b.yaml  the file is gone",
    ]


@pytest.mark.parametrize(
    ("text", "by_rows"),
    [
        (ACCESS + "p, d\n", True),
        (ACCESS.replace("p, b", ""), True),
        (ACCESS.replace("p, b", "p, B"), True),
        (ACCESS.replace("p, b\n", ""), False),  # the lines below moved
        (ACCESS.rstrip("\n"), False),
        ("p, new\n" + ACCESS, False),
        (ACCESS.replace("p, b", " p, b"), False),
        (ACCESS + "\np, d\n", False),
        (None, False),
    ],
)
def test_edits_are_rows_where_no_line_moved(text: str | None, by_rows: bool) -> None:
    padding = "".join(f"p, r{number}\n" for number in range(20))
    before = BEFORE.replaced({"access.csv": padding + ACCESS})
    other = before.replaced({"access.csv": None if text is None else padding + text})
    (edit,) = edits_between(before, other)
    assert edit.is_whole is not by_rows
    assert apply_edits(before, [edit]).content == other


def test_where_most_rows_are_others_the_whole_file_is_given() -> None:
    (edit,) = edits_between(BEFORE, after(verdict_csv="p, 3\np, 4\n"))
    assert edit.is_whole
