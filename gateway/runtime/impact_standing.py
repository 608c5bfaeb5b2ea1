"""What a draft would do to consent that was asked for or given: requests that wait, and grants."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.model.approval import ApprovalFilter
from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict
from gateway.model.decision_history import DecisionHistory
from gateway.model.execution import UNDER_WAY, Approval, ApprovalStatus, Execution
from gateway.model.grant import Grant, GrantFilter
from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError
from gateway.model.ports import Page, Records, Sealer
from gateway.model.sealing import unseal_all
from gateway.policy import PolicyRevision
from gateway.policy.engine.roles import ANYWHERE, TYPE_PREFIX, USER_PREFIX
from gateway.policy.engine.verdicts import DEFAULT_APPROVER, DEFAULT_QUORUM
from gateway.policy.reading.all_rows import holds_in, speaks_of
from gateway.policy.rules.models import ACCESS, ALWAYS, NONE, VERDICT
from gateway.policy.rules.rows import Row
from gateway.runtime.consent import lost_consent
from gateway.runtime.dispatch import in_mode
from gateway.runtime.gate import decision_changes
from gateway.runtime.impact_reasons import Reason, UndecidableError
from gateway.runtime.impact_redecide import Redecider
from gateway.runtime.impact_tally import Shifts
from gateway.runtime.requester import requester_access

_PAGE = 500
_WAITING = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)

VOID, BLOCKED, AUTONOMOUS = "void", "blocked", "autonomous"
"""What becomes of a request: asked anew on other terms, its step blocked, or nobody asked."""

ENDS = "ends"


class Standing:
    """Looks at requests and grants as they stand, one workspace after the other."""

    def __init__(self, history: DecisionHistory, redecider: Redecider, sealer: Sealer) -> None:
        self._history = history
        self._redecider = redecider
        self._sealer = sealer

    def approvals(self, workspaces: Iterable[str]) -> JsonObject:
        """The requests that wait for a decision or for their use, and what becomes of them."""
        shifts, waiting, unsure, erased = Shifts(), 0, 0, 0
        for workspace in workspaces:
            for execution, approval in self._waiting(workspace):
                waiting += 1
                try:
                    becomes, changes = self._becomes(execution, approval)
                except UndecidableError as why:
                    unsure += 1
                    erased += why.reason is Reason.ERASED
                    continue
                except (KeyError, TypeError, ValueError, AttributeError):
                    unsure += 1
                    continue
                if becomes:
                    shifts.add(becomes, {**_named(approval), "changes": changes})
        changed = shifts.counts.total()
        counts = {"waiting": waiting, "undecidable": unsure, "erased": erased, "changing": changed}
        return {**counts, **shifts.to_json()}

    def grants(self, workspaces: Iterable[str], now: str) -> JsonObject:
        """The active standing grants, and which of them stand for nothing any more."""
        shifts, active = Shifts(), 0
        for workspace in workspaces:
            for grant in self._active(workspace, now):
                active += 1
                contract = self._redecider.known_contract(grant.contract, grant.contract_digest)
                stands = contract is not None and self._stands(
                    self._redecider.in_force.current, grant, contract
                )
                if stands and contract is not None:
                    if self._stands(self._redecider.draft.current, grant, contract):
                        continue
                    told = {"grantId": grant.id, "contract": grant.contract}
                    shifts.add(ENDS, {**told, "workspace": grant.workspace})
        return {"active": active, "ending": shifts.counts.total(), **shifts.to_json()}

    def _waiting(self, workspace: str) -> Iterable[tuple[Execution, Approval]]:
        seen: set[str] = set()  # one may be approved between the two lists
        for status in _WAITING:
            which = ApprovalFilter(workspace, status=status.value)
            for approval in _all_approvals(self._history, which):
                if approval.id in seen:
                    continue
                seen.add(approval.id)
                execution = self._history.execution(workspace, approval.execution_id)
                if execution is not None and execution.status in UNDER_WAY:
                    yield execution, approval

    def _becomes(self, execution: Execution, approval: Approval) -> tuple[str, list[str]]:
        """What becomes of a request, and because of what; empty if it stands.

        It is what the gate would find in the transaction that dispatches.
        """
        contract = self._contract_of(execution, approval)
        draft, requester = self._redecider.draft, execution.submitter
        access = requester_access(draft, requester, contract)
        if not access.allowed:
            return BLOCKED, [access.reason]
        try:
            arguments = unseal_all(self._sealer, approval.workspace, approval.arguments)
        except ErasedError as error:
            raise UndecidableError(Reason.ERASED) from error
        except ValueError as error:
            raise UndecidableError(Reason.SEALED) from error
        plain = draft.verdict(requester, contract, arguments)
        decided = in_mode(execution.mode, contract, plain)
        changes = decision_changes(approval.decision, decided.to_json())
        if approval.requester_roles and set(approval.requester_roles) != draft.roles(requester):
            changes.append("the grants of the requester")
        lost = approval.status is ApprovalStatus.APPROVED and lost_consent(
            self._history, draft, approval
        )
        if lost:
            changes.append(lost)
        if decided.verdict is Verdict.ASSIST:
            return (VOID, changes) if changes else ("", [])
        return (BLOCKED if decided.verdict is Verdict.BLOCKED else AUTONOMOUS), changes

    def _contract_of(self, execution: Execution, approval: Approval) -> OperationContract:
        record = self._history.plan(execution.plan_id or "")
        step = record.plan.step(approval.step_id) if record else None
        if step is None:
            raise UndecidableError(Reason.INCOMPLETE)
        return self._redecider.contract(step.contract, step.contract_digest)

    def _active(self, workspace: str, now: str) -> Iterable[Grant]:
        which = GrantFilter(workspace, now, active=True)
        while found := self._history.grants(which, Page(_PAGE))[0]:
            yield from found
            which = replace(which, behind=(found[-1].issued_at, found[-1].id))

    def _stands(self, revision: PolicyRevision, grant: Grant, contract: OperationContract) -> bool:
        """Whether some call that the grant is for may come to be asked of one approver of a role
        that its issuer holds."""
        if _is_denied(revision, grant, contract):
            return False
        for row in revision.book.verdict_rows:
            if not holds_in(row, grant.workspace) or not _may_name(row["sub"], grant):
                continue
            if not speaks_of(revision, VERDICT.name, row, contract):
                continue
            if _asks_one(row) and revision.holds(grant.issuer, _approver(row)):
                return True
            if row["when"] == ALWAYS and _names_all(row["sub"], grant):
                return False  # no later rule decides
        return False


def _is_denied(revision: PolicyRevision, grant: Grant, contract: OperationContract) -> bool:
    """Whether no call that the grant is for is let in, by a rule that denies it."""
    return any(
        row["eft"] == "deny" and _names_all(name, grant)
        for found in revision.book.rules.indexes[ACCESS.name].concerning(contract, grant.workspace)
        for name, rows in found.items()
        for row in rows
    )


def _may_name(subject: str, grant: Grant) -> bool:
    """Whether a rule for this subject may speak of whom the grant is for, whatever roles they
    hold."""
    if subject.startswith(USER_PREFIX):
        return grant.requester in (None, subject.removeprefix(USER_PREFIX))
    if subject.startswith(TYPE_PREFIX):
        return grant.requester_type in (None, subject.removeprefix(TYPE_PREFIX))
    return True


def _names_all(subject: str, grant: Grant) -> bool:
    """Whether a rule for this subject speaks of everybody whom the grant is for."""
    if subject.startswith(USER_PREFIX):
        return grant.requester == subject.removeprefix(USER_PREFIX)
    if subject.startswith(TYPE_PREFIX):
        return grant.requester_type == subject.removeprefix(TYPE_PREFIX)
    return subject == ANYWHERE


def _asks_one(row: Row) -> bool:
    quorum = DEFAULT_QUORUM if row["quorum"] == NONE else int(row["quorum"])
    return row["verdict"] == Verdict.ASSIST.value and quorum == 1


def _approver(row: Row) -> str:
    return DEFAULT_APPROVER if row["approver"] == NONE else row["approver"]


def _all_approvals(records: Records, which: ApprovalFilter) -> Iterable[Approval]:
    while found := records.approvals(which, Page(_PAGE))[0]:
        yield from found
        which = replace(which, behind=(found[-1].requested_at, found[-1].id))


def _named(approval: Approval) -> JsonObject:
    return {
        "approvalId": approval.id,
        "executionId": approval.execution_id,
        "stepId": approval.step_id,
        "contract": approval.contract,
        "workspace": approval.workspace,
    }
