"""Lockout: a change after which a workspace could not change policy any more.

Roles come with tokens too, so that nobody can say who is there. It is asked whether any rule lets
anybody in at all, and one person besides whoever proposes: each subject that a rule names is tried.
"""

from collections.abc import Iterable, Iterator

from gateway.model.contract import OperationContract
from gateway.model.principal import Principal, PrincipalType, folded
from gateway.policy import PolicyRevision
from gateway.policy.advice import Advice, Severity
from gateway.policy.engine.roles import TYPE_PREFIX, USER_PREFIX
from gateway.policy.rules.models import ACCESS

LOCKOUT = "POLICY_LOCKOUT"

_DRAFT, _APPROVE, _ACTIVATE = (
    f"policy.changeset.{name}@1.0.0" for name in ("draft", "approve", "activate")
)
_AT = f"{ACCESS.rule_file}:1:1"


def locked_out(revision: PolicyRevision, workspace: str) -> Iterator[Advice]:
    """What people of the workspace could not do any more under ``revision``; nothing is told of
    contracts that are not loaded."""
    could: dict[str, set[str]] = {}
    for ref in (_DRAFT, _APPROVE, _ACTIVATE):
        contract = revision.registry.operations.get(ref)
        if contract is None:
            continue
        could[ref] = set(_those_who_may(revision, contract, workspace))
        if not could[ref]:
            yield _told(f"nobody in {workspace!r} may call {contract.key} any more")
    authors, approvers = (_as_people(could.get(ref, set())) for ref in (_DRAFT, _APPROVE))
    if len(authors) == 1 and authors == approvers and authors.pop().startswith(USER_PREFIX):
        yield _told(f"only one person in {workspace!r} may draft changes, and none else approve")


def _as_people(subjects: Iterable[str]) -> set[str]:
    """Subjects of rules, where two spellings of a user are one (``is_among``)."""
    return {folded(name) if name.startswith(USER_PREFIX) else name for name in subjects}


def _those_who_may(
    revision: PolicyRevision, contract: OperationContract, workspace: str
) -> Iterator[str]:
    """The subjects of rules, as these name them, who may call a contract in a workspace."""
    index = revision.book.rules.indexes[ACCESS.name]
    names = {name for found in index.concerning(contract, workspace) for name in found}
    for name in sorted(names):
        tried = _principal(name, workspace)
        if tried.type is not PrincipalType.HUMAN and contract.ref == _APPROVE:
            continue
        if revision.allows(tried, contract):
            yield name


def _principal(name: str, workspace: str) -> Principal:
    """Somebody of whom a rule with this subject speaks; a person, where it may be one."""
    kind, subject, roles = PrincipalType.HUMAN, "somebody", frozenset[str]()
    if name.startswith(TYPE_PREFIX):
        kind = PrincipalType(name.removeprefix(TYPE_PREFIX))
    elif name.startswith(USER_PREFIX):
        subject = name.removeprefix(USER_PREFIX)
    elif name != "*":
        roles = frozenset({name})
    return Principal(kind, subject, workspace, roles)


def _told(what: str) -> Advice:
    told = (
        f"{what}, so that the next change could not be made here. Leave one way in; who means it "
        "has it done by an administrator of all policies (GATEWAY_POLICY_WORKSPACES)"
    )
    return Advice(Severity.ERROR, LOCKOUT, _AT, told)
