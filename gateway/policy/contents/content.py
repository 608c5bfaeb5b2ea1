"""The content of a revision: the policy files as text, what names them, and edits to them.

Lines never move: a removed row leaves an empty line and an added one goes to the end, so that a
rule keeps its line from revision to revision.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gateway.model.json import digest
from gateway.model.policy import Edit
from gateway.model.problem import Issue, invalid
from gateway.policy.rules.models import MODELS
from gateway.policy.rules.rule_text import RuleText

RULE_FILES = tuple(spec.rule_file for spec in MODELS)
MODEL_FILES = tuple(spec.model_file for spec in MODELS)
CASES = "cases/"
"""What the names of case files begin with."""

SEPARATION = "separation.yaml"
"""The file that says which roles nobody may hold together."""

UNFINISHED = "export.unfinished"
"""The file that says that the others are being exchanged, and may be of two revisions."""

_NAMES = ", ".join((*RULE_FILES, *MODEL_FILES, SEPARATION, f"{CASES}<name>.yaml"))
_CASE_FILE = re.compile(r"cases/(?!\.)[^/\\\x00-\x1f\x7f]{1,100}\.yaml")


def is_policy_file(name: str) -> bool:
    """True for the files that the policies are made of."""
    known = name in (*RULE_FILES, *MODEL_FILES, SEPARATION)
    return known or _CASE_FILE.fullmatch(name) is not None


@dataclass(frozen=True)
class PolicyContent:
    """The text of each policy file by its name (``access.csv``, ``cases/roles.yaml``).

    A file without text counts as one empty line, because edits remove a file by an empty text.
    """

    files: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        if not all(self.files.values()):
            full = {name: text or "\n" for name, text in self.files.items()}
            object.__setattr__(self, "files", full)

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """The hex SHA-256 of each file."""
        return {name: _sha256(text) for name, text in self.files.items()}

    @cached_property
    def revision(self) -> str:
        """The name of this content: ``sha256:`` and a digest over all files."""
        return f"sha256:{digest(dict(self.digests))}"

    def replaced(self, changed: Mapping[str, str | None]) -> "PolicyContent":
        """This content with the files of ``changed``; None removes one."""
        files = {**self.files, **changed}
        after = PolicyContent({name: text for name, text in files.items() if text is not None})
        kept = {
            name: known
            for name, known in self.digests.items()
            if name in after.files and name not in changed
        }
        fresh = {name: _sha256(after.files[name]) for name in changed if name in after.files}
        after.__dict__["digests"] = kept | fresh  # what did not change is not hashed again
        return after


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line of a rule file that became another one; ``line`` counts from 1.

    ``before`` and ``after`` are the rows as they stand, empty where there was or is none.
    """

    file: str
    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Edited:
    """What edits made of a content. ``lines`` says it line by line, in the order of the edits; it
    is None where a whole file was exchanged, so that everything must be read anew."""

    content: PolicyContent
    lines: tuple[LineChange, ...] | None


def apply_edits(content: PolicyContent, edits: Sequence[Edit]) -> Edited:
    """``content`` after all ``edits``, in their order.

    The cost grows with the size of the files and with the number of edits, not with their product.

    Raises:
        ProblemError: VALIDATION_FAILED with every edit that cannot be made; an issue's path is
            ``/input/edits/<index>``.
    """
    editing = _Editing(content, edits)
    issues: list[Issue] = []
    for index, edit in enumerate(edits):
        try:
            editing.make(edit)
        except ValueError as error:
            issues.append(Issue(f"/input/edits/{index}", "POLICY_EDIT", str(error)))
    if issues:
        raise invalid(issues)
    return editing.outcome()


class _Editing:
    """The files that some edits change, while they are made."""

    def __init__(self, content: PolicyContent, edits: Sequence[Edit]) -> None:
        self._content = content
        self._files: dict[str, RuleText | str | None] = {}
        self._lines: list[LineChange] = []
        self._whole = False
        self._removable: dict[str, set[str]] = {}
        for edit in edits:
            rows = self._removable.setdefault(edit.file, set())
            if edit.remove is not None:
                rows.add(edit.remove.strip())

    def make(self, edit: Edit) -> None:
        """One edit.

        Raises:
            ValueError: it cannot be made; what it says is for the author.
        """
        if not is_policy_file(edit.file):
            raise ValueError(f"{edit.file!r} is no policy file: name one of {_NAMES}")
        if edit.text is not None:
            if edit.remove is not None or edit.add is not None:
                raise ValueError("an edit exchanges a row or the whole file, not both")
            self._files[edit.file] = _plain(edit.text) or None
            self._whole = True
        else:
            self._lines.append(self._edit_row(edit))

    def outcome(self) -> Edited:
        """What became of it."""
        texts = {
            name: file.text if isinstance(file, RuleText) else file
            for name, file in self._files.items()
        }
        return Edited(self._content.replaced(texts), None if self._whole else tuple(self._lines))

    def _edit_row(self, edit: Edit) -> LineChange:
        removed, added = _row(edit.remove), _row(edit.add)
        if not removed and not added:
            raise ValueError("the edit says nothing: give a row to add or to remove, or a text")
        file = self._rows_of(edit.file)
        if not removed:
            return LineChange(edit.file, file.append(added), "", added)
        try:
            return LineChange(edit.file, file.replace(removed, added), removed, added)
        except ValueError as error:
            told = f"{error} of {edit.file} says: {removed[:200]}. Read the rules of the revision."
            raise ValueError(told) from error

    def _rows_of(self, name: str) -> RuleText:
        """The file as rows, which it stays until it is exchanged as a whole."""
        file = self._files[name] if name in self._files else self._content.files.get(name)
        if isinstance(file, str) and name in RULE_FILES:
            file = self._files[name] = RuleText(file, self._removable[name])
        if isinstance(file, RuleText):
            return file
        raise ValueError(
            f"{name!r} has no rows: name one of {', '.join(RULE_FILES)}, or give the whole text "
            "of a file"
        )


def _plain(text: str) -> str:
    """A text with the ends of lines that a file has when it is read."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("half of a surrogate pair is no text; send it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _row(written: str | None) -> str:
    """A row of an edit, stripped; empty where the edit gives none."""
    if written is None:
        return ""
    row = _plain(written).strip()
    if not row or "\n" in row:
        raise ValueError("a row is one line, and not empty")
    return row


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
