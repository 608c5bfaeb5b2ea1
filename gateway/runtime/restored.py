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
    tx: Tx, execution: Execution, step: Step, contract: OperationContract, restored: int | None
) -> bool:
    """Whether a step may have had its effect in what the record lost, so that it must not be
    dispatched; ``restored`` is the position behind what may lack what was done.

    Positions tell what came before, not moments: a clock may have gone back since.

    A key helps only where the run began before the backup: what was begun in what is lost had
    another run, and so other keys.
    """
    if restored is None or not contract.is_command or contract.policy.idempotent:
        return False
    begun = _place(tx, execution.compensates or execution.id, EntryType.INTENT_RECEIVED)
    if begun is not None and begun > restored:
        return False
    keyed = contract.handler is not None and contract.handler.idempotency_key
    started = _place(tx, execution.id, EntryType.RUN_STARTED)
    is_same_run = started is not None and started < restored
    return not (keyed and is_same_run) and not _is_settled(tx, execution, step, restored)


def _place(tx: Tx, execution_id: str, kind: EntryType) -> int | None:
    """The position of the first entry of one type of an execution, None where it has none."""
    return next((entry.position for entry in tx.entries_of_type(execution_id, kind)), None)


def _is_settled(tx: Tx, execution: Execution, step: Step, restored: int) -> bool:
    """Whether an operator said since then what became of the step, or had it tried again."""
    for entry in tx.entries_of_type(execution.id, EntryType.STEP_RECONCILED):
        if entry.position > restored and decode(entry.body)["stepId"] == step.id:
            return True
    return any(
        entry.position > restored and decode(entry.body)["steps"].get(step.id) == "ready"
        for entry in tx.entries_of_type(execution.id, EntryType.RUN_RETRIED)
    )
