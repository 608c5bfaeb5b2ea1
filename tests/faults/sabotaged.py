"""A gateway with one defect on purpose: ``python -m tests.faults.sabotaged HOW serve ...``.

Only for tests: whoever looks for defects must find those that are there.
"""

import itertools
import sys
from typing import Any

from gateway.journal import writer
from gateway.model.contract import OperationContract
from gateway.runtime import consent, turn


def repeat_in_doubt() -> None:
    """Try everything again, also what may have had its effect and knows no keys."""
    OperationContract.repeatable = property(lambda _: True)  # type: ignore[assignment]


def forget_some() -> None:
    """Undo every fifth batch, and answer all the same."""
    whole, count = writer.GroupCommit._commit, itertools.count(1)

    def commit(self: writer.GroupCommit, *given: Any) -> None:
        if next(count) % 5 == 0 and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        else:
            whole(self, *given)

    writer.GroupCommit._commit = commit  # type: ignore[method-assign]


def let_anybody_vote_again() -> None:
    """Take votes on requests that were decided, or whose run is over."""
    consent.closed_because = lambda *_: None


def never_pause() -> None:
    """Go on with runs that are paused."""
    decide = turn.next_moves

    def moves(*given: Any, paused: bool, **more: Any) -> Any:
        return decide(*given, paused=False, **more)

    turn.next_moves = moves


DEFECTS = {
    "repeat-in-doubt": repeat_in_doubt,
    "forget-some": forget_some,
    "vote-again": let_anybody_vote_again,
    "never-pause": never_pause,
}


def main() -> None:
    """Break what the first argument names and hand the rest to the gateway."""
    DEFECTS[sys.argv.pop(1)]()
    from gateway.cli import run

    run()


if __name__ == "__main__":
    main()
