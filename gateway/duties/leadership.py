"""The port of leadership: which of several processes has the duties."""

from typing import Protocol


class Leadership(Protocol):
    """Who leads, as far as this process knows."""

    async def holds(self) -> bool:
        """Take the lead if nobody has it; returns whether this process leads now. Never raises for
        what the database or the network does: then it does not lead."""
        ...

    async def resign(self) -> None:
        """Give the lead to whoever asks next."""
        ...
