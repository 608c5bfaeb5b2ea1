"""Problems without personal data: what a call's PII values left in them is hidden.

A problem is told to callers, recorded, and announced in events. Its words are the gateway's own, or
those of a handler; either may quote a value, or name a key of free JSON that is itself somebody's
address. So whoever tells or records a problem hides in it the PII of the call that it belongs to.
Code, place and remedy stay.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gateway.model.json import JsonValue, shown_name
from gateway.model.pii import map_path
from gateway.model.problem import Issue, Problem

HIDDEN = "•••"
"""What stands in a text for a value that it must not hold."""

MIN_LENGTH = 3
"""Shorter values are not looked for: as a part of ordinary words they would be found everywhere,
and hiding them there would tell what they are."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]*", re.ASCII)
"""A text that is written alike everywhere."""

_to_ascii, _to_json = json.JSONEncoder().encode, json.JSONEncoder(ensure_ascii=False).encode
"""Made once: one is not to be made for each value."""


def values_at(value: JsonValue, paths: Iterable[str]) -> list[JsonValue]:
    """Whatever stands at the dotted PII ``paths`` of ``value``, which need not fit any contract."""
    found: list[JsonValue] = []

    def keep(item: JsonValue) -> JsonValue:
        found.append(item)
        return item

    for path in paths:
        map_path(value, path, keep)
    return found


def scrub(told: Problem, values: Iterable[JsonValue]) -> Problem:
    """``told`` without the PII ``values``, in whatever letters and escapes they stand there.

    Texts, numbers and those keys of objects inside of ``values`` that are no plain names are hidden
    in its title, detail, issues and further members. The problem itself is returned where nothing
    is found.
    """
    texts = _texts_of(told)
    found = _found(values, "\n".join(texts).casefold())
    if not found:
        return told
    hidden = re.compile("|".join(re.escape(text) for text in found), re.IGNORECASE)
    return replace(
        told,
        title=hidden.sub(HIDDEN, told.title),
        detail=hidden.sub(HIDDEN, told.detail),
        issues=tuple(
            Issue(hidden.sub(HIDDEN, one.path), one.code, hidden.sub(HIDDEN, one.message))
            for one in told.issues
        ),
        extra=_hide(told.extra, hidden) if told.extra else told.extra,
    )


def _texts_of(told: Problem) -> list[str]:
    texts = [told.title, told.detail]
    for one in told.issues:
        texts += (one.path, one.message)
    return [*texts, json.dumps(told.extra, ensure_ascii=False)] if told.extra else texts


def _found(values: Iterable[JsonValue], text: str) -> list[str]:
    """The spellings of ``values`` that stand in the folded ``text``, the longest first."""
    leaves = set(_leaves(values))  # a body has room for 100,000 that are the same
    spelled = {one for leaf in leaves for one in _spellings(leaf)}
    starts = {text[at : at + MIN_LENGTH] for at in range(len(text))}  # few of all can begin there
    found = [
        one
        for one in spelled
        if len(one) >= MIN_LENGTH
        and (folded := one.casefold())[:MIN_LENGTH] in starts
        and folded in text
    ]
    return sorted(found, key=len, reverse=True)


def _leaves(values: Iterable[JsonValue]) -> Iterator[str]:
    """Every text and number inside of ``values``, and every key that is no plain name."""
    waiting = list(values)
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            # A plain name is the model's own: hiding it would hide where the problem is.
            yield from (key for key in item if shown_name(key) != key)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            yield item
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield repr(item)  # as JSON writes it


def _spellings(text: str) -> Iterator[str]:
    """``text`` as it is, and as addresses, JSON, pointers and Python write it."""
    yield text
    if _PLAIN.fullmatch(text):
        return
    yield text.strip()
    yield quote(text, safe="", errors="replace")
    yield _to_ascii(text)[1:-1]
    yield _to_json(text)[1:-1]
    yield text.replace("~", "~0").replace("/", "~1")
    yield repr(text)[1:-1]


def _hide(value: Any, hidden: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return hidden.sub(HIDDEN, value)
    if isinstance(value, list):
        return [_hide(item, hidden) for item in value]
    if isinstance(value, dict):
        return {_hide(key, hidden): _hide(item, hidden) for key, item in value.items()}
    return value
