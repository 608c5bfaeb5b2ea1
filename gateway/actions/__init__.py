"""How a step reaches the world: http and python handlers, and what became of each attempt."""

from gateway.actions.hosts import HostGuard
from gateway.actions.http import HttpActions
from gateway.actions.python import ActionContext, ActionError, EventLimitError, PythonActions
from gateway.actions.runner import ActionRunner, check_handlers
from gateway.actions.secrets import Secrets

__all__ = [
    "ActionContext",
    "ActionError",
    "ActionRunner",
    "EventLimitError",
    "HostGuard",
    "HttpActions",
    "PythonActions",
    "Secrets",
    "check_handlers",
]
