"""The command line with a journal that runs each unit of work twice, undoing it once.

On PostgreSQL a unit is run again when another process was at the same rows. So what a unit does
outside of its transaction must do no harm when it is repeated; here every unit shows that.
"""

from gateway.cli import run
from gateway.journal import writer
from gateway.journal.heads import Heads
from gateway.journal.work import Work

_once = writer.GroupCommit._attempt


def _twice(self: writer.GroupCommit, work: Work, heads: Heads) -> None:
    execute = self._cursor.execute
    kept, last = dict(heads._kept), heads.last
    execute("SAVEPOINT rehearsal")
    _once(self, Work(work.call, lambda _: None), heads)
    execute("ROLLBACK TO rehearsal")
    execute("RELEASE rehearsal")
    heads._kept, heads.last = kept, last
    _once(self, work, heads)


if __name__ == "__main__":
    writer.GroupCommit._attempt = _twice  # type: ignore[method-assign]
    run()
