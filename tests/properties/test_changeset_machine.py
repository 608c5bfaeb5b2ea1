"""Random people who change policy, several at a time, against a small model of what they may."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.administration import STORED
from gateway.app import Gateway, running
from gateway.environment import load_settings
from gateway.journal import rebuild_matches
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.ports import Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.policy import build_revision
from gateway.policy.contents.content import apply_edits
from gateway.policy.contents.history import content_of
from tests.properties.amounts import examples

AUTHOR, APPROVER = "policy-author", "policy-approver"


def person(name: str, *roles: str, kind: PrincipalType = PrincipalType.HUMAN) -> Principal:
    return Principal(kind, name, "acme", frozenset(roles))


PEOPLE = {
    "ana": person("ana", AUTHOR, APPROVER),
    "bob": person("bob", AUTHOR, APPROVER),
    "cy": person("cy", APPROVER),
    "dan": person("dan", AUTHOR),
    "robot": person("robot", AUTHOR, APPROVER, kind=PrincipalType.AGENT),
}
MAY_PROPOSE = {"ana", "bob", "dan", "robot"}
MAY_DECIDE = {"ana", "bob", "cy", "robot"}
USERS = [f"u{n}" for n in range(4)]


def row(user: str) -> str:
    return f"p, user:{user}, acme, controlPlane.execution.list, call, allow"


@dataclass
class Known:
    """What the model knows of a changeset: ``rows`` are the users that it would let in."""

    id: str
    base: str
    revision: str
    rows: frozenset[str]
    edits: list[JsonObject]
    restores: str | None = None
    status: str = "CHECKED"
    authors: set[str] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        return self.status in ("CHECKED", "ANALYZED", "APPROVED")


class Machine(RuleBasedStateMachine):
    """Each rule asks the gateway for something and the model whether that is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.stack = AsyncExitStack()
        self.changesets: list[Known] = []
        self.activated: list[Known] = []

    @initialize()
    def begin(self) -> None:
        found = load_settings(data_dir=Path(self.folder.name))
        self.gateway: Gateway = self.loop.run_until_complete(
            self.stack.enter_async_context(running(found))
        )
        self.seed = self.gateway.policies.current
        self.head = self.seed.revision
        self.rows: frozenset[str] = frozenset()
        self.known: dict[str, frozenset[str]] = {self.head: frozenset()}
        self.history = [self.head]

    def teardown(self) -> None:
        if hasattr(self, "gateway"):
            try:
                self.compare_with_scratch()
            finally:
                self.loop.run_until_complete(self.stack.aclose())
            path = Path(self.folder.name) / "gateway.db"
            assert rebuild_matches(path) == []
        self.loop.close()
        self.folder.cleanup()

    # --- asking

    def ask(self, who: str, key: str, value: JsonObject) -> JsonObject | str:
        """The output, or the code of the refusal."""
        contract = self.gateway.registry.operations[f"policy.{key}@1.0.0"]
        call = self.gateway.call(
            contract, value, principal=PEOPLE[who], idempotency_key=None, trace_id=None
        )
        try:
            return self.loop.run_until_complete(call)
        except ProblemError as error:
            return error.problem.code

    def agree(self, answer: JsonObject | str, refused: str | None) -> bool:
        """Hold an answer to what the model said; True if it was performed."""
        assert (answer if isinstance(answer, str) else None) == refused, answer
        return refused is None

    def edits(self, users: frozenset[str]) -> tuple[list[JsonObject], frozenset[str]]:
        """Let in those users who are not, and none of them who are."""
        edits = [
            {"file": "access.csv", "remove" if user in self.rows else "add": row(user)}
            for user in sorted(users)
        ]
        return edits, self.rows ^ users

    # --- what people do

    @rule(
        who=st.sampled_from(sorted(PEOPLE)), users=st.frozensets(st.sampled_from(USERS), min_size=1)
    )
    def draft(self, who: str, users: frozenset[str]) -> None:
        edits, rows = self.edits(users)
        told = {"title": "t", "reason": "r", "edits": edits}
        answer = self.ask(who, "changeset.draft", told)
        if self.agree(answer, None if who in MAY_PROPOSE else "FORBIDDEN"):
            assert isinstance(answer, dict)
            assert (answer["status"], answer["base"]) == ("CHECKED", self.head)
            made = Known(answer["changesetId"], self.head, answer["revision"], rows, edits)
            made.authors.add(who)
            self.changesets.append(made)

    @precondition(lambda self: self.changesets)
    @rule(
        who=st.sampled_from(sorted(PEOPLE)),
        users=st.frozensets(st.sampled_from(USERS), min_size=1),
        data=st.data(),
    )
    def revise(self, who: str, users: frozenset[str], data: st.DataObject) -> None:
        one = self.one(data)
        edits, rows = self.edits(users)
        told = {"changesetId": one.id, "title": "t", "reason": "r", "edits": edits}
        answer = self.ask(who, "changeset.revise", told)
        refused = None if one.is_open else "CONFLICT"
        if self.agree(answer, refused if who in MAY_PROPOSE else "FORBIDDEN"):
            assert isinstance(answer, dict)
            one.base, one.revision, one.rows, one.edits = self.head, answer["revision"], rows, edits
            one.status, one.restores = "CHECKED", None
            one.authors.add(who)

    @rule(who=st.sampled_from(sorted(PEOPLE)), data=st.data())
    def restore(self, who: str, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(self.history))
        told = {"revision": wanted, "reason": "r", "restoredBy": who}
        answer = self.ask(who, "revision.restore", told)
        refused = "VALIDATION_FAILED" if wanted == self.head else None
        if self.agree(answer, refused if who in MAY_PROPOSE else "FORBIDDEN"):
            assert isinstance(answer, dict)
            assert answer["revision"] == wanted
            rows = self.known[wanted]
            made = Known(answer["changesetId"], self.head, wanted, rows, [], restores=wanted)
            made.authors.add(who)
            self.changesets.append(made)

    @precondition(lambda self: self.changesets)
    @rule(data=st.data())
    def analyze(self, data: st.DataObject) -> None:
        """An analysis is recorded, as whoever makes one records it."""
        one = self.one(data)
        if one.base == self.head and one.status in ("CHECKED", "ANALYZED"):
            self.analyze_one(one)

    @precondition(lambda self: self.changesets)
    @rule(who=st.sampled_from(sorted(PEOPLE)), data=st.data(), outdated=st.booleans())
    def approve(self, who: str, data: st.DataObject, outdated: bool) -> None:
        one = self.one(data)
        revision = one.base if outdated else one.revision
        told = {"changesetId": one.id, "revision": revision, "approvedBy": who}
        answer = self.ask(who, "changeset.approve", told)
        is_second = who in MAY_DECIDE and who != "robot" and who not in one.authors
        ready = one.status == "ANALYZED" and one.base == self.head and not outdated
        refused = "FORBIDDEN" if not is_second else None if ready else "CONFLICT"
        if self.agree(answer, refused):
            one.status = "APPROVED"

    @precondition(lambda self: self.changesets)
    @rule(who=st.sampled_from(sorted(PEOPLE)), data=st.data())
    def reject(self, who: str, data: st.DataObject) -> None:
        one = self.one(data)
        told = {"changesetId": one.id, "reason": "r", "rejectedBy": who}
        answer = self.ask(who, "changeset.reject", told)
        refused = None if one.is_open else "CONFLICT"
        if self.agree(answer, refused if who in MAY_DECIDE else "FORBIDDEN"):
            one.status = "REJECTED"

    @precondition(lambda self: self.changesets)
    @rule(who=st.sampled_from(sorted(PEOPLE)), data=st.data())
    def withdraw(self, who: str, data: st.DataObject) -> None:
        one = self.one(data)
        told = {"changesetId": one.id, "reason": "r", "withdrawnBy": who}
        answer = self.ask(who, "changeset.withdraw", told)
        is_own = who in MAY_PROPOSE and who in one.authors
        refused = "FORBIDDEN" if not is_own else None if one.is_open else "CONFLICT"
        if self.agree(answer, refused):
            one.status = "WITHDRAWN"

    @precondition(lambda self: self.changesets)
    @rule(who=st.sampled_from(sorted(PEOPLE)), data=st.data())
    def activate(self, who: str, data: st.DataObject) -> None:
        self.put_in_force(who, self.one(data))

    @precondition(lambda self: any(one.status == "APPROVED" for one in self.changesets))
    @rule(data=st.data())
    def activate_what_is_approved(self, data: st.DataObject) -> None:
        approved = [one for one in self.changesets if one.status == "APPROVED"]
        self.put_in_force("cy", data.draw(st.sampled_from(approved)))

    @rule(users=st.frozensets(st.sampled_from(USERS), min_size=1))
    def change(self, users: frozenset[str]) -> None:
        """A change that nothing comes in between, from the draft to the activation."""
        self.draft("dan", users)
        self.carry(self.changesets[-1])

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        """The same for the way back."""
        before = len(self.changesets)
        self.restore("dan", data)
        if len(self.changesets) > before:
            self.carry(self.changesets[-1])

    def carry(self, one: Known) -> None:
        self.analyze_one(one)
        told = {"changesetId": one.id, "revision": one.revision, "approvedBy": "cy"}
        assert isinstance(self.ask("cy", "changeset.approve", told), dict)
        one.status = "APPROVED"
        self.put_in_force("ana", one)

    def analyze_one(self, one: Known) -> None:
        def unit(tx: Tx) -> None:
            body = {"changesetId": one.id, "revision": one.revision, "head": self.head}
            tx.append(NewEntry(EntryType.POLICY_ANALYZED, "acme", {**body, "report": {}}))

        self.loop.run_until_complete(self.gateway.journal.write(unit))
        one.status = "ANALYZED"

    def put_in_force(self, who: str, one: Known) -> None:
        told = {"changesetId": one.id, "revision": one.revision, "activatedBy": who}
        answer = self.ask(who, "changeset.activate", told)
        ready = one.status == "APPROVED" and one.base == self.head
        refused = "FORBIDDEN" if who not in MAY_DECIDE else None if ready else "CONFLICT"
        if self.agree(answer, refused):
            one.status, self.head, self.rows = "ACTIVATED", one.revision, one.rows
            self.known[one.revision] = one.rows
            self.history.append(one.revision)
            self.activated.append(one)

    def one(self, data: st.DataObject) -> Known:
        return data.draw(st.sampled_from(self.changesets[-4:]))

    # --- what always holds

    @invariant()
    def decides_as_the_model(self) -> None:
        if not hasattr(self, "gateway"):
            return
        policies = self.gateway.policies
        assert policies.revision == self.head
        contract = self.gateway.registry.operations["controlPlane.execution.list@1.0.0"]
        allowed = {
            user for user in USERS if policies.access(person(user, "user"), contract).allowed
        }
        assert allowed == self.rows

    def compare_with_scratch(self) -> None:
        """What is in force equals the seed with every activated edit applied from scratch, and it
        decides as a revision that is built from its files."""
        read = self.gateway.journal.read
        stored = self.loop.run_until_complete(read(lambda records: content_of(records, self.head)))
        content = {self.seed.revision: self.seed.content}
        for one in self.activated:
            if one.restores is None:
                edited = apply_edits(
                    content[one.base], [Edit.from_json(edit) for edit in one.edits]
                )
                content[edited.content.revision] = edited.content
        assert content[self.head].files == stored.files
        built = build_revision(stored, self.gateway.registry, STORED)
        current = self.gateway.policies.current
        for contract in list(self.gateway.registry.operations.values())[:20]:
            for who in (*PEOPLE.values(), *(person(user, "user") for user in USERS)):
                mine, other = current.access(who, contract), built.access(who, contract)
                assert (mine.allowed, mine.rule) == (other.allowed, other.rule)


def test_people_change_policy_as_the_model_says() -> None:
    few = settings(max_examples=examples(4), stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Machine, settings=few)
