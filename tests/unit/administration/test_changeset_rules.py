"""The rules of changesets: which command has an effect in which state, and who may give it."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from gateway.administration import (
    FLOW,
    ChangesetCommand,
    allowed,
    consent_refusal,
    require,
    require_revision,
)
from gateway.model.contract import OperationContract
from gateway.model.policy import Changeset, ChangesetStatus
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.policy import PolicyRevision, build_revision, read_content
from gateway.shipped import shipped_policies, shipped_schema
from tests.loaded import load_contracts

APPROVE = "policy.changeset.approve@1.0.0"


def person(name: str, *roles: str, kind: PrincipalType = PrincipalType.HUMAN) -> Principal:
    return Principal(kind, name, "acme", frozenset(roles))


ANA, BEN = person("ana", "policy-author"), person("ben", "policy-approver")


def changeset(status: ChangesetStatus, **more: object) -> Changeset:
    made = Changeset(
        id="chg_1",
        workspace="acme",
        status=status,
        title="A change",
        reason="It is needed.",
        base="r1",
        revision="r2",
        edits=(),
        restores=None,
        authors=("ana",),
        findings=(),
        cases={},
        impact={"head": "r1"},
        shadowing=False,
        created_at="",
        updated_at="",
        decided_by="ben",
        approver=BEN.to_json(),
    )
    return replace(made, **more)  # type: ignore[arg-type]  # whatever a test wants otherwise


@pytest.fixture(scope="module")
def revision() -> PolicyRevision:
    registry = load_contracts(
        [shipped_schema() / "control-plane", shipped_schema() / "policy-admin"]
    )
    return build_revision(read_content(shipped_policies()), registry, Path())


@pytest.fixture(scope="module")
def approving(revision: PolicyRevision) -> OperationContract:
    return revision.registry.operations[APPROVE]


def refusal(command: ChangesetCommand, one: Changeset, who: Principal, head: str = "r1") -> str:
    try:
        require(command, one, who, head)
    except ProblemError as error:
        return error.problem.code
    return ""


def test_what_ended_never_moves_again() -> None:
    for status in ChangesetStatus:
        if not status.is_open:
            assert allowed(changeset(status), ANA, "r1") == frozenset()
    for move in FLOW.values():
        assert all(status.is_open for status in move.states)


@pytest.mark.parametrize("command", ChangesetCommand)
@pytest.mark.parametrize("status", ChangesetStatus)
def test_a_command_has_an_effect_in_the_states_of_the_table_alone(
    command: ChangesetCommand, status: ChangesetStatus
) -> None:
    who = ANA if command is ChangesetCommand.WITHDRAW else BEN
    expected = "" if status in FLOW[command].states else "CONFLICT"
    assert refusal(command, changeset(status), who) == expected


def test_every_status_is_reached_and_activation_only_from_approved() -> None:
    reached = {move.to for move in FLOW.values()} | {ChangesetStatus.DRAFT, ChangesetStatus.CHECKED}
    assert reached - {None} == set(ChangesetStatus)
    assert FLOW[ChangesetCommand.ACTIVATE].states == {ChangesetStatus.APPROVED}
    assert FLOW[ChangesetCommand.APPROVE].states == {ChangesetStatus.ANALYZED}


@pytest.mark.parametrize(
    "command", [ChangesetCommand.ANALYZE, ChangesetCommand.APPROVE, ChangesetCommand.ACTIVATE]
)
def test_what_is_stale_goes_no_further(command: ChangesetCommand) -> None:
    one = changeset(next(iter(FLOW[command].states)))
    assert refusal(command, one, BEN, "r3") == "CONFLICT"


def test_what_is_stale_can_be_revised_and_ended() -> None:
    one = changeset(ChangesetStatus.APPROVED)
    assert refusal(ChangesetCommand.REVISE, one, ANA, "r3") == ""
    assert refusal(ChangesetCommand.REJECT, one, BEN, "r3") == ""
    assert refusal(ChangesetCommand.WITHDRAW, one, ANA, "r3") == ""


def test_an_analysis_against_another_revision_is_made_again() -> None:
    one = changeset(ChangesetStatus.ANALYZED, impact={"head": "r0"})
    assert refusal(ChangesetCommand.APPROVE, one, BEN) == "CONFLICT"


@pytest.mark.parametrize("kind", [k for k in PrincipalType if k is not PrincipalType.HUMAN])
def test_only_people_approve_whatever_they_hold(kind: PrincipalType) -> None:
    robot = person("robot", "policy-approver", "admin", kind=kind)
    one = changeset(ChangesetStatus.ANALYZED)
    assert refusal(ChangesetCommand.APPROVE, one, robot) == "FORBIDDEN"
    assert ChangesetCommand.APPROVE not in allowed(one, robot, "r1")


def test_whoever_had_a_hand_in_it_does_not_approve_it() -> None:
    one = changeset(ChangesetStatus.ANALYZED, authors=("ana", "ben"))
    assert refusal(ChangesetCommand.APPROVE, one, BEN) == "FORBIDDEN"
    elsewhere = structs.replace(
        BEN, workspace="platform", roles=frozenset({"admin"}), session="other"
    )
    assert refusal(ChangesetCommand.APPROVE, one, elsewhere) == "FORBIDDEN"


@pytest.mark.parametrize("name", ["ANA", "Ana", "ana"])
def test_a_subject_in_other_letters_is_no_second_person(
    name: str, revision: PolicyRevision, approving: OperationContract
) -> None:
    other = person(name, "policy-approver")
    one = changeset(ChangesetStatus.ANALYZED)
    assert refusal(ChangesetCommand.APPROVE, one, other) == "FORBIDDEN"
    assert ChangesetCommand.APPROVE not in allowed(one, other, "r1")
    given = changeset(ChangesetStatus.APPROVED, decided_by=name, approver=other.to_json())
    assert consent_refusal(given, revision, approving) is not None


def test_only_authors_withdraw() -> None:
    assert refusal(ChangesetCommand.WITHDRAW, changeset(ChangesetStatus.DRAFT), BEN) == "FORBIDDEN"


def test_a_decision_names_what_was_read() -> None:
    one = changeset(ChangesetStatus.ANALYZED)
    require_revision(one, "r2")
    with pytest.raises(ProblemError, match="CONFLICT"):
        require_revision(one, "r1")


# --- whether an approval still stands


def test_an_approval_stands_under_the_rules_that_it_was_given_under(
    revision: PolicyRevision, approving: OperationContract
) -> None:
    assert consent_refusal(changeset(ChangesetStatus.APPROVED), revision, approving) is None


@pytest.mark.parametrize(
    "more",
    [
        {"approver": None},
        {"approver": person("ben").to_json()},
        {"approver": person("ben", "policy-author").to_json()},
        {"approver": person("ben", "policy-approver", kind=PrincipalType.AGENT).to_json()},
        {"approver": person("eve", "policy-approver").to_json()},
        {"authors": ("ana", "ben")},
        {"approver": structs.replace(BEN, capabilities=frozenset({"policy.review"})).to_json()},
    ],
)
def test_an_approval_falls_with_the_right_to_give_it(
    revision: PolicyRevision, approving: OperationContract, more: dict[str, object]
) -> None:
    told = consent_refusal(changeset(ChangesetStatus.APPROVED, **more), revision, approving)
    assert told is not None
    assert told.code == "CONFLICT"
    assert "approved again" in told.detail


def test_an_approval_falls_when_the_rule_behind_it_goes(
    revision: PolicyRevision, approving: OperationContract
) -> None:
    row = "p, policy-approver, *, policy.changeset.approve, call, allow\n"
    files = dict(revision.content.files)
    assert row in files["access.csv"]
    files["access.csv"] = files["access.csv"].replace(row, "")
    without = build_revision(type(revision.content)(files), revision.registry, Path())
    assert consent_refusal(changeset(ChangesetStatus.APPROVED), without, approving) is not None
