"""Exceptions as logs may tell them: types and places, never what an exception says.

The messages of pydantic, sqlite, httpx and of our own exceptions quote values, and so do notes,
arguments and local variables. Only the code of a problem is told, because it is one of a documented
set.
"""

import re
import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType

from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError

MOST_LINKS = 12
"""How many exceptions of a chain or of groups are told."""
MOST_FRAMES = 25
"""How many frames of each are told, the innermost ones."""

_ROOT = f"{Path(__file__).resolve().parents[2]}/"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_NAME = re.compile(r"[\w.<>]{1,120}", re.ASCII)
_FILE = re.compile(r"[\w./<> +-]{1,300}", re.ASCII)
_UNKNOWN = "?"


def code_of(error: BaseException) -> str | None:
    """The code of a problem's exception; None of any other."""
    if not isinstance(error, ProblemError):
        return None
    code = error.problem.code
    return code if _CODE.fullmatch(code) else None


def failure_of(error: BaseException) -> list[JsonObject]:
    """An exception with those behind it, each as its type, its code and its frames.

    ``relation`` says how one belongs to the first before it: ``cause``, ``context`` or ``member``
    of a group. Frames are ``file:line function``, the innermost last.
    """
    return [_link(one, relation) for one, relation in _chain(error)]


def told_failure(error: BaseException) -> str:
    """An exception in one line: ``Type at frame < frame``, with those behind it."""
    parts = []
    for link in failure_of(error):
        code = f" {link['code']}" if "code" in link else ""
        relation = f"{link['relation']} " if "relation" in link else ""
        at = " < ".join(reversed(link["frames"])) or _UNKNOWN
        parts.append(f"{relation}{link['type']}{code} at {at}")
    return "; ".join(parts)


def place(file: str, line: int, function: str) -> str:
    """A place in the code as it may be told."""
    _, installed, tail = file.rpartition("/site-packages/")
    short = tail if installed else file.removeprefix(_ROOT)
    return f"{_safe(short, _FILE)}:{line} {_safe(function, _NAME)}"


def type_name(kind: type) -> str:
    """The name of a type with its module, but for the built-in ones."""
    name = kind.__qualname__
    full = name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
    return _safe(full, _NAME)


def _safe(text: str, pattern: re.Pattern[str]) -> str:
    return text if pattern.fullmatch(text) else _UNKNOWN


def _link(error: BaseException, relation: str | None) -> JsonObject:
    link: JsonObject = {"type": type_name(type(error))}
    code = code_of(error)
    if relation is not None:
        link["relation"] = relation
    if code is not None:
        link["code"] = code
    link["frames"] = _frames(error.__traceback__)
    return link


def _frames(trace: TracebackType | None) -> list[str]:
    """The innermost frames. Neither source lines nor variables are looked at."""
    told: list[str] = []
    for frame, line in traceback.walk_tb(trace):
        code = frame.f_code
        told.append(place(code.co_filename, line, code.co_name))
        if len(told) > MOST_FRAMES:
            del told[0]
    return told


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str | None]]:
    """An exception, what it came of and the members of groups, each once."""
    return islice(_all(error), MOST_LINKS)


def _all(error: BaseException) -> Iterator[tuple[BaseException, str | None]]:
    seen: set[int] = set()
    todo: list[tuple[BaseException, str | None]] = [(error, None)]
    while todo:
        one, relation = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one, relation
        if one.__cause__ is not None:
            todo.append((one.__cause__, "cause"))
        elif one.__context__ is not None and not one.__suppress_context__:
            todo.append((one.__context__, "context"))
        if isinstance(one, BaseExceptionGroup):
            todo += [(member, "member") for member in one.exceptions[:MOST_LINKS]]
