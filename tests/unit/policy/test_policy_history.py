"""The content of any revision that the record holds, and of a changeset."""

from dataclasses import replace

import pytest

from gateway.model.policy import Changeset, ChangesetStatus, Edit, RecordedRevision
from gateway.model.problem import ProblemError
from gateway.policy.contents.content import PolicyContent, apply_edits
from gateway.policy.contents.diff import edits_between
from gateway.policy.contents.history import content_of, content_of_changeset

FIRST = PolicyContent({"access.csv": "p, a\n", "pii.csv": "p\n"})
EMPTY = PolicyContent({})


class Store:
    """The one reading method that the history needs."""

    def __init__(self) -> None:
        self.revisions: dict[str, RecordedRevision] = {}

    def policy_revision(self, revision: str) -> RecordedRevision | None:
        return self.revisions.get(revision)

    def keep(self, before: PolicyContent, *edits: Edit) -> PolicyContent:
        after = apply_edits(before, edits).content
        parent = None if before is EMPTY else before.revision
        kept = RecordedRevision(after.revision, parent, edits, "2026-01-01T00:00:00.000000Z")
        self.revisions[after.revision] = kept
        return after

    def tamper(self, content: PolicyContent, **changed: object) -> None:
        kept = self.revisions[content.revision]
        self.revisions[content.revision] = replace(kept, **changed)  # type: ignore[arg-type]  # whatever a stranger writes


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def contents(store: Store) -> list[PolicyContent]:
    """Three revisions, each of which changes the one before."""
    first = store.keep(EMPTY, *edits_between(EMPTY, FIRST))
    second = store.keep(first, Edit("access.csv", add="p, b"), Edit("pii.csv", text=""))
    third = store.keep(second, Edit("access.csv", "p, b", "p, c"), Edit("pii.csv", text="p, x"))
    return [first, second, third]


def damaged(store: Store, revision: str) -> str:
    with pytest.raises(ProblemError) as caught:
        content_of(store, revision)  # type: ignore[arg-type]  # the one method that it needs
    assert caught.value.problem.code == "POLICY_HISTORY_DAMAGED"
    assert revision in caught.value.problem.detail
    return caught.value.problem.detail


def changeset(base: str, revision: str, *edits: Edit, restores: str | None = None) -> Changeset:
    return Changeset(
        *("cs_1", "acme", ChangesetStatus.CHECKED, "t", "r", base, revision, edits, restores),
        *(("ann",), (), {}, None, False, "now", "now"),
    )


def test_any_revision_is_read_back_as_it_was(store: Store, contents: list[PolicyContent]) -> None:
    for content in contents:
        assert content_of(store, content.revision) == content  # type: ignore[arg-type]  # see above


def test_a_long_history_is_read_in_one_pass(store: Store) -> None:
    rows = "".join(f"p, r{number}\n" for number in range(20_000))
    content = store.keep(EMPTY, Edit("access.csv", text=rows))
    for number in range(600):
        kept = content.files["access.csv"].replace(f"p, r{number}\n", f"p, s{number}\n", 1)
        after = content.replaced({"access.csv": kept})
        edit = Edit("access.csv", f"p, r{number}", f"p, s{number}")
        store.revisions[after.revision] = RecordedRevision(
            after.revision, content.revision, (edit,), ""
        )
        content = after
    assert content_of(store, content.revision).revision == content.revision  # type: ignore[arg-type]  # see above


def test_what_is_not_there_is_told(store: Store, contents: list[PolicyContent]) -> None:
    assert "sha256:9 is not in the record" in damaged(store, "sha256:9")
    first, _, third = contents
    del store.revisions[first.revision]
    assert f"{first.revision} is not in the record" in damaged(store, third.revision)


def test_altered_edits_are_refused(store: Store, contents: list[PolicyContent]) -> None:
    _, second, third = contents
    store.tamper(second, edits=(Edit("access.csv", add="p, evil"), Edit("access.csv", add="p, b")))
    assert "what is stored makes sha256:" in damaged(store, second.revision)
    damaged(store, third.revision)


def test_edits_that_cannot_be_made_are_told(store: Store, contents: list[PolicyContent]) -> None:
    third = contents[2]
    store.tamper(third, edits=(Edit("access.csv", "p, gone", "p, c"),))
    assert "an edit cannot be made" in damaged(store, third.revision)


def test_a_circle_of_parents_is_told(store: Store, contents: list[PolicyContent]) -> None:
    first, _, third = contents
    store.tamper(first, parent=third.revision)
    assert "its own ancestor" in damaged(store, third.revision)


def test_the_content_of_a_changeset_is_its_base_after_its_edits(
    store: Store, contents: list[PolicyContent]
) -> None:
    edit = Edit("access.csv", add="p, d")
    after = apply_edits(contents[1], [edit]).content
    proposed = changeset(contents[1].revision, after.revision, edit)
    assert content_of_changeset(store, proposed) == after  # type: ignore[arg-type]  # see above


def test_a_restoring_changeset_brings_back_what_was(
    store: Store, contents: list[PolicyContent]
) -> None:
    first, second, _ = contents
    proposed = changeset(second.revision, first.revision, restores=first.revision)
    assert content_of_changeset(store, proposed) == first  # type: ignore[arg-type]  # see above


def test_a_changeset_that_leads_elsewhere_than_it_says_is_refused(
    store: Store, contents: list[PolicyContent]
) -> None:
    edit = Edit("access.csv", add="p, d")
    for proposed in (
        changeset(contents[1].revision, contents[2].revision, edit),
        changeset(contents[1].revision, contents[2].revision, restores=contents[0].revision),
    ):
        with pytest.raises(ProblemError, match="POLICY_HISTORY_DAMAGED"):
            content_of_changeset(store, proposed)  # type: ignore[arg-type]  # see above
