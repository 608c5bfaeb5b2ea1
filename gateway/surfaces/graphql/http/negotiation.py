"""What form of answer a caller takes, by its Accept header (RFC 9110, section 12.5.1)."""

import re
from functools import lru_cache
from typing import NamedTuple

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"

_MOST_RANGES = 32
_LONGEST_KEPT = 512
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?|\.[0-9]{1,3}")
"""A weight (RFC 9110, section 12.4.2), also without the zero that Java's HttpURLConnection leaves
out where nobody sets the header."""


class Accepted(NamedTuple):
    """What a caller takes: the media type of one answer (None if neither of ours), whether it
    takes an event stream, takes that rather than one answer, or is a browser that opens a page.

    Where a range such as ``*/*`` takes JSON just as much, what is named goes before it."""

    media: str | None
    takes_events: bool
    prefers_events: bool
    wants_page: bool


def negotiate(accept: str | None, undecided: str = GRAPHQL_JSON) -> Accepted:
    """What a caller takes who sends ``accept``; ``undecided`` is the media type where it takes
    both of ours alike without naming GraphQL's own."""
    if accept is not None and len(accept) > _LONGEST_KEPT:
        return _judged(accept, undecided)
    return _kept(accept, undecided)


def quality(accept: str) -> dict[str, float]:
    """How much each media range is wanted, 0 to 1.

    A range with another charset than UTF-8 is not wanted at all, because nothing fits it.
    """
    wanted: dict[str, float] = {}
    for part in accept.split(",")[:_MOST_RANGES]:
        media, *parameters = (item.strip().lower() for item in part.split(";"))
        weight = 1.0 if is_utf8(parameters) else 0.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weight = min(weight, _weight(parameter[2:]))
        if media:
            wanted[media] = max(weight, wanted.get(media, 0.0))
    return wanted


def is_utf8(parameters: list[str]) -> bool:
    """True unless the parameters of a media type name another charset, be it beside UTF-8."""
    named = (item[len("charset=") :] for item in parameters if item.startswith("charset="))
    return all(charset.strip('"') in ("utf-8", "utf8") for charset in named)


def _judged(accept: str | None, undecided: str) -> Accepted:
    wanted = quality(accept or "")
    named = max(wanted.get(GRAPHQL_JSON, 0.0), wanted.get(PLAIN_JSON, 0.0))
    json = max(_json(wanted))
    events, page = wanted.get(EVENT_STREAM, 0.0), wanted.get(HTML, 0.0)
    prefers_events, wants_page = (named < one >= json for one in (events, page))
    return Accepted(_media(wanted, undecided), events > 0, prefers_events, wants_page)


_kept = lru_cache(maxsize=256)(_judged)
"""Callers send the same few headers again and again."""


def _media(wanted: dict[str, float], undecided: str) -> str | None:
    if not wanted:
        return undecided
    graphql, plain = _json(wanted)
    if max(graphql, plain) <= 0:
        return None
    if graphql == plain:
        return GRAPHQL_JSON if GRAPHQL_JSON in wanted else undecided
    return PLAIN_JSON if plain > graphql else GRAPHQL_JSON


def _json(wanted: dict[str, float]) -> tuple[float, float]:
    """How much GraphQL's own media type and plain JSON are wanted, be it by a range."""
    anything = wanted.get("application/*", wanted.get("*/*", 0.0))
    return wanted.get(GRAPHQL_JSON, anything), wanted.get(PLAIN_JSON, anything)


def _weight(text: str) -> float:
    return float(text) if _WEIGHT.fullmatch(text) else 0.0
