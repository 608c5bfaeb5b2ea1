"""The inbox: approval requests that wait for people, and what became of them."""

from gateway.surfaces.console.inbox.pages import PAGES

__all__ = ["PAGES"]
