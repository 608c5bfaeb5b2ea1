"""Contracts that are lists, and lists that answer as such contracts do."""

from dataclasses import dataclass
from typing import Any

from gateway.model.contract import ObjectType
from gateway.model.problem import Issue, invalid
from tests.unit.graphql.support import PING, Catalogue, fields, operation

PART = ObjectType("Part", fields(sku="ID!", note="String"))
EVENT = ObjectType("Event", fields(cursor="String!", sku="ID!"))
TARGET = ObjectType("Target", fields(name="ID!"))

PARTS = operation(
    "shop.part.list",
    given=fields(name="String", limit="Int", offset="Int"),
    answer=fields(items="[Part!]!", total="Int!", targets="[Target!]!"),
    types=(PART, TARGET),
)
"""A counted list."""

STOCK = operation(
    "shop.stock.list",
    given=fields(place="ID!", limit="Int", offset="Int"),
    answer=fields(items="[Part!]!", total="Int!"),
    types=(PART,),
)
"""Another one, which needs an input."""

FOUND = operation(
    "shop.part.find",
    given=fields(after="String", limit="Int"),
    answer=fields(results="[Part!]!", next="String"),
    types=(PART,),
)
"""A list that goes on behind ``next``, with no cursors of items."""

EVENTS = operation(
    "shop.event.list",
    given=fields(after="String", limit="Int"),
    answer=fields(items="[Event!]!", cursor="String"),
    types=(EVENT,),
)
"""A list that goes on behind ``cursor``, with a cursor for each item."""

LISTS = Catalogue(
    {
        "shopPartList": PARTS,
        "shopStockList": STOCK,
        "shopPartFind": FOUND,
        "shopEventList": EVENTS,
        "shopPing": PING,
    }
)
"""All of them, and a query that is no list."""

BY_DEFAULT = 4
MOST = 10


def limit_of(given: dict[str, Any]) -> int:
    """How many items are asked for, refused as the gateway's own lists refuse."""
    limit: int = given.get("limit", BY_DEFAULT)
    if not 1 <= limit <= MOST:
        told = f"Ask for 1 to {MOST} items at a time."
        raise invalid([Issue("/input/limit", "OUT_OF_RANGE", told)])
    return limit


@dataclass
class Counted:
    """Answers as ``PARTS`` and ``STOCK``."""

    length: int

    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        offset = given.get("offset", 0)
        page = range(self.length)[offset : offset + limit_of(given)]
        items = [{"sku": str(number)} for number in page]
        return {"items": items, "total": self.length, "targets": [{"name": "here"}]}


@dataclass
class Scanned:
    """Answers as ``FOUND`` or ``EVENTS``: each call looks at ``scan`` places of a record, of which
    those of ``there`` hold an item."""

    there: list[int]
    length: int
    scan: int
    ends_in_cursor: bool

    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        limit, start = limit_of(given), int(given.get("after", 0))
        end = min(start + self.scan, self.length)
        found = [place for place in self.there if start < place <= end]
        if len(found) >= limit:
            found = found[:limit]
            end = found[-1]
        if self.ends_in_cursor:
            items = [{"cursor": str(place), "sku": str(place)} for place in found]
            return {"items": items, "cursor": str(end)}
        results = [{"sku": str(place)} for place in found]
        return {"results": results, **({"next": str(end)} if end < self.length else {})}
