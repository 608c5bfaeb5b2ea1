"""Collecting every issue of every contract file before anything is refused."""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import NoReturn

from gateway.model.problem import Issue, Problem, ProblemError

_AT = re.compile(r"(.*):([0-9]+):([0-9]+)", re.DOTALL)
"""A place; the name of a file may hold colons, too."""


class Findings:
    """The issues found so far, in the order in which a reader meets them."""

    def __init__(self) -> None:
        self._found: dict[Issue, None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, at: str, code: str, message: str) -> None:
        """Note an issue at ``file:line:column``; ``message`` says what is wrong and the remedy."""
        self._found[Issue(at, code, message)] = None

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All issues, by file, line and column."""
        return tuple(sorted(self._found, key=lambda issue: _place(issue.path)))

    def refuse_if_any(self) -> None:
        """Refuse the contracts if there is any issue.

        Raises:
            ProblemError: CONTRACTS_INVALID with all issues.
        """
        if self._found:
            self._refuse()

    def _refuse(self) -> NoReturn:
        issues = self.issues
        first = issues[0]
        count = "1 issue" if len(issues) == 1 else f"{len(issues)} issues"
        raise ProblemError(
            Problem(
                code="CONTRACTS_INVALID",
                title="The contract files cannot be honoured",
                status=500,
                detail=f"{count} in the contract files. {first.path} {first.code}: {first.message}",
                category="validation",
                issues=issues,
            )
        )


def _place(at: str) -> tuple[str, int, int]:
    found = _AT.fullmatch(at)
    if found is None:
        return at, 0, 0
    return found[1], int(found[2]), int(found[3])


def suggestion(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the known word closest to ``word``, or nothing."""
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def nearest(word: str, known: Collection[str]) -> str:
    """The suggestion for ``word``; where there is none, the known words."""
    shown = ", ".join(sorted(known)[:30])
    return suggestion(word, known) or (f"; known here: {shown}" if shown else "")
