"""All pages about policy."""

from collections.abc import Sequence

from gateway.surfaces.console.policies import (
    access,
    changes,
    drafting,
    explain,
    history,
    roles,
    rules,
)
from gateway.surfaces.console.visits import Page

PAGES: Sequence[Page] = (
    *rules.PAGES,
    *roles.PAGES,
    *access.PAGES,
    *explain.PAGES,
    *drafting.PAGES,  # before the pages of one changeset, whose id it would be
    *changes.PAGES,
    *history.PAGES,
)
"""Every page below ``/console/policies``."""
