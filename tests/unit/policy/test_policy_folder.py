"""Reading a folder of policy files beside somebody who exchanges them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.model.problem import ProblemError
from gateway.policy import PolicyContent, read_content
from gateway.policy.contents.folder import write_content
from gateway.policy.rules.findings import Findings

FILES = {
    "access.csv": "p, a, *, *, call, allow\n",
    "pii.csv": "p, 1, *, *, *, *, *, drop\n",
    "cases/a.yaml": "[]\n",
}
BEFORE = PolicyContent(FILES)
AFTER = PolicyContent(
    {**FILES, "access.csv": "p, b, *, *, call, allow\n", "pii.csv": "p, 1, *, *, *, *, *, raw\n"}
)


def reading_while(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], at: int) -> None:
    """Have something happen before the ``at``-th file is read."""
    read, left = Findings.text_of, [at]

    def text_of(self: Findings, path: Path) -> str | None:
        left[0] -= 1
        if left[0] == 0:
            happens()
        return read(self, path)

    monkeypatch.setattr(Findings, "text_of", text_of)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_files_that_are_exchanged_while_they_are_read_are_of_one_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    write_content(BEFORE, tmp_path)
    reading_while(monkeypatch, lambda: write_content(AFTER, tmp_path, replace=True), at)
    assert read_content(tmp_path).revision == AFTER.revision


def test_files_that_never_stay_the_same_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_content(BEFORE, tmp_path)
    read = Findings.text_of

    def text_of(self: Findings, path: Path) -> str | None:
        write_content(AFTER, tmp_path, replace=True)
        return read(self, path)

    monkeypatch.setattr(Findings, "text_of", text_of)
    with pytest.raises(ProblemError) as refused:
        read_content(tmp_path)
    assert "changed while they were read" in refused.value.problem.detail


@pytest.mark.parametrize("name", ["cases", "separation.yaml", "access.csv"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, name: str) -> None:
    """Else no case would be run, and no separation of duties held."""
    write_content(BEFORE, tmp_path)
    if (tmp_path / name).exists():
        (tmp_path / name).rename(tmp_path / "away")
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(ProblemError) as refused:
        read_content(tmp_path)
    (issue,) = refused.value.problem.issues
    assert (issue.code, issue.path) == ("POLICY_FILE", f"{tmp_path / name}:1:1")


@pytest.mark.parametrize("name", ["access.csv", "separation.yaml", "cases/b.yaml"])
def test_a_pipe_holds_nobody_up(tmp_path: Path, name: str) -> None:
    (tmp_path / "cases").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(ProblemError) as refused:
        read_content(tmp_path)
    assert "cannot be read: it is no regular file" in refused.value.problem.detail


def test_ends_of_lines_are_those_of_every_system(tmp_path: Path) -> None:
    write_content(BEFORE, tmp_path)
    (tmp_path / "access.csv").write_bytes(b"p, a, *, *, call, allow\r\n\r")
    assert read_content(tmp_path).files["access.csv"] == "p, a, *, *, call, allow\n\n"


def test_cases_that_are_no_folder_are_told(tmp_path: Path) -> None:
    write_content(PolicyContent({"access.csv": FILES["access.csv"]}), tmp_path)
    (tmp_path / "cases").write_text("")
    with pytest.raises(ProblemError) as refused:
        read_content(tmp_path)
    assert "cannot be read (Not a directory)" in refused.value.problem.detail
