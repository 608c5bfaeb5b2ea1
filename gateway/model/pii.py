"""Walking values by PII paths and by sealed envelopes.

A PII path is dotted (``customer.email``) and walks through lists on its way. An envelope is what
stands in a stored value in place of PII: ``{"$sealed": [format, contract, field, key id, data]}``,
where ``field`` is ``input.<path>`` or ``output.<path>``. Readers look at the first member, so
that another form of sealing changes none of them.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

from gateway.model.json import JsonObject, JsonValue

SEALED = "$sealed"
"""The key of a sealed envelope."""


class PiiClass(StrEnum):
    """What personal data tells of somebody.

    Contact: who they are and how to reach them. Free text: whatever people write, in which any
    of the other classes may stand.
    """

    CONTACT = "contact"
    FINANCIAL = "financial"
    HEALTH = "health"
    CREDENTIAL = "credential"
    FREE_TEXT = "free_text"


PiiClasses = frozenset[PiiClass]
"""The classes of one path: at least one, since a path without a class is not PII."""

ANY_CLASS: PiiClasses = frozenset(PiiClass)
"""The classes of PII of which nothing was said."""


def map_path(value: JsonValue, path: str, change: Callable[[JsonValue], JsonValue]) -> JsonValue:
    """A copy of ``value`` with ``change`` applied to whatever stands at ``path``.

    Absent and null members stay as they are; lists on the way are walked through. ``value``
    itself is never altered.
    """
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        return [map_path(item, path, change) for item in value]
    if not isinstance(value, dict) or value.get(head) is None:
        return value
    inner = map_path(value[head], rest, change) if rest else change(value[head])
    return {**value, head: inner}


def map_paths(
    value: JsonValue, paths: Iterable[str], change: Callable[[str, JsonValue], JsonValue]
) -> JsonValue:
    """``map_path`` for several paths; ``change`` gets the path as well."""
    for path in paths:

        def at_path(found: JsonValue, path: str = path) -> JsonValue:
            return change(path, found)

        value = map_path(value, path, at_path)
    return value


def is_envelope(value: JsonValue) -> bool:
    """True for a sealed envelope."""
    return isinstance(value, dict) and len(value) == 1 and SEALED in value


def map_envelopes(value: JsonValue, change: Callable[[JsonObject], JsonValue]) -> JsonValue:
    """A copy of ``value`` with every sealed envelope in it replaced by what ``change`` gives."""
    if isinstance(value, list):
        return [map_envelopes(item, change) for item in value]
    if isinstance(value, dict):
        if is_envelope(value):
            return change(value)
        return {key: map_envelopes(item, change) for key, item in value.items()}
    return value


def envelope_field(envelope: JsonObject) -> tuple[str, str]:
    """The contract reference and the field that an envelope was sealed for."""
    _, contract, field, *_ = envelope[SEALED]
    return contract, field
