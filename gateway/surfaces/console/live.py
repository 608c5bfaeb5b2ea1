"""The event stream of a page: the public subscription, with the session's token in front.

Pages hear that something happened and ask for themselves anew, so what they show is always what
the API answers, masked for whoever looks.
"""

from starlette.types import ASGIApp

from gateway.surfaces.console.visits import Page, Visit


async def _follow(visit: Visit) -> ASGIApp:
    """The events of one execution (``?execution=``), or all that the viewer may have."""
    execution = visit.asked("execution")
    which = {"executionId": execution} if execution else None
    return visit.api.follow("Follow", filter=which)


PAGES = (Page("/console/live", _follow),)
"""The stream."""
