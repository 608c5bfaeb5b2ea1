"""Handlers of the built-in contracts: thin, they call the runtime."""

from gateway.operations.bindings import bind, require_handlers
from gateway.operations.direct import DirectCalls

__all__ = ["DirectCalls", "bind", "require_handlers"]
