"""WHO ADVANCES A RUN: embedded in this process."""

from gateway.dispatch.embedded import EmbeddedDispatcher

__all__ = ["EmbeddedDispatcher"]
