"""What a record that was restored from a backup cannot know.

Whatever was done after the backup was made is lost to the record, and happened all the same. So a
step of an execution from before may have been dispatched already: it is dispatched only if doing it
again does no harm, and else stands UNRESOLVED until an operator settles it.
"""

from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType
from gateway.model.execution import Execution, Step
from gateway.model.json import decode
from gateway.model.ports import Tx

REASON = (
    "The record was restored from a backup, and what was done after that was made is not in it."
)


def may_be_done(
    tx: Tx, execution: Execution, step: Step, contract: OperationContract, restored: str | None
) -> bool:
    """Whether a step may have had its effect in what the record lost, so that it must not be
    dispatched; ``restored`` is until when it may lack what was done.

    A key helps only where the run began before the backup: what was begun in what is lost had
    another run, and so other keys.
    """
    if restored is None or not contract.is_command or contract.policy.idempotent:
        return False
    if _begun(tx, execution) > restored:
        return False
    keyed = contract.handler is not None and contract.handler.idempotency_key
    is_same_run = execution.started_at is not None and execution.started_at <= restored
    return not (keyed and is_same_run) and not _is_settled(tx, execution, step, restored)


def _begun(tx: Tx, execution: Execution) -> str:
    """When an execution was submitted, or the one that it undoes."""
    undone = execution.compensates and tx.execution(execution.workspace, execution.compensates)
    return undone.created_at if undone else execution.created_at


def _is_settled(tx: Tx, execution: Execution, step: Step, restored: str) -> bool:
    """Whether an operator said since then what became of the step, or had it tried again."""
    for entry in tx.entries_of_type(execution.id, EntryType.STEP_RECONCILED):
        if entry.at > restored and decode(entry.body)["stepId"] == step.id:
            return True
    return any(
        entry.at > restored and decode(entry.body)["steps"].get(step.id) == "ready"
        for entry in tx.entries_of_type(execution.id, EntryType.RUN_RETRIED)
    )
