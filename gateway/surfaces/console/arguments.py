"""Arguments of an action, made readable: one row a value, money and personal data set off."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gateway.model.json import JsonObject

MAX_ROWS = 60
"""How many values of one action a page shows."""

_MAX_DEPTH = 12
_MAX_CHARS = 400
_AMOUNTS = ("amount", "price", "total", "fee", "cost", "balance", "sum")
_MASKED = "•"
_HASHED = "hash:"


class Kind(StrEnum):
    """What a value is to whoever decides."""

    PLAIN = "plain"
    MONEY = "money"
    PERSON = "person"
    FLOWS = "flows"


@dataclass(frozen=True, slots=True)
class Row:
    """One value: where it stands, as text, and what it is. ``masked`` is true where policy shows
    less of it than there is; ``rest`` counts the characters that were left out; ``amount`` and
    ``currency`` (ISO 4217, or empty) are there for money."""

    name: str
    text: str
    kind: Kind = Kind.PLAIN
    masked: bool = False
    rest: int = 0
    amount: Decimal | None = None
    currency: str = ""


def rows_of(value: JsonObject | None, pii: Collection[str] = ()) -> list[Row]:
    """The values of a JSON object in rows; at most ``MAX_ROWS``, then one that says so.

    Args:
        value: arguments or an output, as the caller may see them.
        pii: the paths that hold personal data, as contracts write them (``customer.email``).
    """
    found: list[Row] = []
    for row in _rows("", value, pii, 0) if value else ():
        if len(found) == MAX_ROWS:
            return [*found, Row("…", f"More than {MAX_ROWS} values: the API tells all of them.")]
        found.append(row)
    return found


def amounts_of(value: JsonObject | None) -> list[Row]:
    """The rows of all money in a JSON object, also where a page has no room for them."""
    return [row for row in _rows("", value, (), 0) if row.kind is Kind.MONEY] if value else []


def _rows(
    path: str, value: Any, pii: Collection[str], depth: int, around: str = ""
) -> Iterator[Row]:
    """``around`` is the currency that amounts are in where nothing closer to them names one."""
    if isinstance(value, dict) and (source := _source_of(value)) is not None:
        yield Row(path, f"from {source}", Kind.FLOWS)
    elif isinstance(value, dict) and value and depth < _MAX_DEPTH:
        named = _currencies_of(value)
        only = next(iter(named.values()), around) if len(named) < 2 else ""
        has_amount = any(_is_amount(name, member) for name, member in value.items())
        told = next(iter(named), None) if has_amount and only else None
        for name, member in value.items():
            at = f"{path}.{name}" if path else name
            if name == told:
                continue
            if _is_amount(name, member):
                currency = only or _currency_of(name, named)
                yield _money_row(at, Decimal(str(member)), currency)
            else:
                yield from _rows(at, member, pii, depth + 1, only)
    elif isinstance(value, list) and value and depth < _MAX_DEPTH:
        for index, member in enumerate(value):
            yield from _rows(f"{path}[{index}]", member, pii, depth + 1, around)
    else:
        yield _row(path, value, pii)


def _row(path: str, value: Any, pii: Collection[str]) -> Row:
    text = _text(value)
    kind = Kind.PERSON if _is_pii(path, pii) else Kind.PLAIN
    rest = max(0, len(text) - _MAX_CHARS)
    return Row(path, text[:_MAX_CHARS], kind, is_masked(value), rest)


def is_masked(value: Any) -> bool:
    """Whether policy shows less of a value than there is, by the marks that it leaves."""
    return isinstance(value, str) and (_MASKED in value or value.startswith(_HASHED))


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return "empty" if not value else "…"
    return str(value)


def _source_of(value: Mapping[str, Any]) -> str | None:
    """The field of an earlier step that a value comes from."""
    source = value.get("$from")
    return source if len(value) == 1 and isinstance(source, str) else None


def _is_pii(path: str, pii: Collection[str]) -> bool:
    """Whether a path, or what it stands in, holds personal data; places in lists do not matter."""
    parts = [part.partition("[")[0] for part in path.split(".")]
    return any(".".join(parts[:many]) in pii for many in range(1, len(parts) + 1))


def _currencies_of(value: Mapping[str, Any]) -> dict[str, str]:
    """The codes (ISO 4217) of the currencies that an object names, by the name of each."""
    return {
        name: member
        for name, member in value.items()
        if name.lower().endswith("currency")
        and isinstance(member, str)
        and len(member) == 3
        and member.isupper()
    }


def _currency_of(amount: str, named: Mapping[str, str]) -> str:
    """Which of several currencies an amount is in, by its name: ``feeAmount`` in ``feeCurrency``,
    or in ``currency``; empty where not exactly one is named so. No other is taken by its place."""
    starts = {name: name.lower().removesuffix("currency") for name in named}
    fitting = {start for start in starts.values() if amount.lower().startswith(start)}
    closest = max(fitting, key=len, default=None)
    codes = {named[name] for name, start in starts.items() if start == closest}
    return codes.pop() if len(codes) == 1 else ""


def _is_amount(name: str, value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and name.lower().endswith(_AMOUNTS)


def _money_row(path: str, amount: Decimal, currency: str) -> Row:
    told = money(amount, currency)
    return Row(path, told, Kind.MONEY, amount=amount, currency=currency)


def money(amount: Decimal, currency: str) -> str:
    """An amount with its currency: at least two decimals, all that it has, thousands set apart."""
    whole, _, decimals = f"{amount:,f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2} {currency}".strip()
