"""What people may do to an execution: each action's form, and what it says that it will do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.model.execution import ExecutionStatus, RunMode
from gateway.model.json import JsonObject
from gateway.model.operator import EFFECTS, OperatorCommand
from gateway.model.problem import refuse
from gateway.surfaces.console.executions.sights import Sight
from gateway.surfaces.console.forms import json_object
from gateway.surfaces.console.visits import Visit


class Reason(StrEnum):
    """Whether an action takes a reason."""

    NONE = "none"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Action:
    """An action on an execution.

    ``contract`` is the key that ``allowedActions`` lists, ``operation`` the console's document,
    ``subject`` the field that names what is acted on, ``by`` the field that names who acts.
    ``effect`` says what it will do; where it depends on the status, that is added.
    """

    name: str
    label: str
    contract: str
    operation: str
    subject: str
    by: str
    effect: str
    look: str = ""
    reason: Reason = Reason.NONE

    @property
    def takes_reason(self) -> bool:
        """Whether the form asks for a reason."""
        return self.reason is Reason.OPTIONAL


_RUN = "controlPlane.execution."

ACTIONS: Sequence[Action] = (
    Action(
        *("verify", "Verify plan", "controlPlane.plan.verify", "Verify", "planId", ""),
        "Every step is decided by the policy in force. Nothing runs yet.",
    ),
    Action(
        *("start", "Start", f"{_RUN}start", "Start", "planId", ""),
        "The run begins. Steps that need an approval wait for it.",
        look="primary",
    ),
    Action(
        *("resume", "Resume", f"{_RUN}resume", "Resume", "runId", "resumedBy"),
        "The run goes on from where it stood, under the policy of today.",
        look="primary",
    ),
    Action(
        *("retry", "Retry", f"{_RUN}retry", "Retry", "runId", "retriedBy"),
        "Completed steps are kept; access, verdict and approvals are decided anew.",
        look="primary",
    ),
    Action(
        *("pause", "Pause", f"{_RUN}pause", "Pause", "runId", "pausedBy"),
        "No further step begins until somebody resumes the run.",
        reason=Reason.OPTIONAL,
    ),
    Action(
        *("shutdown", "Shut down", f"{_RUN}shutdown", "Shutdown", "runId", "shutdownBy"),
        "What is on its way is finished, then the run ends. It cannot be resumed.",
        look="danger",
        reason=Reason.OPTIONAL,
    ),
    Action(
        *("cancel", "Cancel", f"{_RUN}cancel", "Cancel", "executionId", "cancelledBy"),
        "No further step begins, and what was done stays done. It cannot be resumed.",
        look="danger",
        reason=Reason.OPTIONAL,
    ),
    Action(
        *("abort", "Abort", f"{_RUN}abort", "Abort", "runId", "abortedBy"),
        "The run is stopped for good, now. Attempts without an outcome are left unresolved.",
        look="danger",
        reason=Reason.OPTIONAL,
    ),
    Action(
        *("compensate", "Compensate", f"{_RUN}compensate", "Compensate", "runId", "compensatedBy"),
        "The completed steps are undone, the last one first, by an execution of its own that is "
        "verified and approved like any other. You become its requester.",
        look="danger",
        reason=Reason.OPTIONAL,
    ),
    Action(
        *("approve-lane", "Approve lane", f"{_RUN}lane.approve", "ApproveLane"),
        *("runId", "approvedBy"),
        "You confirm what the run has to show, in a role that its lane asks for.",
        look="primary",
    ),
    Action(
        *("hand-over", "Hand over", f"{_RUN}lane.handover", "HandOver", "runId", "handedOverBy"),
        "The run moves on to the next lane, whose gate is its gate from then on.",
        reason=Reason.OPTIONAL,
    ),
    Action(
        *("export", "Export evidence", f"{_RUN}evidence.export", "ExportEvidence"),
        *("runId", "exportedBy"),
        "What is recorded of the run is bundled and signed, so that it can be checked elsewhere. "
        "The export itself goes on record.",
    ),
)
"""Every action on an execution as a whole, in the order in which buttons stand."""

RECONCILE = "controlPlane.step.reconcile"
"""The action on a step of which nobody knows whether it happened."""

MODES: Mapping[str, str] = {
    RunMode.AUTONOMOUS.name: "Follow the verdicts",
    RunMode.ASSIST.name: "Ask a person before every command",
    RunMode.DRY_RUN.name: "Call nothing",
}
"""How a run may be started."""


def allowed_to(sight: Sight) -> list[Action]:
    """The actions that would succeed now, each with what it would do now."""
    may = sight.execution["allowedActions"]
    return [_told(action, sight.status) for action in ACTIONS if action.contract in may]


def _told(action: Action, status: str) -> Action:
    """The action with what becomes of the execution in its present status."""
    if action.name not in set(OperatorCommand):
        return action
    becomes = EFFECTS[OperatorCommand(action.name)].get(ExecutionStatus(status.lower()))
    return replace(action, effect=f"{action.effect} Then: {becomes}.") if becomes else action


async def act(visit: Visit, sight: Sight, name: str) -> str:
    """Do what a form asks for; returns what came of it in a sentence.

    Raises:
        AskedError: the API refuses it.
        ProblemError: BAD_REQUEST for an action that there is not, VALIDATION_FAILED for an output
            that is no JSON object.
    """
    if name == "reconcile":
        return await _reconcile(visit, sight)
    action = next((one for one in ACTIONS if one.name == name), None)
    if action is None:
        raise refuse("BAD_REQUEST", "There is no such action. Send the form from the page.")
    asked = _input_of(visit, sight, action)
    data = await visit.api.ask(action.operation, input=asked, key=visit.key)
    return _outcome(action, data["done"])


def _input_of(visit: Visit, sight: Sight, action: Action) -> JsonObject:
    execution = sight.execution
    asked: JsonObject = {action.subject: execution.get(action.subject) or "none"}
    if action.by:
        asked[action.by] = visit.viewer.subject
    else:  # what comes before a run names both
        asked["executionId"] = sight.id
    if action.takes_reason and (reason := visit.form.get("reason", "").strip()):
        asked["reason"] = reason
    if action.name in ("approve-lane", "hand-over"):
        asked["laneKey"] = visit.form.get("lane", "")
    if action.name == "approve-lane":
        asked["role"] = visit.form.get("role", "")
    if action.name == "start" and (mode := visit.form.get("mode")) in MODES:
        asked["mode"] = mode
    return asked


def _outcome(action: Action, done: JsonObject) -> str:
    if action.name == "verify":
        blocked = " ".join(done.get("blockedReasons") or ())
        return f"The plan is verified: {done['verdict'].lower()}. {blocked}".strip()
    if action.name == "compensate":
        return (
            f"Execution {done['compensationExecutionId']} undoes {done['stepCount']} steps; "
            f"it is {done['status']}."
        )
    if action.name == "export":
        return f"Evidence bundle {done['evidenceBundleCount']} of this run is made: download it."
    if action.name == "approve-lane":
        return f"The lane is approved; the run is {done['terminalReadiness'].replace('_', ' ')}."
    if action.name == "hand-over":
        return f"The run is in the lane {done['laneKey']} now."
    return f"{action.label}: done. The execution is {done['status'].replace('_', ' ')}."


async def _reconcile(visit: Visit, sight: Sight) -> str:
    """Settle a step on what a person found in the target system."""
    form = visit.form
    attempt = form.get("attempt", "")
    is_number = attempt.isascii() and attempt.isdigit() and len(attempt) < 10
    asked: JsonObject = {
        "runId": sight.execution.get("runId") or "none",
        "stepId": form.get("step", ""),
        "attempt": int(attempt) if is_number else 0,
        "outcome": form.get("outcome", ""),
        "note": form.get("note", ""),
        "reconciledBy": visit.viewer.subject,
    }
    if text := form.get("output", "").strip():
        asked["output"] = _object(text)
    done = (await visit.api.ask("Reconcile", input=asked, key=visit.key))["done"]
    return f"The step is {done['status']}, the execution {done['executionStatus']}."


def _object(text: str) -> JsonObject:
    try:
        return json_object(text)
    except ValueError as error:
        told = f"The output is no JSON object: {error}. Write the contract's output as one."
        raise refuse("VALIDATION_FAILED", told) from None
