"""Policies as commands name them: a folder, a revision, a changeset, ``store`` or ``files``."""

import os
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.options import existing_record
from gateway.journal import read_record
from gateway.model.json import is_unicode
from gateway.model.ports import Page, Records
from gateway.model.problem import ProblemError, refuse
from gateway.policy import PolicyContent, read_content
from gateway.policy.contents.history import content_of, content_of_changeset
from gateway.settings import Settings

STORE, FILES = "store", "files"
SIDE_HELP = "a folder, a revision or the beginning of its digest, a changeset, store or files"

_SHORTEST = 4
_ALL = Page(1_000_000)


@dataclass(frozen=True, slots=True)
class Side:
    """Policies with the name that they were asked for by; findings in them name files below
    ``folder``."""

    name: str
    content: PolicyContent
    folder: Path

    @property
    def shown(self) -> str:
        """The name and the revision, for people."""
        return f"{self.name} {self.content.revision}"


def side_of(settings: Settings, named: str) -> Side:
    """The policies that a command names.

    Raises:
        ProblemError: NOT_FOUND, CONFLICT for a beginning that several revisions have,
            POLICIES_INVALID for files that cannot be read, POLICY_HISTORY_DAMAGED.
    """
    if _is_folder(named):
        return _folder_side(settings, named)
    return read_record(existing_record(settings), lambda records: side_in(settings, records, named))


def side_in(settings: Settings, records: Records, named: str) -> Side:
    """As ``side_of``, where the record is open already."""
    if _is_folder(named):
        return _folder_side(settings, named)
    return Side(named, _stored(records, named), Path())


def _is_folder(named: str) -> bool:
    return named == FILES or os.path.isdir(named)  # noqa: PTH112 (a Path of a long name raises)


def _folder_side(settings: Settings, named: str) -> Side:
    folder = settings.policy_dir if named == FILES else Path(named)
    return Side(str(folder), read_content(folder), folder)


def head_of(records: Records) -> str:
    """The revision in force.

    Raises:
        ProblemError: PRECONDITION_FAILED before the first.
    """
    head = records.policy_head()
    if head is None:
        raise refuse(
            "PRECONDITION_FAILED",
            "No policy was ever in force in this data folder. Start the gateway once: the policy "
            "files then seed the store.",
        )
    return head


def _stored(records: Records, named: str) -> PolicyContent:
    if named == STORE:
        return content_of(records, head_of(records))
    if not is_unicode(named):  # which no database can be asked for
        raise _unknown(named)
    changeset = records.changeset(named)
    if changeset is not None:
        return content_of_changeset(records, changeset)
    return content_of(records, _revision_of(records, named))


def _revision_of(records: Records, named: str) -> str:
    if records.policy_revision(named) is not None:
        return named
    wanted = named.removeprefix("sha256:")
    activations, _ = records.policy_activations(_ALL)
    found = sorted(
        {one.revision for one in activations if one.revision.startswith(f"sha256:{wanted}")}
    )
    if len(wanted) < _SHORTEST or not found:
        raise _unknown(named)
    if len(found) > 1:
        told = f"{named} is the beginning of {len(found)} revisions: {', '.join(found[:3])}."
        raise refuse("CONFLICT", f"{told} Name more of the one you mean.")
    return found[0]


def _unknown(named: str) -> ProblemError:
    return refuse(
        "NOT_FOUND",
        f"{named[:100]!r} is no folder, no changeset and no revision that was in force. Name one "
        f"of those, {STORE} or {FILES}; `gateway policy log` lists the revisions.",
    )
