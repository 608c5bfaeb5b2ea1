"""Walking values by PII paths and by sealed envelopes.

A PII path is dotted (``customer.email``) and walks through lists on its way. An envelope is what
stands in a stored value in place of PII: ``{"$sealed": [format, contract, field, key id, data]}``,
where ``field`` is ``input.<path>`` or ``output.<path>``. Readers look at the first member, so
that another form of sealing changes none of them.
"""

import contextlib
import operator
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from gateway.model.json import JsonObject, JsonValue

SEALED = "$sealed"
"""The key of a sealed envelope."""

_PERSON = "person/"


class ErasedError(ValueError):
    """A sealed value was erased: the key that opens it was destroyed, for good."""


class Owner(Struct, frozen=True):
    """Whose data a value is, in a workspace: it is sealed with a key of this ``subject``.

    A subject is ``person/<id>`` where the contract names one, else what the value belongs to:
    ``execution/<id>``, ``call/<decision id>``, ``grant/<id>``.
    """

    workspace: str
    subject: str

    @property
    def is_person(self) -> bool:
        """True for somebody whom a contract names."""
        return self.subject.startswith(_PERSON)

    def person(self, name: JsonValue) -> "Owner":
        """The person of this name in the same workspace; ``self`` where it is no name.

        One person must not be two by the way in which a name is written: names are compared in
        Unicode's form NFC without blanks around them, and addresses (with an @) in lower case.
        """
        if isinstance(name, bool) or not isinstance(name, str | int):
            return self
        text = str(name).strip()
        if not text.isascii():
            text = unicodedata.normalize("NFC", text).strip()
        if not text:
            return self
        return Owner(self.workspace, _PERSON + (text.casefold() if "@" in text else text))


def execution_owner(workspace: str, execution_id: str) -> Owner:
    """The owner of what an execution holds and no contract gives to a person."""
    return Owner(workspace, f"execution/{execution_id}")


def call_owner(workspace: str, decision_id: str) -> Owner:
    """The owner of what a call without an execution holds and no contract gives to a person."""
    return Owner(workspace, f"call/{decision_id}")


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


def map_owned(
    value: JsonValue,
    path: str,
    owner: Owner,
    subject: str,
    change: Callable[[Owner, JsonValue], JsonValue],
) -> JsonValue:
    """``map_path`` where each value may be another person's.

    ``subject`` is the path of the name of the person. Where both paths walk through the same list,
    each item has a person of its own. ``change`` gets ``owner`` where nobody is named.
    """
    return _owned(value, _parts(path), _parts(subject), owner, change)


@lru_cache(maxsize=4096)
def _parts(path: str) -> tuple[str, ...]:
    """The names on a path, which contracts make again and again."""
    return tuple(path.split("."))


def _owned(
    value: JsonValue,
    path: tuple[str, ...],
    subject: tuple[str, ...],
    owner: Owner,
    change: Callable[[Owner, JsonValue], JsonValue],
) -> JsonValue:
    if isinstance(value, list):
        return [_owned(item, path, subject, owner, change) for item in value]
    head, rest = path[0], path[1:]
    if not isinstance(value, dict) or value.get(head) is None:
        return value
    owner = owner.person(value_at(value, subject))
    if rest:
        below = subject[1:] if subject[:1] == (head,) else ()
        return {**value, head: _owned(value[head], rest, below, owner, change)}
    return {**value, head: change(owner, value[head])}


def named_owner(owner: Owner, subject: str | None, *values: JsonValue) -> Owner:
    """The person whom the first of ``values`` that does names at the path ``subject``; else
    ``owner``."""
    if subject is not None:
        path = _parts(subject)
        for value in values:
            person = owner.person(value_at(value, path))
            if person is not owner:
                return person
    return owner


def value_at(value: JsonValue, path: Sequence[str]) -> JsonValue:
    """The one value at ``path``; None where there is none, or where a list is on the way."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value if path else None


def is_envelope(value: JsonValue) -> bool:
    """True for a sealed envelope."""
    return isinstance(value, dict) and len(value) == 1 and SEALED in value


def map_envelopes(value: JsonValue, change: Callable[[JsonObject], JsonValue]) -> JsonValue:
    """``value`` with every sealed envelope in it replaced by what ``change`` gives.

    ``value`` is never altered; whatever holds no envelope is given back as it is.
    """
    if isinstance(value, list):
        items = [map_envelopes(item, change) for item in value]
        return value if all(map(operator.is_, items, value)) else items
    if not isinstance(value, dict):
        return value
    if is_envelope(value):
        return change(value)
    changed = {}
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            other = map_envelopes(item, change)
            if other is not item:
                changed[key] = other
    return {**value, **changed} if changed else value


def envelopes_in(value: JsonValue) -> dict[str, JsonObject]:
    """One envelope for each key that seals something in ``value``, by the id of the key."""
    found: dict[str, JsonObject] = {}
    for item in each_envelope(value):
        with contextlib.suppress(LookupError, TypeError):
            found.setdefault(str(item[SEALED][3]), item)
    return found


def each_envelope(value: JsonValue) -> Iterator[JsonObject]:
    """Every sealed envelope in ``value``, in its order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if is_envelope(item):
            yield item
        elif isinstance(item, dict):
            waiting.extend(reversed(item.values()))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def envelope_field(envelope: JsonObject) -> tuple[str, str]:
    """The contract reference and the field that an envelope was sealed for."""
    _, contract, field, *_ = envelope[SEALED]
    return contract, field
