"""How much is not over yet, as whoever watches over a gateway asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Workload:
    """What there is to do at one moment, each counted no further than it was asked for.

    ``due`` runs may be advanced and are not, ``held`` ones some process advances, ``parked`` ones
    wait for a moment to come. ``executions`` are those that are not over, by status; ``approvals``
    are requests that nobody has decided.
    """

    due: int
    held: int
    parked: int
    executions: Mapping[str, int]
    approvals: int


@dataclass(frozen=True, slots=True)
class Standing(Workload):
    """The workload of all workspaces; ``deliveries`` to webhooks are those yet to be made."""

    deliveries: int


class StandingRecords(Protocol):
    """Reading what there is to do."""

    def standing(self, now: str, up_to: int) -> Standing:
        """What there is to do at the moment ``now``, each counted up to ``up_to``."""
        ...

    def workload(self, workspace: str, now: str, up_to: int) -> Workload:
        """What of it is a workspace's."""
        ...
