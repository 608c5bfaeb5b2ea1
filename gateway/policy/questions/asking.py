"""Questions in the terms of AuthZEN: may this subject do this action to this resource?

A question is an object with ``subject`` {type, id, properties}, ``action`` {name, properties},
``resource`` {type, id, properties} and ``context``, as the Authorization API 1.0 of the OpenID
AuthZEN working group has it. How it maps to principals and contracts is told in docs/authzen.md.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.contracts import Registry
from gateway.identity import MAX_TOKEN_CHARS
from gateway.identity.claims import fault_of_subject
from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict, VerdictDecision
from gateway.model.json import JsonObject, JsonValue
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.policy.policies import Witness
from gateway.policy.requesting import lacks_role
from gateway.policy.revision import PolicyRevision

OPERATION = "operation"
"""The type of the resources that are contracts themselves."""

MAKE_CALL = "call"
RUN = "run"
"""What can be done to a contract: make the call, which the gateway then governs, or have it run
here and now, with nobody asked."""

KINDS = {
    "user": PrincipalType.HUMAN,
    "human": PrincipalType.HUMAN,
    "agent": PrincipalType.AGENT,
    "service": PrincipalType.SERVICE,
    "tool": PrincipalType.TOOL,
}
"""The types of subjects, and the kind of principal that each is."""

# A run of joints is looked at once, from its beginning: callers may send long ones.
_NEXT_WORD = re.compile(r"(?<![_-])[_-]++([A-Za-z0-9])")


class AnswerCode(StrEnum):
    """Why a question was not answered with yes."""

    DENIED = "DENIED"
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    BLOCKED = "BLOCKED"
    UNKNOWN = "UNKNOWN"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, or no with its code and a sentence for the caller, which names no rule and no role but
    the approver's. ``verdict`` is there where one was decided."""

    code: AnswerCode | None = None
    message: str = ""
    verdict: VerdictDecision | None = None

    @property
    def permits(self) -> bool:
        """True for yes."""
        return self.code is None


class Semantic(StrEnum):
    """Whether several questions are all answered, or only up to the first no or the first yes."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"

    def ends_with(self, answer: Answer) -> bool:
        """True if nothing is answered after this."""
        if self is Semantic.EXECUTE_ALL:
            return False
        return answer.permits is (self is Semantic.PERMIT_ON_FIRST_PERMIT)


@dataclass(frozen=True, slots=True)
class Target:
    """What a question is about: a contract, and whether it would run or is only called.

    ``id_field`` is the input that the resource's id stands for, empty where there is none.
    """

    contract: OperationContract
    runs: bool
    id_field: str = ""


class Asker:
    """Answers questions about one workspace, under one revision.

    ``witness`` is told of the decisions, as of those of calls. ``requester_role`` is what whoever
    has an action run must hold besides; empty asks for nothing. Nothing here raises for what a
    question says: what is unknown or does not fit is answered with no.
    """

    def __init__(
        self,
        revision: PolicyRevision,
        workspace: str,
        witness: Witness | None = None,
        requester_role: str = "",
    ) -> None:
        self.revision = revision
        self.workspace = workspace
        self.offered: Registry = revision.registry.of(workspace)
        self._witness = witness
        self._requester_role = requester_role

    def answer_all(self, questions: Iterable[JsonObject], semantic: Semantic) -> list[Answer]:
        """The answers in the order of the questions, as far as ``semantic`` goes."""
        answers: list[Answer] = []
        for question in questions:
            answers.append(self.answer(question))
            if semantic.ends_with(answers[-1]):
                break
        return answers

    def answer(self, question: JsonObject) -> Answer:
        """The answer to one question."""
        missing = [name for name in ("subject", "action", "resource") if not question.get(name)]
        if missing:
            return Answer(AnswerCode.INVALID, f"The evaluation has no {' and no '.join(missing)}.")
        try:
            principal = self.principal(question["subject"])
        except _UnreadableError as error:
            return Answer(AnswerCode.INVALID, str(error))
        target = self.target(question["resource"], question["action"])
        if principal is None:
            return Answer(AnswerCode.UNKNOWN, "There is no such subject here.")
        if target is None:
            return Answer(AnswerCode.UNKNOWN, "There is no such resource or action here.")
        return self._decide(principal, target, question)

    def principal(self, subject: JsonObject) -> Principal | None:
        """Who is asked about; None for an unknown type, and for another workspace.

        Raises:
            _UnreadableError: an id that no token can have, more names than a token holds, or
                properties that policy looks at and that are not what they should be.
        """
        fault = fault_of_subject(subject["id"])
        if fault is not None:
            raise _UnreadableError(f"The subject's id {fault}.")
        properties = subject.get("properties") or {}
        roles = _texts(properties, "roles")
        role = _text(properties, "role")
        capabilities = _texts(properties, "capabilities")
        workspace = _text(properties, "workspace")
        kind = KINDS.get(subject["type"])
        if kind is None or workspace not in (None, self.workspace):
            return None
        held = frozenset(roles or ()) | ({role} if role is not None else frozenset())
        _require_room((*held, *(capabilities or ())))
        return Principal(kind, subject["id"], self.workspace, held, capabilities)

    def target(self, resource: JsonObject, action: JsonObject) -> Target | None:
        """The contract that resource and action mean, if there is one."""
        kind, name = resource["type"], action["name"]
        if kind == OPERATION:
            contract = self.offered.resolve(resource["id"])
            known = contract is not None and name in (MAKE_CALL, RUN)
            return Target(contract, name == RUN) if contract and known else None
        contract = self.offered.resolve(f"{key_part(kind)}.{key_part(name)}")
        return Target(contract, True, id_field(contract, kind)) if contract else None

    def _decide(self, principal: Principal, target: Target, question: JsonObject) -> Answer:
        contract = target.contract
        if not self._may_call(principal, contract) or lacks_role(
            self.revision, principal, contract, self._requester_role
        ):
            return Answer(AnswerCode.DENIED, "Policy does not let the subject do this.")
        if not target.runs or contract.handler is None:
            return Answer()
        try:
            arguments = self._arguments(target, question)
        except ProblemError as error:
            told = f"The arguments do not fit {contract.ref}: {error.problem.detail}"
            return Answer(AnswerCode.INVALID, told)
        verdict = self.revision.verdict(principal, contract, arguments)
        if self._witness is not None:
            self._witness.saw_verdict(principal, contract, arguments, frozenset(), verdict)
        return _of_verdict(verdict)

    def _may_call(self, principal: Principal, contract: OperationContract) -> bool:
        if self._witness is None:  # nobody hears why
            return self.revision.allows(principal, contract)
        access = self.revision.access(principal, contract)
        self._witness.saw_access(principal, contract, access)
        return access.allowed

    def _arguments(self, target: Target, question: JsonObject) -> JsonObject:
        """The input of the call that is asked about; properties that are no input are left out."""
        resource, action = question["resource"], question["action"]
        given = {**(resource.get("properties") or {}), **(action.get("properties") or {})}
        if target.id_field:
            given[target.id_field] = resource["id"]
        known = target.contract.input
        input_ = {name: given[name] for name in known if given.get(name) is not None}
        return self.offered.input_of(target.contract).check(input_)


def _of_verdict(verdict: VerdictDecision) -> Answer:
    if verdict.verdict is Verdict.AUTONOMOUS:
        return Answer(verdict=verdict)
    if verdict.verdict is Verdict.BLOCKED:
        return Answer(AnswerCode.BLOCKED, "Policy never lets the subject run this.", verdict)
    told = f"Somebody with the role {verdict.approver_role} has to approve this first."
    return Answer(AnswerCode.APPROVAL_REQUIRED, told, verdict)


def key_part(name: str) -> str:
    """A type or an action as keys of contracts spell it: ``can_read`` becomes ``canRead``; a
    version at its end stays as it is."""
    words, at, version = name.partition("@")
    return _NEXT_WORD.sub(lambda found: found[1].upper(), words) + at + version


def id_field(contract: OperationContract, kind: str) -> str:
    """The input that holds the id of a resource: ``id``, or for a ``support.order`` ``orderId``."""
    own = f"{key_part(kind).rpartition('.')[2]}Id"
    return next((name for name in ("id", own) if name in contract.input), "")


class _UnreadableError(Exception):
    """A member of a subject that policy looks at is not what it should be."""


def _text(properties: JsonObject, name: str) -> str | None:
    value: JsonValue = properties.get(name)
    if value is not None and not isinstance(value, str):
        raise _UnreadableError(f"The subject's property {name} is no text.")
    return value


def _texts(properties: JsonObject, name: str) -> frozenset[str] | None:
    value: JsonValue = properties.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _UnreadableError(f"The subject's property {name} is no list of texts.")
    return frozenset(value)


def _require_room(names: Collection[str]) -> None:
    """Refuse more names than a token holds: a revision keeps thousands of those whom it was asked
    about."""
    written = sum(len(name) + len('"",') for name in names)
    if written > MAX_TOKEN_CHARS:
        raise _UnreadableError(
            f"The subject's roles and capabilities have more than the {MAX_TOKEN_CHARS} characters "
            "of a token."
        )
