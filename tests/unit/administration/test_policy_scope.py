"""Scope: whose rows are whose."""

import pytest

from gateway.administration import Scope, Scopes
from gateway.administration.scope import workspace_of
from gateway.model.policy import Edit
from gateway.model.problem import ProblemError
from gateway.policy import PolicyContent
from gateway.policy.contents.diff import RowChange

ACME, WHOLE = Scope("acme", False), Scope("platform", True)
MINE = "p, clerk, acme, a.b, call, allow"
THEIRS = "p, clerk, beta, a.b, call, allow"
EVERYBODYS = "p, clerk, *, a.b, call, allow"
ALSO_MINE = "p, cook, acme, a.b, call, allow"


@pytest.mark.parametrize(
    ("file", "row", "workspace"),
    [
        ("access.csv", MINE, "acme"),
        ("access.csv", EVERYBODYS, "*"),
        ("access.csv", ' p ,clerk,"acme" , a.b,call,allow', "acme"),
        ("access.csv", "g, user:ana, clerk, acme", "acme"),
        ("access.csv", "g, user:ana, clerk, *", "*"),
        ("verdict.csv", "p, 1, x, acme, a.b, *, true, blocked, -, -, -, -", "acme"),
        ("pii.csv", "p, 1, x, *, acme, a.b, *, raw", "acme"),
        ("access.csv", "# p, clerk, acme, a.b, call, allow", None),
        ("access.csv", "p, clerk, acme", None),
        ("access.csv", "q, clerk, acme, a.b, call, allow", None),
        ("access.csv", 'p, "clerk, acme, a.b, call, allow', None),
        ("access.csv", "g, user:ana, clerk", None),
        ("cases/more.yaml", MINE, None),
        ("cases/more.yaml", "p", None),
        ("access.conf", "g", None),
        ("access.csv", "p", None),
        ("access.csv", "", None),
        ("access.csv", f"{MINE}\n{EVERYBODYS}", None),
    ],
)
def test_the_workspace_of_a_row_is_its_column(file: str, row: str, workspace: str | None) -> None:
    assert workspace_of(file, row) == workspace


def test_a_workspace_sees_its_rows_and_those_of_everybody() -> None:
    assert ACME.sees_row("access.csv", MINE)
    assert ACME.sees_row("access.csv", EVERYBODYS)
    assert not ACME.sees_row("access.csv", THEIRS)
    assert WHOLE.sees_row("access.csv", THEIRS)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (THEIRS, MINE, (None, 1, "", MINE)),
        (MINE, THEIRS, (1, None, MINE, "")),
        (MINE, EVERYBODYS, (1, 1, MINE, EVERYBODYS)),
        (THEIRS, "", None),
    ],
)
def test_a_row_that_gave_way_to_that_of_another_workspace_is_not_shown(
    before: str, after: str, shown: tuple[int | None, int | None, str, str] | None
) -> None:
    change = RowChange("access.csv", 1, 1 if after else None, before, after)
    told = ACME.shown(change)
    assert (told and (told.line, told.new_line, told.before, told.after)) == shown
    assert WHOLE.shown(change) == change


@pytest.mark.parametrize(
    ("edit", "may"),
    [
        (Edit("access.csv", add=MINE), True),
        (Edit("access.csv", remove=MINE), True),
        (Edit("access.csv", remove=MINE, add=MINE), True),
        (Edit("access.csv", remove=EVERYBODYS, add=MINE), False),
        (Edit("access.csv", remove=MINE, add=EVERYBODYS), False),
        (Edit("access.csv", add=THEIRS), False),
        (Edit("access.csv", text=MINE), False),
        (Edit("cases/acme.yaml", text="- a"), False),
        (Edit("separation.yaml", text=""), False),
        (Edit("access.conf", text=""), False),
    ],
)
def test_a_workspace_changes_its_own_rows(edit: Edit, may: bool) -> None:
    assert ACME.may_change(edit) is may
    assert WHOLE.may_change(edit)
    if may:
        ACME.require([edit])
        return
    with pytest.raises(ProblemError) as refused:
        ACME.require([Edit("access.csv", add=MINE), edit])
    assert refused.value.problem.code == "FORBIDDEN"
    assert [issue.path for issue in refused.value.problem.issues] == ["/input/edits/1"]


@pytest.mark.parametrize(
    ("before", "after", "may"),
    [
        ("", f"{MINE}\n", True),
        (f"{MINE}\n", "", True),
        (f"{EVERYBODYS}\n", f"{EVERYBODYS}\n\n", True),
        (f"{EVERYBODYS}\n", "", False),
        (f"{MINE}\n", f"{THEIRS}\n", False),
        (f"{EVERYBODYS}\n{THEIRS}\n", f"{THEIRS}\n{EVERYBODYS}\n", False),
        (f"{EVERYBODYS}\n{THEIRS}\n", f"{THEIRS}\n{EVERYBODYS}\n{MINE}\n", False),
        (f"{MINE}\n{ALSO_MINE}\n", f"{ALSO_MINE}\n{MINE}\n", True),
        (f"{EVERYBODYS}\n{MINE}\n{THEIRS}\n", f"{MINE}\n{EVERYBODYS}\n{THEIRS}\n", True),
        (f"{EVERYBODYS}\n{MINE}\n{THEIRS}\n", f"{THEIRS}\n{MINE}\n{EVERYBODYS}\n", False),
        (f"{EVERYBODYS}\n{MINE}\n{ALSO_MINE}\n", f"{ALSO_MINE}\n{EVERYBODYS}\n", True),
        (f"{MINE}\n{EVERYBODYS}\n{THEIRS}\n", f"{THEIRS}\n{MINE}\n{EVERYBODYS}\n", False),
    ],
)
def test_a_workspace_restores_where_only_its_rows_changed(
    before: str, after: str, may: bool
) -> None:
    contents = [PolicyContent({"access.csv": text}) for text in (before, after)]
    WHOLE.require_contents(contents[0], contents[1], "/input/revision")
    if may:
        ACME.require_contents(contents[0], contents[1], "/input/revision")
        return
    with pytest.raises(ProblemError, match="FORBIDDEN"):
        ACME.require_contents(contents[0], contents[1], "/input/revision")


def test_other_files_are_restored_by_those_who_change_everything() -> None:
    before, after = PolicyContent({"access.conf": "a"}), PolicyContent({"access.conf": "b"})
    with pytest.raises(ProblemError, match="FORBIDDEN"):
        ACME.require_contents(before, after, "/input/revision")


def test_the_setting_names_who_changes_everything() -> None:
    scopes = Scopes(frozenset({"platform"}))
    assert scopes.of("platform").is_whole
    assert not scopes.of("acme").is_whole
