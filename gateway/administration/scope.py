"""Scope: which rows of the policies somebody sees, and which they may change.

Policy is one for all workspaces, and each row says for which. Who administers a workspace sees
its rows and those of everybody (``*``), and changes its own; the administrators of a few named
workspaces see and change everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.policy import Edit
from gateway.model.problem import MAX_ISSUES, Issue, ProblemError, problem
from gateway.policy import PolicyContent
from gateway.policy.contents.diff import FileChange, FileDiff, RowChange, diff, moved_rows
from gateway.policy.engine.roles import ANYWHERE
from gateway.policy.rules.models import ASSIGNMENT, MODELS
from gateway.policy.rules.rows import Row, read_rows

_COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    spec.rule_file: {"p": tuple(spec.columns), "g": tuple(ASSIGNMENT)} for spec in MODELS
}
_WORKSPACE = {"p": "dom", "g": "workspace"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What the administrators of one workspace see and change; ``is_whole`` means everything."""

    workspace: str
    is_whole: bool

    def sees_row(self, file: str, row: str) -> bool:
        """True if a row of a rule file is shown; what is no row is shown to nobody else."""
        return self.is_whole or workspace_of(file, row) in (ANYWHERE, self.workspace)

    def shown(self, change: RowChange) -> RowChange | None:
        """What is shown of a change: the row that went, the one that came, both or neither. In one
        line a row may have given way to that of another workspace."""
        gone, come = (
            bool(row) and self.sees_row(change.file, row) for row in (change.before, change.after)
        )
        if not gone and not come:
            return None
        return RowChange(
            change.file,
            change.line if gone else None,
            change.new_line if come else None,
            change.before if gone else "",
            change.after if come else "",
        )

    def may_change_row(self, file: str, row: str) -> bool:
        """True if a row may be added, and removed."""
        return self.is_whole or workspace_of(file, row) == self.workspace

    def may_change(self, edit: Edit) -> bool:
        """True if an edit may be made; whole files are for those who may change everything."""
        if self.is_whole:
            return True
        rows = [row for row in (edit.remove, edit.add) if row is not None]
        return not edit.is_whole and all(self.may_change_row(edit.file, row) for row in rows)

    def require(self, edits: Sequence[Edit]) -> None:
        """Refuse edits that are not for this workspace to make.

        Raises:
            ProblemError: FORBIDDEN with the path of each such edit.
        """
        paths = [f"/input/edits/{n}" for n, edit in enumerate(edits) if not self.may_change(edit)]
        if paths:
            raise self._outside(paths)

    def require_contents(self, before: PolicyContent, after: PolicyContent, path: str) -> None:
        """Refuse to exchange one content for another where not all that differs is for this
        workspace to change.

        Raises:
            ProblemError: FORBIDDEN with an issue at ``path``.
        """
        if self.is_whole:
            return
        for file in diff(before, after):
            moved = moved_rows(file.file, before, after) if file.reordered else ()
            if not self._may_exchange(file, moved):
                raise self._outside([path])

    def _may_exchange(self, file: FileDiff, moved: Sequence[Sequence[str]]) -> bool:
        """Whether only own rows came, went and moved. Where those of others follow one another as
        before, own ones between them decide of nobody else."""
        if file.change is FileChange.LAYOUT:  # nothing that decides
            return True
        if file.change not in (FileChange.ROWS, FileChange.ORDER):
            return False
        changed = [row for change in file.rows for row in (change.before, change.after) if row]
        if not all(self.may_change_row(file.file, row) for row in changed):
            return False
        others = [
            [row for row in rows if not self.may_change_row(file.file, row)] for rows in moved
        ]
        return all(one == others[0] for one in others)

    def _outside(self, paths: list[str]) -> ProblemError:
        told = (
            f"Your workspace {self.workspace!r} changes the rows whose workspace is "
            f"{self.workspace!r}, row by row. Ask an administrator of all policies to make this "
            "change (GATEWAY_POLICY_WORKSPACES names their workspaces)."
        )
        issues = tuple(Issue(path, "POLICY_SCOPE", told) for path in paths[:MAX_ISSUES])
        return ProblemError(problem("FORBIDDEN", told, issues=issues))


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scope of each workspace; those of ``whole`` administer all policies."""

    whole: frozenset[str]

    def of(self, workspace: str) -> Scope:
        """What administrators of this workspace see and change."""
        return Scope(workspace, workspace in self.whole)


def workspace_of(file: str, row: str) -> str | None:
    """The workspace that a row is for, ``*`` for every one; None for what is no row."""
    found = list(_rows(file, row))
    if len(found) != 1 or found[0] is None:
        return None
    one = found[0]
    is_whole = bool(one.names) and len(one.values) == len(one.names)
    return one[_WORKSPACE[one.kind]] if is_whole else None


def _rows(file: str, text: str) -> Iterator[Row | None]:
    for found in read_rows(file, text, _COLUMNS.get(file, {})):
        yield found if isinstance(found, Row) else None
