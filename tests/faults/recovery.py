"""How long it took until things went on: a command is acknowledged, and a step completes, again."""

import time
from collections.abc import Sequence
from datetime import datetime

from tests.faults.checker.record import Entry
from tests.faults.history import OK, History


def recoveries(
    strikes: Sequence[float], history: History, record: Sequence[Entry], *, clocks_right: bool
) -> list[float]:
    """Seconds from each strike to the first command that was given and acknowledged after it, and
    to the first step that completed after it, whichever was later.

    A strike after which nothing was left to do counts with what there was. Where clocks are not
    right, the record does not say when a step completed, and commands alone count.
    """
    offset = time.time() - time.monotonic()
    acknowledged = sorted(
        (one.invoked, one.ended or 0.0)
        for one in history.operations
        if one.outcome == OK and one.kind != "read"
    )
    completed = sorted(
        datetime.fromisoformat(entry.at).timestamp() - offset
        for entry in record
        if clocks_right and entry.type == "step.completed"
    )
    found = []
    for since in strikes:
        answers = [ended for invoked, ended in acknowledged if invoked >= since][:1]
        steps = [at for at in completed if at >= since][:1]
        if answers or steps:
            found.append(max([*answers, *steps]) - since)
    return found
