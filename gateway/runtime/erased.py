"""Runs whose data was erased: they end, for nobody may guess what they were to do."""

from gateway.model.entry import EntryType
from gateway.model.execution import UNDER_WAY, Execution, ExecutionStatus
from gateway.model.json import JsonValue
from gateway.model.ports import Records, Sealer, Tx
from gateway.model.problem import Problem, problem
from gateway.model.sealing import erased_in
from gateway.runtime.ending import end_run
from gateway.runtime.lifecycle import Lifecycle

ERASED = "ERASED"
"""The code of what cannot go on, or be told, because its personal data was erased."""


def erased_problem() -> Problem:
    """Why a run ended whose data was erased."""
    told = (
        "Personal data that this execution holds was erased, so it cannot go on. Submit the intent "
        "again if it is still to be done."
    )
    return problem(ERASED, told)


def is_erased(records: Records, sealer: Sealer, execution: Execution) -> bool:
    """True for an execution that ended because its data was erased, or of which anything was
    erased after it had ended, when an attempt may still have been on its way.

    Of one that may go on, the text of the intent does not count: it needs what its steps answer.
    """
    if execution.problem is not None and execution.problem["code"] == ERASED:
        return True
    if execution.status in UNDER_WAY:
        return False
    if records.entries_of_type(execution.id, EntryType.KEYS_CONDEMNED):
        return True
    steps = records.steps(execution.plan_id or "")
    held: list[JsonValue] = [part for step in steps for part in (step.input, step.output)]
    if execution.status is not ExecutionStatus.UNRESOLVED:  # it may go on, and reads no text
        held.append(execution.text)
    return bool(erased_in(sealer, execution.workspace, held))


def end_erased(tx: Tx, lifecycle: Lifecycle, workspace: str, execution_id: str) -> None:
    """End an execution whose data is erased, if it is under way."""
    execution = tx.execution(workspace, execution_id)
    if execution is None or execution.status not in UNDER_WAY:
        return
    steps = {step.id: step for step in tx.step_states(execution.plan_id or "")}
    end_run(tx, execution, steps, ExecutionStatus.FAILED, erased_problem().to_json())
    lifecycle.wake(tx, execution)
