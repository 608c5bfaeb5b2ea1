"""The history of the policies: the content of any revision that the record holds."""

from collections.abc import Sequence

from gateway.model.policy import Changeset, Edit, PolicyRecords, RecordedRevision
from gateway.model.problem import Problem, ProblemError
from gateway.policy.contents.content import PolicyContent, apply_edits

POLICY_HISTORY_DAMAGED = "POLICY_HISTORY_DAMAGED"


def content_of(records: PolicyRecords, revision: str) -> PolicyContent:
    """The files of a revision that was in force at some time.

    They are those of its first ancestor after the edits of every revision since. What comes out
    is held to the name that was asked for, which is the digest of the content: a store that
    somebody altered gives nothing.

    Raises:
        ProblemError: POLICY_HISTORY_DAMAGED, if the revision or one of its ancestors is missing,
            if the edits of one cannot be made, or if they lead to another content.
    """
    lineage = reversed(_lineage(records, revision))
    edits = [edit for ancestor in lineage for edit in ancestor.edits]
    return _applied(PolicyContent({}), edits, revision)


def content_of_changeset(records: PolicyRecords, changeset: Changeset) -> PolicyContent:
    """The files that a changeset results in.

    Raises:
        ProblemError: POLICY_HISTORY_DAMAGED, as ``content_of``.
    """
    start = changeset.base if changeset.restores is None else changeset.restores
    edits = changeset.edits if changeset.restores is None else ()
    return _applied(content_of(records, start), edits, changeset.revision)


def _lineage(records: PolicyRecords, revision: str) -> list[RecordedRevision]:
    """The revision and its ancestors, itself first."""
    lineage: list[RecordedRevision] = []
    seen: set[str] = set()
    wanted: str | None = revision
    while wanted is not None:
        found = None if wanted in seen else records.policy_revision(wanted)
        if found is None:
            told = "is its own ancestor" if wanted in seen else "is not in the record"
            raise _damaged(revision, f"{wanted} {told}")
        lineage.append(found)
        seen.add(wanted)
        wanted = found.parent
    return lineage


def _applied(before: PolicyContent, edits: Sequence[Edit], revision: str) -> PolicyContent:
    try:
        content = apply_edits(before, edits).content
    except ProblemError as error:
        raise _damaged(revision, f"an edit cannot be made ({error.problem.detail})") from error
    if content.revision != revision:
        raise _damaged(revision, f"what is stored makes {content.revision}")
    return content


def _damaged(revision: str, told: str) -> ProblemError:
    return ProblemError(
        Problem(
            code=POLICY_HISTORY_DAMAGED,
            title="The stored policies are damaged",
            status=500,
            detail=f"The policy revision {revision} cannot be read from the record: {told}. Look "
            "for damage with `gateway audit verify`, fold the tables anew with `gateway journal "
            "rebuild`, and restore a backup if that does not help.",
            category="internal",
        )
    )
