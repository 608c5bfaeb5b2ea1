"""Changesets: what may be done with one, in which state, and by whom.

Nobody changes policy alone. Whoever drafts or revises a changeset is its author for good; it is
approved by a person who is none of them, under the rules in force and not under those proposed;
and what is approved is one revision, so that whatever changes it drops the approval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.contract import OperationContract
from gateway.model.policy import Changeset, ChangesetStatus
from gateway.model.principal import Principal, PrincipalType, is_among
from gateway.model.problem import Problem, ProblemError, problem
from gateway.policy import PolicyRevision


class ChangesetCommand(StrEnum):
    """What can be done with a changeset; the value ends the key of its contract."""

    REVISE = "revise"
    ANALYZE = "analyze"
    SHADOW = "shadow"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    ACTIVATE = "activate"

    @property
    def contract(self) -> str:
        """The key of the operation contract."""
        return f"policy.changeset.{self.value}"


@dataclass(frozen=True, slots=True)
class Move:
    """In which states a command has an effect, and the state that it leads to.

    ``to`` is None where the state stays, or where the checks say what it is. ``on_head`` asks
    that the changeset be based on the revision in force.
    """

    states: frozenset[ChangesetStatus]
    to: ChangesetStatus | None = None
    on_head: bool = False


_DRAFT, _CHECKED = ChangesetStatus.DRAFT, ChangesetStatus.CHECKED
_ANALYZED, _APPROVED = ChangesetStatus.ANALYZED, ChangesetStatus.APPROVED
_OPEN = frozenset({_DRAFT, _CHECKED, _ANALYZED, _APPROVED})

FLOW: Mapping[ChangesetCommand, Move] = {
    ChangesetCommand.REVISE: Move(_OPEN),
    ChangesetCommand.ANALYZE: Move(frozenset({_CHECKED, _ANALYZED}), _ANALYZED, on_head=True),
    ChangesetCommand.SHADOW: Move(frozenset({_CHECKED, _ANALYZED, _APPROVED})),
    ChangesetCommand.APPROVE: Move(frozenset({_ANALYZED}), _APPROVED, on_head=True),
    ChangesetCommand.REJECT: Move(_OPEN, ChangesetStatus.REJECTED),
    ChangesetCommand.WITHDRAW: Move(_OPEN, ChangesetStatus.WITHDRAWN),
    ChangesetCommand.ACTIVATE: Move(
        frozenset({_APPROVED}), ChangesetStatus.ACTIVATED, on_head=True
    ),
}
"""The whole life of a changeset: a command has an effect in these states and no others."""


def state_refusal(
    command: ChangesetCommand, changeset: Changeset, head: str | None
) -> Problem | None:
    """Why the state of a changeset does not allow a command; None if it does.

    ``head`` is the revision in force.
    """
    move = FLOW[command]
    standing = changeset.status.value.upper()
    if changeset.status not in move.states:
        wanted = ", ".join(sorted(state.value.upper() for state in move.states))
        told = f"Changeset {changeset.id} is {standing}; {command.value} needs one of {wanted}."
        return problem("CONFLICT", told, extra={"currentStatus": standing})
    analyzed = (changeset.impact or {}).get("head", head)
    if move.on_head and changeset.base != head:
        told = (
            f"Changeset {changeset.id} changes {changeset.base}, but {head} is in force by now. "
            "Revise it on the present revision; it is then checked and approved anew."
        )
        return problem("CONFLICT", told, extra={"currentStatus": standing, "policyVersion": head})
    if command is ChangesetCommand.APPROVE and analyzed != head:
        told = f"Changeset {changeset.id} was analyzed against {analyzed}. Analyze it again."
        return problem("CONFLICT", told, extra={"currentStatus": standing, "policyVersion": head})
    return None


def person_refusal(
    command: ChangesetCommand, changeset: Changeset, principal: Principal
) -> Problem | None:
    """Why this principal, who may call the contract, may not do it to this changeset."""
    is_author = principal.subject in changeset.authors
    if command is ChangesetCommand.APPROVE:
        if principal.type is not PrincipalType.HUMAN:
            told = f"Policy changes are approved by people; you are of type {principal.type.value}."
            return problem("FORBIDDEN", told)
        if _may_be_author(principal, changeset):
            told = (
                "You drafted or revised this changeset, so somebody else has to approve it: "
                "nobody changes policy alone."
            )
            return problem("FORBIDDEN", told)
    if command is ChangesetCommand.WITHDRAW and not is_author:
        told = "Only its authors withdraw a changeset. Reject it with policyChangesetReject."
        return problem("FORBIDDEN", told)
    return None


def consent_refusal(
    changeset: Changeset, policies: PolicyRevision, approving: OperationContract
) -> Problem | None:
    """Why the approval of a changeset does not hold any more under ``policies``; None if it does.

    ``approving`` is the contract that it was given by. What counts is who approved, with the
    roles of the token that they came with, under the rules in force at this moment.
    """
    if changeset.approver is None:
        return _void("nobody is recorded to have given it")
    approver = Principal.from_json(changeset.approver)
    if _may_be_author(approver, changeset) or approver.subject != changeset.decided_by:
        return _void("it was not given by a second person")
    if approver.type is not PrincipalType.HUMAN:
        return _void("it was not given by a human")
    if not policies.allows(approver, approving):
        return _void(f"{approver.subject} may not approve policy changes any more")
    return None


def _may_be_author(principal: Principal, changeset: Changeset) -> bool:
    return is_among(principal.subject, changeset.authors)


def _void(why: str) -> Problem:
    told = f"The approval does not stand: {why}. Revise the changeset and have it approved again."
    return problem("CONFLICT", told)


def require(
    command: ChangesetCommand, changeset: Changeset, principal: Principal, head: str | None
) -> None:
    """Refuse a command that this principal cannot give to this changeset now.

    Raises:
        ProblemError: FORBIDDEN or CONFLICT.
    """
    told = person_refusal(command, changeset, principal) or state_refusal(command, changeset, head)
    if told is not None:
        raise ProblemError(told)


def require_revision(changeset: Changeset, revision: str) -> None:
    """Refuse a decision about another content than the one that was read.

    Raises:
        ProblemError: CONFLICT.
    """
    if changeset.revision != revision:
        told = (
            f"Changeset {changeset.id} results in {changeset.revision} by now, not in "
            f"{revision[:100]}. Read it again and decide about that."
        )
        raise ProblemError(problem("CONFLICT", told))


def allowed(
    changeset: Changeset, principal: Principal, head: str | None
) -> frozenset[ChangesetCommand]:
    """What this principal could do with a changeset now, as far as the contracts let them."""
    return frozenset(
        command
        for command in ChangesetCommand
        if person_refusal(command, changeset, principal) is None
        and state_refusal(command, changeset, head) is None
    )
