"""The money of several requests, added up before they are decided together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.surfaces.console.arguments import money
from gateway.surfaces.console.inbox.requests import Request

_PLACE = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Sum:
    """What one argument comes to: the ``name`` of the argument, the sum as people read it, and how
    many of the requests say an amount there."""

    name: str
    text: str
    requests: int


def sums_of(requests: Sequence[Request]) -> list[Sum]:
    """The sums of each argument and currency: a limit is not added to what is paid.

    Amounts below zero have a sum of their own, for else one request would hide the size of another.
    What policy masks, or an earlier step has yet to give, is in none of them.
    """
    sums: dict[tuple[str, str, bool], Decimal] = {}
    saying: dict[tuple[str, str, bool], set[str]] = {}
    for request in requests:
        for row in request.amounts:
            if row.amount is not None:
                key = _PLACE.sub("", row.name), row.currency, row.amount < 0
                sums[key] = sums.get(key, Decimal(0)) + row.amount
                saying.setdefault(key, set()).add(request.id)
    return [
        Sum(key[0], money(amount, key[1]), len(saying[key])) for key, amount in sorted(sums.items())
    ]
