"""The command line with a journal that runs each unit of work twice, undoing it once.

On PostgreSQL a unit is run again when another process was at the same rows. So what a unit does
outside of its transaction must do no harm when it is repeated; here every unit shows that.
"""

from gateway.cli import run
from gateway.journal import writer
from gateway.journal.work import Work

_once = writer.GroupCommit._attempt_carefully


def _twice(self: writer.GroupCommit, work: Work, shared: writer.Shared) -> None:
    execute, heads = self._cursor.execute, shared.heads
    kept, last = dict(heads._kept), heads.last
    execute("SAVEPOINT rehearsal")
    _once(self, Work(work.call, lambda _: None), shared)
    execute("ROLLBACK TO rehearsal")
    execute("RELEASE rehearsal")
    heads._kept, heads.last = kept, last
    shared.undone()
    _once(self, work, shared)


if __name__ == "__main__":
    writer.GroupCommit._attempt = _twice  # type: ignore[method-assign]
    run()
