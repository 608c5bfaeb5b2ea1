"""All pages about executions."""

from collections.abc import Sequence

from gateway.surfaces.console.executions import listing, one
from gateway.surfaces.console.visits import Page

PAGES: Sequence[Page] = (*listing.PAGES, *one.PAGES)
"""Every page below ``/console/executions``."""
