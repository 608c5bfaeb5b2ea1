"""Seconds that pass, for what must not outlast them whatever becomes of the machine."""

import sys
import time

_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC


def elapsed() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps, where there
    is one: other machines go on meanwhile."""
    return time.clock_gettime(_CLOCK)
