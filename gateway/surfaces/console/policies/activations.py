"""Which activation brought a row: found by comparing each revision with the one before it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.json import JsonObject
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.policies.listing import ask
from gateway.surfaces.console.visits import Visit


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The activations that brought rows, by file and text of the row; ``earliest`` is the first
    activation that was looked at, None where nothing may be looked at."""

    by_row: Mapping[tuple[str, str], JsonObject]
    earliest: JsonObject | None

    def of(self, file: str, text: str) -> JsonObject | None:
        """The activation that brought a row, if it is one of those that were looked at."""
        return self.by_row.get((file, text))


NOTHING = Arrivals({}, None)
"""What is told to those who may not see the history."""


async def arrivals(visit: Visit, looks: int) -> Arrivals:
    """What the last ``looks`` activations brought, as far as the viewer may see it."""
    if not (visit.may("policyRevisionList") and visit.may("policyRevisionDiff")):
        return NOTHING
    try:
        items = (await ask(visit, "PolicyRevisions", {"limit": looks}))["items"]
        found: dict[tuple[str, str], JsonObject] = {}
        for item in items:
            for row in await _brought(visit, item):
                found.setdefault((row["file"], row["after"]), item)
    except AskedError:  # what the page is about is told nevertheless
        return NOTHING
    return Arrivals(found, items[-1] if items else None)


async def _brought(visit: Visit, item: JsonObject) -> list[JsonObject]:
    """The rows that an activation added, or put in the place of others."""
    if not item["previous"]:
        return []
    between = {"from": item["previous"], "to": item["revision"]}
    differing = (await ask(visit, "PolicyDifferences", between))["diff"]
    return [row for file in differing for row in file["rows"] if row["after"]]
