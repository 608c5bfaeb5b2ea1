"""Lanes: how an execution gets into one, what is attached to it, who approves, and handing over.

Each method is one act, made inside the caller's unit of work; the gate itself is looked at by the
turns of the run, which these acts wake.
"""

from dataclasses import dataclass

from gateway.model.entry import EntryType
from gateway.model.evidence import EvidenceItem, EvidenceKind
from gateway.model.execution import Execution, ExecutionStatus, StepStatus, conflict
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.principal import Principal, PrincipalType, is_among
from gateway.model.problem import refuse
from gateway.model.sealing import seal_paths
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.lane_readiness import Standing, lane_standing
from gateway.runtime.lifecycle import Lifecycle
from gateway.runtime.separation import (
    refuse_steerer,
    require_separation,
    steered,
    with_a_part,
)

EVIDENCE_CONTRACT = "controlPlane.evidence.attach@1.0.0"
"""The contract whose PII the content and the note of an item are."""

MAX_ITEMS = 1000
"""How many items an execution may have."""

_DONE = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})
"""States of a step of which nothing more is to come."""

_NOT_STARTED = (ExecutionStatus.RECEIVED, ExecutionStatus.COMPILED, ExecutionStatus.VERIFIED)


@dataclass(frozen=True, slots=True)
class Attachment:
    """An item to attach; ``content`` and ``note`` are raw, the rest is as in ``EvidenceItem``."""

    kind: EvidenceKind
    key: str
    digest: str | None = None
    uri: str | None = None
    content: JsonObject | None = None
    note: str | None = None
    state: str | None = None
    valid_until: str | None = None
    blocking: bool = False
    resolves: str | None = None

    def to_json(self) -> JsonObject:
        """The item as it is recorded, but for its PII; what is not given is left out."""
        body = {
            "kind": self.kind.value,
            "key": self.key,
            "digest": self.digest,
            "uri": self.uri,
            "content": self.content,
            "note": self.note,
            "state": self.state,
            "validUntil": self.valid_until,
            "blocking": self.blocking or None,
            "resolves": self.resolves,
        }
        return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Lanes:
    """Acts on lanes, for people and services that policy lets do so."""

    policies: Policies
    lifecycle: Lifecycle

    def assign(self, tx: Tx, execution: Execution, lane: str, by: str) -> None:
        """Put an execution that has not started into a lane; an earlier lane is replaced.

        Raises:
            ProblemError: CONFLICT once it has started or ended, and for a direct call.
        """
        if execution.direct:
            raise conflict(execution.id, execution.status, "a direct call has no lane")
        if execution.status not in _NOT_STARTED:
            told = "a lane is given before the start; a run changes it by a hand-over"
            raise conflict(execution.id, execution.status, told)
        tx.append(facts.lane_assigned(execution, lane, by))

    def attach(self, tx: Tx, execution: Execution, item: Attachment, by: str) -> str:
        """Attach an item and have the gate looked at again; returns the item's id.

        Raises:
            ProblemError: CONFLICT once the execution has ended or where the risk is settled
                already, NOT_FOUND for a risk that it has not got, LIMIT_EXCEEDED.
        """
        _require_open(execution)
        items = tx.evidence_items(execution.id)
        if len(items) >= MAX_ITEMS:
            raise refuse("LIMIT_EXCEEDED", f"An execution takes at most {MAX_ITEMS} items.")
        if item.resolves is not None:
            _require_unsettled(execution, items, item.resolves)
        evidence_id = self.lifecycle.ids.new("evid")
        body = {"evidenceId": evidence_id, "runId": execution.run_id, **item.to_json()}
        sealed = seal_paths(
            self.lifecycle.sealer,
            execution.owner,
            EVIDENCE_CONTRACT,
            "input",
            body,
            ("content", "note"),
        )
        tx.append(facts.fact(execution, EntryType.EVIDENCE_ATTACHED, sealed, actor=by))
        self._look_again(tx, execution)
        return evidence_id

    def approve(
        self,
        tx: Tx,
        execution: Execution,
        lane: str,
        role: str,
        person: Principal,
        note: str | None,
    ) -> None:
        """Take a person's approval of what the run's lane asks for, and have its gate looked at.

        Raises:
            ProblemError: FORBIDDEN for who may not approve this, CONFLICT for another lane than
                the run's, a role that it does not ask for, an approval given before, or a run that
                has ended, PRECONDITION_FAILED while there is not everything to approve.
        """
        _require_open(execution)
        standing = _require_lane(tx, execution, self.policies)
        _require_asked(execution, standing, lane, role)
        self._require_role(person, role)
        require_separation(tx, execution, person)
        if is_among(person.subject, steered(tx, execution)):
            raise refuse_steerer(tx, execution, person)
        _require_all_to_see(tx, execution, standing)
        if any((one.by, one.role) == (person.subject, role) for one in standing.given):
            told = f"you have approved it as {role} already, and your approval stands"
            raise conflict(execution.id, execution.status, told)
        body = {
            "runId": execution.run_id,
            "laneKey": lane,
            "role": role,
            "approver": person.to_json(),
            "session": person.session,
            "policyRevision": self.policies.revision,
        }
        kind = EntryType.LANE_APPROVED
        tx.append(facts.fact(execution, kind, body, actor=person.subject, note=note))
        self._look_again(tx, execution)

    def may_approve(
        self, records: Records, execution: Execution, standing: Standing, person: Principal
    ) -> bool:
        """Whether ``approve`` would take this person's approval in some role."""
        if person.type is not PrincipalType.HUMAN or not standing.can_be_approved:
            return False
        if _undone_steps(records, execution):
            return False
        if is_among(person.subject, with_a_part(records, execution)):
            return False
        given = {one.role for one in standing.given if one.by == person.subject}
        wanted = (role for role in standing.lane.approvals if role not in given)
        return any(self.policies.holds(person, role) for role in wanted)

    def hand_over(
        self, tx: Tx, execution: Execution, lane: str, by: str, reason: str | None
    ) -> None:
        """Move a run on to the lane ``lane``; from then on that lane's gate is the run's.

        Raises:
            ProblemError: CONFLICT where it has ended or the lane is none of the next ones,
                PRECONDITION_FAILED where it is in no lane or lacks what its lane requires.
        """
        _require_open(execution)
        standing = _require_lane(tx, execution, self.policies)
        if lane not in standing.lane.next_lanes:
            allowed = ", ".join(standing.lane.next_lanes) or "none"
            told = f"{execution.lane} cannot hand over to {lane}; lanes that it may: {allowed}"
            raise conflict(execution.id, execution.status, told)
        if not standing.is_ready:
            raise refuse(
                "PRECONDITION_FAILED",
                f"{execution.lane} does not hand over before its own requirements are met: "
                f"{standing.readiness.value.upper()} ({standing.lacks()}).",
                extra=_lacking(standing),
            )
        body = {"runId": execution.run_id, "from": execution.lane, "to": lane}
        kind = EntryType.LANE_HANDED_OVER
        tx.append(facts.fact(execution, kind, body, actor=by, reason=reason))
        self._look_again(tx, execution)

    def _require_role(self, person: Principal, role: str) -> None:
        if person.type is not PrincipalType.HUMAN:
            raise refuse(
                "FORBIDDEN", f"Only people approve in lanes; you are of type {person.type.value}."
            )
        if not self.policies.holds(person, role):
            raise refuse("FORBIDDEN", f"You do not hold the role {role!r}.")

    def _look_again(self, tx: Tx, execution: Execution) -> None:
        if execution.lane is not None:
            self.lifecycle.wake(tx, execution)


def _require_open(execution: Execution) -> None:
    if execution.ended_at is not None:
        raise conflict(execution.id, execution.status, "it has ended")


def _require_lane(tx: Tx, execution: Execution, policies: Policies) -> Standing:
    standing = lane_standing(tx, execution, tx.now, policies)
    if standing is None:
        raise no_lane(execution)
    return standing


def _require_asked(execution: Execution, standing: Standing, lane: str, role: str) -> None:
    if lane != execution.lane:
        told = f"it is in the lane {execution.lane}, not in {lane}"
        raise conflict(execution.id, execution.status, told)
    if role not in standing.lane.approvals:
        asked = ", ".join(standing.lane.approvals) or "none"
        told = f"its lane asks for no approval by {role!r}; roles that it asks for: {asked}"
        raise conflict(execution.id, execution.status, told)


def _require_all_to_see(records: Records, execution: Execution, standing: Standing) -> None:
    """Refuse an approval of what is still to come: nobody could have seen it."""
    told = ""
    if standing.to_attach:
        told = f"Attach first: {', '.join(standing.to_attach)}."
    elif not standing.can_be_approved:
        told = f"It is {standing.readiness.value.upper()}: {standing.lacks()}."
    elif undone := _undone_steps(records, execution):
        told = f"Not done yet: {', '.join(undone)}."
    if told:
        raise refuse(
            "PRECONDITION_FAILED",
            f"There is not everything to approve yet, and what comes later nobody has seen. {told}",
            extra=_lacking(standing),
        )


def _undone_steps(records: Records, execution: Execution) -> list[str]:
    """The keys of the steps that are not done."""
    steps = records.step_states(execution.plan_id) if execution.plan_id else []
    return [step.key for step in steps if step.status not in _DONE]


def no_lane(execution: Execution) -> Exception:
    """The refusal of what only a run in a lane can do."""
    return refuse(
        "PRECONDITION_FAILED",
        f"Execution {execution.id} is in no lane. A lane is named by the draft of its plan or "
        "assigned before the start.",
    )


def _require_unsettled(execution: Execution, items: list[EvidenceItem], risk_id: str) -> None:
    risk = next((item for item in items if item.id == risk_id), None)
    if risk is None or risk.kind is not EvidenceKind.RISK:
        raise refuse("NOT_FOUND", f"Execution {execution.id} has no risk {risk_id}.")
    if risk.settled_by is not None:
        told = f"the risk {risk_id} was settled by {risk.settled_by}"
        raise conflict(execution.id, execution.status, told)


def _lacking(standing: Standing) -> JsonObject:
    """What a refusal tells programs: the readiness, and what is to be attached or approved."""
    return {
        "terminalReadiness": standing.readiness.value.upper(),
        "missingEvidence": list(standing.to_attach),
        "missingApprovals": list(standing.roles),
    }
