"""Any sequence of changes of policy equals applying the rules from scratch."""

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.journal import SqliteJournal, read_record, rebuild_matches, rebuild_record
from gateway.model.contract import AuthLevel, ContractPolicy, Kind, Meta, OperationContract, Risk
from gateway.model.entry import EntryType, NewEntry
from gateway.model.policy import Edit, RecordedRevision
from gateway.model.ports import Page, Records, Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.types import parse_type
from gateway.policy import build_revision
from gateway.policy.contents.content import PolicyContent, apply_edits
from gateway.policy.contents.diff import diff, edits_between
from gateway.policy.contents.folder import write_content
from gateway.policy.contents.history import content_of
from gateway.policy.loader import read_content
from tests.contract.journal_story import SteppingClock
from tests.contract.policy_story import activated, drafted, told

SHIPPED = Path(__file__).parents[2] / "policies"
HERE = Path()

# --- worlds of few rows, so that the same ones come and go

ROLES = ("clerk", "lead", "user")
OBJECTS = ("a.one", "a.two", "a.*", "*")
access_rows = st.builds(
    "p, {}, {}, {}, call, {}".format,
    st.sampled_from(ROLES),
    st.sampled_from(("*", "acme")),
    st.sampled_from(OBJECTS),
    st.sampled_from(("allow", "deny")),
)
links = st.builds(
    "g, {}, {}, {}".format,
    st.sampled_from(("user:ann", "user:ben", "lead")),
    st.sampled_from(("clerk", "user")),
    st.sampled_from(("*", "acme")),
)
verdict_rows = st.builds(
    "p, {}, *, *, {}, *, {}, {}, -, -, -, -".format,
    st.sampled_from(("1", "2")),
    st.sampled_from(OBJECTS),
    st.sampled_from(("true", "amount > 5")),
    st.sampled_from(("autonomous", "blocked")),
)
ROWS = {"access.csv": access_rows | links, "verdict.csv": verdict_rows}
BASE = {
    "access.csv": "p, admin, *, *, call, allow",
    "verdict.csv": "p, 9, *, *, *, *, true, autonomous, -, -, -, -",
    "pii.csv": "p, 9, *, *, *, *, *, drop",
}
"""A row of each file that stays, because a file without rows is refused."""

STAYING = frozenset(BASE.values())
MODELS = {path.name: path.read_text() for path in SHIPPED.glob("*.conf")}


def contract(key: str, risk: Risk) -> OperationContract:
    meta = Meta(key, "1.0.0", "A title", "A text", "a")
    given = {"amount": parse_type("Float!")}
    policy = ContractPolicy(AuthLevel.USER)
    return OperationContract(meta, Kind.COMMAND, given, {}, policy, "0" * 64, risk=risk)


REGISTRY = Registry((contract("a.one", Risk.LOW), contract("a.two", Risk.HIGH)))
PEOPLE = [
    Principal(PrincipalType.HUMAN, name, "acme", frozenset(roles))
    for name in ("ann", "ben")
    for roles in ((), ("lead",), ("user",))
]


@st.composite
def contents(draw: st.DrawFn) -> PolicyContent:
    """A whole policy, with comments and empty lines between its rows."""
    files = {**MODELS, **BASE}
    for name, rows in ROWS.items():
        lines = [
            line
            for row in draw(st.lists(rows, max_size=6, unique=True))
            for line in (*draw(st.sampled_from(((), ("",), ("# why", "")))), row)
        ]
        files[name] = "\n".join([BASE[name], *lines]) + draw(st.sampled_from(("", "\n")))
    names = st.sampled_from(("cases/a.yaml", "cases/b.yaml", "separation.yaml"))
    for name in sorted(draw(st.sets(names))):
        files[name] = draw(st.sampled_from(("x: 1\n", "y: 2")))
    return PolicyContent(files)


# --- sequences of changesets


class Store:
    """What the record keeps of revisions, as the activations fill it."""

    def __init__(self, first: PolicyContent) -> None:
        self.order: list[str] = []
        self.held: dict[str, RecordedRevision] = {}
        self.activate(None, first, edits_between(PolicyContent({}), first))

    def activate(self, parent: str | None, content: PolicyContent, edits: tuple[Edit, ...]) -> None:
        revision = content.revision
        self.order.append(revision)
        self.held.setdefault(revision, RecordedRevision(revision, parent, edits, ""))

    def policy_revision(self, revision: str) -> RecordedRevision | None:
        return self.held.get(revision)


@st.composite
def edits_of(draw: st.DrawFn, content: PolicyContent) -> tuple[Edit, ...]:
    """Edits that can be made to a content: rows that come, go and give way, and whole files."""
    made: list[Edit] = []
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(tuple(ROWS)))
        now = apply_edits(content, made).content.files[name]
        lines = [line.strip() for line in now.split("\n")]
        once = sorted({line for line in lines if line and lines.count(line) == 1} - STAYING)
        how = draw(st.sampled_from(("add", "remove", "replace", "whole")))
        row = draw(ROWS[name])
        if how == "whole":
            made.append(Edit(name, text=draw(contents()).files[name]))
        elif row in lines:  # twice the same is refused
            made.append(Edit(name, remove=row))
        elif how == "add" or not once:
            made.append(Edit(name, add=row))
        else:
            gone = draw(st.sampled_from(once))
            made.append(Edit(name, remove=gone, add=row if how == "replace" else None))
    return tuple(made)


def outcome(content: PolicyContent) -> list[object]:
    """What a content decides, with the rules that it names; or why it is refused."""
    try:
        revision = build_revision(content, REGISTRY, HERE)
    except ProblemError as error:
        return [*error.problem.issues]
    told: list[object] = []
    for who in PEOPLE:
        for operation in REGISTRY.operations.values():
            access = revision.access(who, operation)
            verdict = revision.verdict(who, operation, {"amount": 7})
            told.append((access.allowed, access.rule, verdict.verdict, verdict.rules))
    return told


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_sequence_of_changesets_equals_applying_the_rules_from_scratch(
    data: st.DataObject,
) -> None:
    first = data.draw(contents())
    store = Store(first)
    expected = [dict(first.files)]
    current = first
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            made = data.draw(edits_of(current))
            after = apply_edits(current, made).content
            store.activate(current.revision, after, made)
        else:  # roll back to whatever was in force
            number = data.draw(st.integers(0, len(store.order) - 1))
            after = content_of(store, store.order[number])  # type: ignore[arg-type]  # the one method that it needs
            assert dict(after.files) == expected[number]
            store.activate(current.revision, after, ())
        expected.append(dict(after.files))
        current = after

    for revision, files in zip(store.order, expected, strict=True):
        read = content_of(store, revision)  # type: ignore[arg-type]  # see above
        assert dict(read.files) == files
        assert read.revision == PolicyContent(files).revision == revision
    assert outcome(current) == outcome(PolicyContent(expected[-1]))


@settings(max_examples=150, deadline=None)
@given(contents(), contents())
def test_the_edits_between_two_contents_make_the_one_the_other(
    before: PolicyContent, after: PolicyContent
) -> None:
    edits = edits_between(before, after)
    assert apply_edits(before, edits).content == after
    assert bool(edits) == bool(diff(before, after)) == (before.revision != after.revision)


@settings(max_examples=150, deadline=None)
@given(contents(), contents())
def test_a_diff_names_exactly_the_rows_that_came_and_went(
    before: PolicyContent, after: PolicyContent
) -> None:
    for name in ROWS:
        rows, lines = before.files[name].split("\n"), after.files[name].split("\n")
        left = [row.strip() for row in rows if row.strip() and not row.startswith("#")]
        for file in diff(before, after):
            for row in file.rows if file.file == name else ():
                if row.line is not None:
                    assert rows[row.line - 1].strip() == row.before
                    left.remove(row.before)
                if row.new_line is not None:
                    assert lines[row.new_line - 1].strip() == row.after
                    left.append(row.after)
        come = [row.strip() for row in lines if row.strip() and not row.startswith("#")]
        assert sorted(left) == sorted(come)


@settings(max_examples=40, deadline=None)
@given(contents())
def test_what_is_exported_is_read_back_as_the_same_revision(content: PolicyContent) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_content(content, Path(folder))
        assert read_content(Path(folder)) == content


# --- the record


async def recorded(path: Path, first: PolicyContent, later: list[tuple[str, list[Edit]]]) -> None:
    """A record in which changesets are drafted, and activated, withdrawn or left open."""
    journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
    try:
        current = first
        edits = edits_between(PolicyContent({}), first)
        await journal.write(partial(tell, [activation(None, first, edits)]))
        for number, (how, made) in enumerate(later):
            after = apply_edits(current, made).content
            name = f"cs_{number}"
            entries = [drafted(name, base=current.revision, revision=after.revision)]
            if how == "withdrawn":
                entries += [told(EntryType.POLICY_WITHDRAWN, "ann", name, reason="no")]
            if how == "activated":
                entries += [activation(current, after, made, changesetId=name)]
                current = after
            await journal.write(partial(tell, entries))
    finally:
        await journal.close()


def tell(entries: list[NewEntry], tx: Tx) -> None:
    for entry in entries:
        tx.append(entry)


def activation(
    before: PolicyContent | None, after: PolicyContent, edits: Sequence[Edit], **more: str
) -> NewEntry:
    parent = before.revision if before else None
    said = [edit.to_json() for edit in edits]
    return activated(after.revision, parent=parent, edits=said, **more)


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_rebuild_gives_the_same_tables_and_the_same_contents(data: st.DataObject) -> None:
    first = data.draw(contents())
    later: list[tuple[str, list[Edit]]] = []
    expected = [first]
    for _ in range(data.draw(st.integers(1, 4))):
        how = data.draw(st.sampled_from(("activated", "withdrawn", "open")))
        later.append((how, list(data.draw(edits_of(expected[-1])))))
        if how == "activated":
            expected.append(apply_edits(expected[-1], later[-1][1]).content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        asyncio.run(recorded(path, first, later))
        assert rebuild_matches(path) == []
        rebuild_record(path, SteppingClock())
        for content in expected:
            assert read_record(path, partial(_content, content.revision)) == content
        activations, _ = read_record(path, lambda records: records.policy_activations(Page(99)))
        assert [one.revision for one in reversed(activations)] == [
            content.revision for content in expected
        ]


def _content(revision: str, records: Records) -> PolicyContent:
    return content_of(records, revision)
