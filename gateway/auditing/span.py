"""The span of time that an auditor asks about: from a moment up to, without, another one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, invalid
from gateway.model.time import parse, stamp

EARLIEST = "0001-01-01T00:00:00.000000Z"
LATEST = "9999-12-31T23:59:59.999999Z"


@dataclass(frozen=True, slots=True)
class Span:
    """From the stamp ``since`` up to, without, the stamp ``until``."""

    since: str = EARLIEST
    until: str = LATEST


def span_of(value: JsonObject, *, required: bool = False) -> Span:
    """The span that an input names: ``on`` a day in UTC, or ``from`` one moment ``to`` another.

    Raises:
        ProblemError: VALIDATION_FAILED for both ways at once, an end before the beginning, and,
            where a span is ``required``, none.
    """
    day, begin, end = value.get("on"), value.get("from"), value.get("to")
    if day is not None:
        if begin is not None or end is not None:
            told = "Name a day (`on`), or moments (`from` and `to`), not both."
            raise invalid([Issue("/input/on", "NOT_ALLOWED", told)])
        return _day(day)
    if required and begin is None:
        told = (
            "Say which time you mean: a day (`on`), or a moment (`from`) and mostly another (`to`)."
        )
        raise invalid([Issue("/input/from", "REQUIRED", told)])
    since = EARLIEST if begin is None else _moment(begin, "/input/from")
    until = LATEST if end is None else _moment(end, "/input/to")
    if until <= since:
        told = "The end lies after the beginning; the moment `to` itself is left out."
        raise invalid([Issue("/input/to", "OUT_OF_RANGE", told)])
    return Span(since, until)


def _day(text: str) -> Span:
    first = date.fromisoformat(text)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    try:
        return Span(stamp(begin), stamp(begin + timedelta(days=1)))
    except OverflowError:
        return Span(stamp(begin), LATEST)


def _moment(text: str, path: str) -> str:
    try:
        return stamp(parse(text.upper()))
    except (ValueError, OverflowError) as error:
        raise invalid([Issue(path, "OUT_OF_RANGE", "must lie in the years 1 to 9999")]) from error
