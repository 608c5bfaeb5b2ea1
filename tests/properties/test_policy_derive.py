"""A revision derived from the one before it equals the one that is built from scratch."""

from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.policy import Edit
from gateway.model.problem import Problem, ProblemError
from gateway.policy import PolicyContent, PolicyRevision, apply_edits
from gateway.policy.contents.content import Edited
from gateway.policy.deriving import book_after
from gateway.policy.loader import derive_revision
from gateway.policy.rules.models import ACCESS, MODELS
from tests.properties.amounts import examples
from tests.properties.policy_worlds import (
    REGISTRY,
    WHERE,
    Call,
    assignments,
    built,
    calls,
    contents,
    decisions,
    rule_rows,
)

_ROWS = {
    spec.rule_file: (rule_rows[spec.name] | assignments if spec is ACCESS else rule_rows[spec.name])
    for spec in MODELS
}


@st.composite
def edits(draw: st.DrawFn, content: PolicyContent) -> list[Edit]:
    """A few edits that can be made, in order or not."""
    made: list[Edit] = []
    text = dict(content.files)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(list(_ROWS)))
        lines = text[name].split("\n")
        there = [line for line in lines if line and lines.count(line) == 1]
        kinds = ("add", "remove", "replace") if there else ("add",)
        kind = draw(st.sampled_from(kinds))
        add = None if kind == "remove" else draw(_ROWS[name] | st.just("# Nothing but a comment."))
        remove = None if kind == "add" else draw(st.sampled_from(there))
        made.append(Edit(name, remove, add))
        text = dict(apply_edits(content, made).content.files)
    return made


def outcome(make: Callable[..., PolicyRevision], *given: object) -> PolicyRevision | Problem:
    try:
        return make(*given)
    except ProblemError as error:
        return error.problem


def same_rules(one: PolicyRevision, other: PolicyRevision) -> bool:
    first, second = one.book, other.book
    return (
        one.revision == other.revision
        and first.notes == second.notes
        and first.access_rows == second.access_rows
        and first.verdict_rows == second.verdict_rows
        and first.pii_rows == second.pii_rows
        and first.assignments == second.assignments
        and sorted(first.graph.links()) == sorted(second.graph.links())
        and first.selectors.keys() == second.selectors.keys()
        and first.conditions.keys() == second.conditions.keys()
        and first.constants == second.constants
        and all(
            index.subjects == second.rules.indexes[name].subjects
            and index.workspaces == second.rules.indexes[name].workspaces
            for name, index in first.rules.indexes.items()
        )
    )


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents(), calls, st.data())
def test_any_sequence_of_changes_equals_building_from_scratch(
    content: PolicyContent, asked: list[Call], data: st.DataObject
) -> None:
    before = built(content)
    for _ in range(4):
        told = list(decisions(before, asked))
        edited = apply_edits(before.content, data.draw(edits(before.content)))
        derived = outcome(derive_revision, before, edited, WHERE)
        scratch = outcome(built, edited.content)
        assert list(decisions(before, asked)) == told, "the revision before is as it was"
        if isinstance(derived, Problem) or isinstance(scratch, Problem):
            assert derived == scratch
            continue
        assert same_rules(derived, scratch)
        assert list(decisions(derived, asked)) == list(decisions(scratch, asked))
        before = derived


def derived_at_once(before: PolicyRevision, *made: Edit) -> bool:
    edited = apply_edits(before.content, made)
    assert edited.lines is not None
    return book_after(before.book, edited.lines, REGISTRY.operations, WHERE) is not None


_FILES = {
    "access.csv": "p, user, *, a.one, call, allow\ng, lead, user, *\np, lead, *, *, call, deny\n",
    "verdict.csv": "p, 1, *, *, *, *, a > 1, autonomous, -, -, -, -\np, 2, *, *, *, *, true, "
    "blocked, -, -, -, -\n",
    "pii.csv": "p, 1, *, *, *, *, *, drop\n",
}


def shipped_models() -> PolicyContent:
    folder = Path(__file__).parents[2] / "policies"
    models = {
        spec.model_file: (folder / spec.model_file).read_text(encoding="utf-8") for spec in MODELS
    }
    return PolicyContent({**models, **_FILES})


def test_a_change_in_order_is_not_built_from_scratch() -> None:
    before = built(shipped_models())
    assert derived_at_once(before, Edit("access.csv", add="p, clerk, acme, b.new, call, deny"))
    assert derived_at_once(before, Edit("access.csv", remove="g, lead, user, *"))
    assert derived_at_once(
        before,
        Edit("access.csv", remove="p, lead, *, *, call, deny", add="p, lead, *, a.*, call, deny"),
        Edit("verdict.csv", add="p, 1, *, *, *, *, a > 2, autonomous, -, -, -, -"),
        Edit("verdict.csv", remove="p, 2, *, *, *, *, true, blocked, -, -, -, -"),
    )


def test_a_change_that_is_not_in_order_is_told_as_from_scratch() -> None:
    before = built(shipped_models())
    for row in (
        "p, user, *, a.one, call, allow ",  # said already
        "p, user, *, a.wrong, call, allow",
        "p, user, *, a.one, call",
        'p, user, *, "a.one, call, allow',
        "g, lead, user, *",
        "p, user, *, auth:nobody, call, deny",
    ):
        edited = apply_edits(before.content, [Edit("access.csv", add=row)])
        derived = outcome(derive_revision, before, edited, WHERE)
        assert isinstance(derived, Problem), row
        assert derived == outcome(built, edited.content)


def test_whole_files_are_built_from_scratch() -> None:
    before = built(shipped_models())
    edited = apply_edits(before.content, [Edit("pii.csv", text="p, 1, *, *, *, *, *, raw\n")])
    assert edited.lines is None
    derived = derive_revision(before, edited, WHERE)
    assert same_rules(derived, built(edited.content))


def test_a_rule_that_takes_the_place_of_another_keeps_its_line_and_turn() -> None:
    before = built(shipped_models())
    edited = apply_edits(
        before.content,
        [
            Edit(
                "verdict.csv",
                remove="p, 1, *, *, *, *, a > 1, autonomous, -, -, -, -",
                add="p, 2, *, *, *, *, a > 2, autonomous, -, -, -, -",
            )
        ],
    )
    assert isinstance(edited, Edited)
    derived = derive_revision(before, edited, WHERE)
    assert [row.line for row in derived.book.verdict_rows] == [1, 2]
    assert same_rules(derived, built(edited.content))
