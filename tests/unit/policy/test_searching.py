"""Searches in the terms of AuthZEN ask about many candidates a page at a time."""

import time
from dataclasses import dataclass, field

import pytest

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.policy import Asker, PolicyRevision, SearchKind, search
from gateway.policy.questions.asking import AnswerCode
from gateway.policy.questions.searching import MAX_ASKED
from tests.unit.policy.conftest import LoadWith, MakeContract

READERS = [f"u{number:05}" for number in range(0, 6_000, 40)]
QUESTION: JsonObject = {
    "subject": {"type": "user"},
    "action": {"name": "ship"},
    "resource": {"type": "shop.order", "id": "o-1"},
}


@pytest.fixture
def revision(contract: MakeContract, load_with: LoadWith) -> PolicyRevision:
    """6,000 people, every fortieth of whom may ship."""
    rows = [f"g, user:u{number:05}, idler, *" for number in range(6_000)]
    rows += [f"g, user:{name}, shipper, acme" for name in READERS]
    rows += ["g, user:far, shipper, other", "p, shipper, *, shop.order.ship, call, allow", ""]
    order = contract(given={"orderId": "ID!"})
    return load_with(order, access_csv="\n".join(rows)).current


def all_pages(revision: PolicyRevision, limit: int) -> list[tuple[str, ...]]:
    asker, after, pages = Asker(revision, "acme"), None, []
    while True:
        found = search(asker, SearchKind.SUBJECT, QUESTION, after, limit)
        pages.append(found.names)
        if found.after is None:
            return pages
        assert after is None or found.after > after
        after = found.after


@pytest.mark.parametrize("limit", [1, 7, 100, 149, 150, 151, 1_000])
def test_pages_add_up_whatever_their_size(revision: PolicyRevision, limit: int) -> None:
    pages = all_pages(revision, limit)
    assert [name for page in pages for name in page] == READERS
    assert max(map(len, pages)) <= limit


def test_a_page_asks_about_a_bounded_number_of_candidates(
    revision: PolicyRevision, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[JsonObject] = []
    answer = Asker.answer

    def counted(self: Asker, question: JsonObject) -> object:
        asked.append(question)
        return answer(self, question)

    monkeypatch.setattr(Asker, "answer", counted)
    found = search(Asker(revision, "acme"), SearchKind.SUBJECT, QUESTION, None, 1_000)
    assert len(asked) == MAX_ASKED
    assert found.after == f"u{MAX_ASKED - 1:05}"


def test_a_search_names_nobody_of_another_workspace(revision: PolicyRevision) -> None:
    found = search(Asker(revision, "other"), SearchKind.SUBJECT, QUESTION, "u99999", 10)
    assert found.names == ()
    assert search(Asker(revision, "other"), SearchKind.SUBJECT, QUESTION, None, 10).names == (
        "far",
    )


@dataclass
class Watching:
    """A witness that remembers whose access was decided."""

    seen: list[str] = field(default_factory=list)

    def saw_access(
        self, principal: Principal, contract: OperationContract, decided: AccessDecision
    ) -> None:
        self.seen.append(principal.subject)

    def saw_verdict(self, *_: object) -> None:
        raise AssertionError("the contract has no handler")


def test_no_name_of_a_type_or_an_action_takes_long(revision: PolicyRevision) -> None:
    """From each joint of a long run on, all that follow could be gone through once more."""
    began = time.process_time()
    joints = "_-" * 30_000
    question = {**QUESTION, "resource": {"type": joints, "id": "o-1"}, "action": {"name": joints}}
    question["subject"] = {"type": "user", "id": READERS[0]}
    assert Asker(revision, "acme").answer(question).code is AnswerCode.UNKNOWN
    assert time.process_time() - began < 2


@pytest.mark.parametrize("names", ["roles", "capabilities"])
def test_a_subject_has_no_more_names_than_a_token(revision: PolicyRevision, names: str) -> None:
    """A revision keeps what it was asked about, by the thousand."""
    asker = Asker(revision, "acme")

    def answered(many: int) -> AnswerCode | None:
        properties = {names: [f"{number:05}" for number in range(many)]}
        subject = {"type": "user", "id": READERS[0], "properties": properties}
        return asker.answer({**QUESTION, "subject": subject}).code

    assert answered(8_192 // 8) is not AnswerCode.INVALID
    assert answered(8_192 // 8 + 1) is AnswerCode.INVALID


def test_who_watches_decisions_is_told_of_evaluations(revision: PolicyRevision) -> None:
    watching = Watching()
    asker = Asker(revision, "acme", watching)
    question = {**QUESTION, "subject": {"type": "user", "id": READERS[0]}}
    assert asker.answer(question).permits
    assert not asker.answer({**question, "action": {"name": "sink"}}).permits
    assert watching.seen == [READERS[0]]
