"""Executions: what runs and ran, one of them in full, and steering it."""

from gateway.surfaces.console.executions.pages import PAGES

__all__ = ["PAGES"]
