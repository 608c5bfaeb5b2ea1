"""Whether an answer has the fields that its document asks for, each with what was selected of it.

Documents are those of the commands (``documents.py``), so reading them takes no parser. What stands
in fields without a selection is not looked at: it is only shown.
"""

import re
from functools import cache
from typing import Any

Shape = dict[str, Any]
"""What is selected of each field, by its name in the answer; of fields without a selection,
nothing."""

SINGLE = frozenset({"found", "done", "event", "execution"})
"""Fields that are one object. All others with a selection are lists of them."""

NULLABLE = frozenset({"issues"})
"""Fields with a selection that may be null."""

_PART = re.compile(r"[{}]|\w+")
_BESIDES = re.compile(r"\([^)]*\)|:\s*\w+")
"""What has no part in the answer: arguments, and the field behind another name for it."""


def has_all(document: str, data: Any) -> bool:
    """True where ``data`` has everything that a document of the commands asks for, and no field
    beside those."""
    shape = _shape_of(document)
    return _has(shape, data) and data.keys() == shape.keys()


@cache
def _shape_of(document: str) -> Shape:
    _, _, selected = _BESIDES.sub("", document).partition("{")
    shape: Shape = {}
    around, name = [shape], ""
    for part in _PART.findall(selected):
        if part == "{":
            around.append(around[-1][name])
        elif part == "}":
            around.pop()
        else:
            name = part
            around[-1][name] = {}
    return shape


def _has(shape: Shape, value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in value and (not inner or _fits(name, inner, value[name]))
        for name, inner in shape.items()
    )


def _fits(name: str, shape: Shape, value: Any) -> bool:
    if value is None:
        return name in NULLABLE
    if name in SINGLE:
        return _has(shape, value)
    return isinstance(value, list) and all(_has(shape, one) for one in value)
