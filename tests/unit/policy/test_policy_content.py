"""The content of a revision: its name, and what edits make of it."""

import pytest

from gateway.model.policy import Edit
from gateway.model.problem import ProblemError
from gateway.policy.contents.content import (
    LineChange,
    PolicyContent,
    apply_edits,
    is_policy_file,
)

ACCESS = "# roles\np, a, *\n\n  p, b, * \np, c, *\n"
CONTENT = PolicyContent({"access.csv": ACCESS, "cases/roles.yaml": "x", "pii.csv": "p, d"})


def edited(*edits: Edit, content: PolicyContent = CONTENT) -> PolicyContent:
    return apply_edits(content, edits).content


def refused(*edits: Edit, content: PolicyContent = CONTENT) -> dict[str, str]:
    with pytest.raises(ProblemError) as caught:
        apply_edits(content, edits)
    assert caught.value.problem.code == "VALIDATION_FAILED"
    assert {issue.code for issue in caught.value.problem.issues} == {"POLICY_EDIT"}
    return {issue.path: issue.message for issue in caught.value.problem.issues}


# --- the name


def test_the_name_depends_on_every_file_and_on_nothing_else() -> None:
    same = PolicyContent(dict(reversed(CONTENT.files.items())))
    assert same.revision == CONTENT.revision
    assert CONTENT.revision.startswith("sha256:")
    others = [
        {**CONTENT.files, "access.csv": ACCESS + " "},
        {**CONTENT.files, "verdict.csv": ""},
        {"access.csv": ACCESS, "cases/other.yaml": "x", "pii.csv": "p, d"},
        {"access.csv": ACCESS, "pii.csv": "p, d"},
    ]
    assert len({CONTENT.revision, *(PolicyContent(files).revision for files in others)}) == 5


def test_a_replaced_content_has_the_name_that_its_files_give_it() -> None:
    after = CONTENT.replaced({"pii.csv": None, "access.csv": "p", "cases/new.yaml": "y"})
    assert after.files == {"access.csv": "p", "cases/roles.yaml": "x", "cases/new.yaml": "y"}
    assert after.revision == PolicyContent(after.files).revision
    assert after.replaced({"access.csv": ACCESS, "cases/new.yaml": None, "pii.csv": "p, d"}) == (
        CONTENT
    )


# --- rows


def test_a_removed_row_leaves_an_empty_line() -> None:
    outcome = apply_edits(CONTENT, [Edit("access.csv", remove="p, b, *")])
    assert outcome.content.files["access.csv"] == "# roles\np, a, *\n\n\np, c, *\n"
    assert outcome.lines == (LineChange("access.csv", 4, "p, b, *", ""),)


def test_an_added_row_goes_to_the_end() -> None:
    outcome = apply_edits(CONTENT, [Edit("access.csv", add=" p, d, * "), Edit("pii.csv", add="x")])
    assert outcome.content.files["access.csv"] == ACCESS + "p, d, *\n"
    assert outcome.content.files["pii.csv"] == "p, d\nx\n"
    assert outcome.lines == (
        LineChange("access.csv", 6, "", "p, d, *"),
        LineChange("pii.csv", 2, "", "x"),
    )


def test_a_replaced_row_keeps_its_line() -> None:
    outcome = apply_edits(CONTENT, [Edit("access.csv", "p, b, *", "p, B, *")])
    assert outcome.content.files["access.csv"] == "# roles\np, a, *\n\np, B, *\np, c, *\n"
    assert outcome.lines == (LineChange("access.csv", 4, "p, b, *", "p, B, *"),)


def test_edits_build_on_one_another() -> None:
    edits = [
        Edit("access.csv", add="p, d, *"),
        Edit("access.csv", "p, d, *", "p, e, *"),
        Edit("access.csv", "p, a, *", "p, d, *"),
        Edit("access.csv", remove="p, e, *"),
        Edit("access.csv", add="p, f, *"),
    ]
    outcome = apply_edits(CONTENT, edits)
    assert outcome.content.files["access.csv"] == (
        "# roles\np, d, *\n\n  p, b, * \np, c, *\n\np, f, *\n"
    )
    assert outcome.lines is not None
    assert [change.line for change in outcome.lines] == [6, 6, 2, 6, 7]


@pytest.mark.parametrize("text", ["a", "a\n", "x\na", "x\na\n", "a\nx", "  a"])
def test_edits_at_once_are_edits_one_after_the_other(text: str) -> None:
    content = PolicyContent({"access.csv": text})
    edits = [
        Edit("access.csv", remove="a"),
        Edit("access.csv", add="b"),
        Edit("access.csv", add="c"),
        Edit("access.csv", "b", "a"),
        Edit("access.csv", remove="a"),
    ]
    for count in range(1, len(edits) + 1):
        at_once = edited(*edits[:count], content=content)
        one_by_one = content
        for edit in edits[:count]:
            one_by_one = edited(edit, content=one_by_one)
        assert at_once.files == one_by_one.files


def test_many_rows_are_found_as_few_are() -> None:
    rows = [f"p, r{number}, *" for number in range(40)]
    text = "".join(f" {row}\t\n# {row}\n\n" for row in rows)
    content = PolicyContent({"access.csv": text})
    edits = [Edit("access.csv", row, f"{row}x") for row in reversed(rows)]
    one_by_one = content
    for edit in edits:
        one_by_one = edited(edit, content=one_by_one)
    outcome = apply_edits(content, edits)
    assert outcome.content.files == one_by_one.files
    assert outcome.lines is not None
    assert [change.line for change in outcome.lines] == [3 * n + 1 for n in reversed(range(40))]


def test_a_row_is_a_whole_line_and_not_a_part_of_one() -> None:
    content = PolicyContent({"access.csv": "p, ab\np, a, b\np, a\n"})
    after = edited(Edit("access.csv", remove="p, a"), content=content)
    assert after.files["access.csv"] == "p, ab\np, a, b\n\n"


# --- whole files


def test_a_file_is_exchanged_as_a_whole_or_removed() -> None:
    outcome = apply_edits(
        CONTENT,
        [Edit("pii.csv", text=""), Edit("separation.yaml", text="y"), Edit("access.csv", text="p")],
    )
    assert outcome.content.files == {
        "access.csv": "p",
        "cases/roles.yaml": "x",
        "separation.yaml": "y",
    }
    assert outcome.lines is None


def test_rows_of_a_file_that_was_just_brought_are_edited() -> None:
    after = edited(
        Edit("verdict.csv", text="p, a\n"),
        Edit("verdict.csv", "p, a", "p, b"),
        Edit("verdict.csv", add="p, c"),
    )
    assert after.files["verdict.csv"] == "p, b\np, c\n"


def test_the_ends_of_lines_are_those_of_a_file_that_was_read() -> None:
    after = edited(Edit("access.csv", text="p, a\r\np, b\rp, c"))
    assert after.files["access.csv"] == "p, a\np, b\np, c"


def test_edits_are_read_as_they_were_recorded() -> None:
    edits = (Edit("a", remove="x"), Edit("a", "x", "y"), Edit("b", text=""))
    assert tuple(Edit.from_json(edit.to_json()) for edit in edits) == edits


# --- what cannot be made


def test_every_edit_that_cannot_be_made_is_told_at_once() -> None:
    told = refused(
        Edit("access.csv", remove="p, z, *"),
        Edit("access.csv", add="p, a, *"),
        Edit("access.csv", remove="p, a, *"),
        Edit("cases/roles.yaml", add="x"),
        Edit("verdict.csv", add="p"),
        Edit("access.csv", add="a\nb"),
        Edit("access.csv", add="  "),
        Edit("access.csv"),
        Edit("access.csv", add="p", text="q"),
        Edit("access.csv", add="\ud800"),
    )
    assert list(told) == [f"/input/edits/{n}" for n in (0, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert "no line of access.csv says: p, z, *" in told["/input/edits/0"]
    assert "2 lines of access.csv" in told["/input/edits/2"]
    assert "has no rows" in told["/input/edits/3"]
    assert "has no rows" in told["/input/edits/4"]
    assert "one line" in told["/input/edits/5"]
    assert "says nothing" in told["/input/edits/7"]
    assert "not both" in told["/input/edits/8"]
    assert "surrogate" in told["/input/edits/9"]


def test_a_row_is_removed_once() -> None:
    told = refused(Edit("access.csv", remove="p, a, *"), Edit("access.csv", remove="p, a, *"))
    assert list(told) == ["/input/edits/1"]


@pytest.mark.parametrize(
    "name",
    [
        *("access.txt", "../access.csv", "cases/../access.yaml", "cases/a/b.yaml", "skills.yaml"),
        *("cases/.yaml", "cases/a\x00.yaml", "cases/a.yml", "", "cases/a\\b.yaml", "ACCESS.csv"),
    ],
)
def test_only_policy_files_are_edited(name: str) -> None:
    assert not is_policy_file(name)
    assert "is no policy file" in refused(Edit(name, text="x"))["/input/edits/0"]


@pytest.mark.parametrize(
    "name", ["access.csv", "verdict.conf", "pii.csv", "separation.yaml", "cases/a b.yaml"]
)
def test_policy_files_are_known_by_their_names(name: str) -> None:
    assert is_policy_file(name)
