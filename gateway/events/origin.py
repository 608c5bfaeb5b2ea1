"""The execution behind an entry, as far as its events tell of it."""

from dataclasses import dataclass

from gateway.model.execution import RunMode
from gateway.model.ports import Records


@dataclass(frozen=True, slots=True)
class Origin:
    """What the record knows of an execution and never changes once it is known.

    ``submitter`` is the subject who asked. ``run_id`` and ``mode`` are those of its run, None
    before it was started; an execution has at most one.
    """

    submitter: str | None = None
    run_id: str | None = None
    mode: RunMode | None = None


def origin_of(records: Records, workspace: str, execution_id: str) -> Origin | None:
    """The origin of what an execution's entries tell, None for an execution that is not there."""
    execution = records.execution(workspace, execution_id)
    if execution is None:
        return None
    return Origin(execution.submitter.subject, execution.run_id, execution.mode)
