"""The console's pages about policy: rules, who may what, explanations, changes and history."""

from gateway.surfaces.console.policies.pages import PAGES

__all__ = ["PAGES"]
