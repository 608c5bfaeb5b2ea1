"""WHO ADVANCES A RUN: this process, or workers that an existing engine tells of runs."""

from gateway.dispatch.backlog import Backlog
from gateway.dispatch.elsewhere import ElsewhereDispatcher
from gateway.dispatch.embedded import EmbeddedDispatcher, Limits
from gateway.dispatch.sweeper import ALONE, Pace, among_others

__all__ = [
    "ALONE",
    "Backlog",
    "ElsewhereDispatcher",
    "EmbeddedDispatcher",
    "Limits",
    "Pace",
    "among_others",
]
