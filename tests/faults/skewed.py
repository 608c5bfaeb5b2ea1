"""The gateway's command with its clock wrong: ``python -m tests.faults.skewed --seconds -5 serve``.

Only for tests: it puts another clock in the place of the machine's before anything is started.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.model import system


def skew(seconds: float) -> None:
    """Let this process's clocks of the day go wrong by ``seconds``; the monotonic one is right."""
    by = timedelta(seconds=seconds)

    def now(_: system.SystemClock) -> datetime:
        return datetime.now(UTC) + by

    system.SystemClock.now = now  # type: ignore[method-assign]
    time.time = _shifted(time.time, seconds)
    time.time_ns = _shifted(time.time_ns, round(seconds * 1e9))


def _shifted(clock: Callable[[], float], by: float) -> Callable[[], float]:
    return lambda: clock() + by


def main() -> None:
    """Take ``--seconds N`` away and hand the rest to the gateway."""
    flag, seconds, *rest = sys.argv[1:]
    if flag != "--seconds":
        raise SystemExit("say --seconds N first")
    skew(float(seconds))
    sys.argv[1:] = rest
    from gateway.cli import run

    run()


if __name__ == "__main__":
    main()
