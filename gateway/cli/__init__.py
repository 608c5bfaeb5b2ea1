"""The ``gateway`` command."""

from gateway.cli.main import main, run

__all__ = ["main", "run"]
