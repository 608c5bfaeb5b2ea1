"""What a new deployment begins with: a contract, policies, settings, and what starts them."""

from gateway.scaffold.founding import found

__all__ = ["found"]
