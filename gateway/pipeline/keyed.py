"""Idempotency keys: whether a subject called a contract under this key before."""

from gateway.model.execution import Call as RecordedCall
from gateway.model.ports import Records
from gateway.model.problem import refuse
from gateway.pipeline.call import Call


def earlier_call(records: Records, call: Call) -> RecordedCall | None:
    """The recorded call of the same idempotency key."""
    who, key = call.principal, call.idempotency_key
    if key is None:
        return None
    return records.call(who.workspace, who.subject, call.contract.ref, key)


def require_unused_key(records: Records, call: Call) -> None:
    """Refuse a call whose key was used since that was looked for.

    The record would refuse it too, but only when it is half done: the batch would be run again.

    Raises:
        ProblemError: CONFLICT.
    """
    if earlier_call(records, call) is not None:
        raise refuse("CONFLICT", f"The idempotency key of {call.contract.key} is in use.")
