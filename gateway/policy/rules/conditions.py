"""Conditions on a call's arguments, as closures. Their notation is read in ``grammar``.

A condition is three-valued: an argument that is not known yet makes it undecided. An argument that
is missing, null or of another type is an error, which blocks; ``has(path)`` asks for presence
first. ``&&`` and ``||`` go from left to right, and an error on a side that is reached is an error
of the whole; while it depends on something unknown whether it is reached, the whole is undecided.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.model.json import JsonObject, JsonValue


class ArgumentKind(StrEnum):
    """What a condition expects an argument to be; ``any`` where it only asks for presence."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    LIST = "list"
    SIZED = "string or list"
    SCALAR = "number, string or boolean"
    ANY = "value"


@dataclass(frozen=True, slots=True)
class Undecided:
    """The outcome while ``paths``, which the condition reads, are not known yet."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The outcome where an argument does not fit; ``why`` names it and never its value."""

    why: str


Outcome = bool | Undecided | Failed


class _MismatchError(Exception):
    """An argument is missing or of the wrong type."""


class _Absent:
    """What stands for an argument that is not there."""


_UNKNOWN: Final = _Absent()
_MISSING: Final = _Absent()


class Arguments:
    """The arguments of one call: raw ``values``, and dotted paths still ``unknown``."""

    __slots__ = ("unknown", "values")

    def __init__(self, values: JsonObject, unknown: frozenset[str] = frozenset()) -> None:
        self.values = values
        self.unknown = unknown

    def find(self, path: str, names: tuple[str, ...]) -> JsonValue:
        """The value at ``path`` (``names`` are its parts), or what stands for an absent one."""
        if self.unknown and covers_unknown(path, self.unknown):
            return _UNKNOWN
        value: JsonValue = self.values
        for name in names:
            if value is None:
                return _MISSING
            if not isinstance(value, dict):
                raise _MismatchError(f"the argument {path} does not lie in an object")
            value = value.get(name)
        return _MISSING if value is None else value


def covers_unknown(path: str, unknown: frozenset[str]) -> bool:
    """True if ``path``, something that holds it or something inside it is not known yet."""
    return path in unknown or any(
        path.startswith(f"{other}.") or other.startswith(f"{path}.") for other in unknown
    )


Test = Callable[[Arguments], bool | None]
"""A truth value; None while undecided."""

Read = Callable[[Arguments], JsonValue]

Relation = Callable[[JsonValue, JsonValue], bool]


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison.

    ``path`` is set for an argument, ``kind`` where the text tells what the value is, and
    ``literal`` for a value that stands in the text.
    """

    read: Read
    path: str = ""
    kind: ArgumentKind | None = None
    literal: JsonValue = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition. ``reads`` holds the argument paths it looks at and what it expects."""

    text: str
    reads: Mapping[str, frozenset[ArgumentKind]]
    test: Test = field(repr=False, compare=False)

    def outcome(self, arguments: Arguments) -> Outcome:
        """Whether the condition holds for these arguments. Never raises."""
        try:
            held = self.test(arguments)
        except _MismatchError as mismatch:
            return Failed(str(mismatch))
        except Exception as error:  # whatever else goes wrong inside a rule must block, not pass
            return Failed(f"its condition could not be evaluated ({type(error).__name__})")
        if held is None:
            unknown = arguments.unknown
            return Undecided(tuple(path for path in self.reads if covers_unknown(path, unknown)))
        return held


def literal(value: JsonValue) -> Operand:
    """A value that stands in the text."""
    return Operand(lambda _: value, kind=kind_of(value), literal=value)


def argument(path: str) -> Operand:
    """The argument at ``path``, which must be there."""

    names = tuple(path.split("."))

    def read(arguments: Arguments) -> JsonValue:
        value = arguments.find(path, names)
        if value is _MISSING:
            raise _MismatchError(f"the argument {path} is missing")
        return value

    return Operand(read, path)


def length(path: str) -> Operand:
    """How many characters or items the argument at ``path`` has."""
    read = argument(path).read

    def measure(arguments: Arguments) -> JsonValue:
        value = read(arguments)
        if value is _UNKNOWN:
            return value
        if not isinstance(value, str | list):
            raise _MismatchError(f"the argument {path} is no string or list")
        return len(value)

    return Operand(measure, kind=ArgumentKind.NUMBER)


def presence(path: str) -> Test:
    """Whether the argument at ``path`` is there and not null."""
    names = tuple(path.split("."))

    def test(arguments: Arguments) -> bool | None:
        value = arguments.find(path, names)
        return None if value is _UNKNOWN else value is not _MISSING

    return test


def prefix(path: str, start: str) -> Test:
    """Whether the string at ``path`` begins with ``start``."""
    return relation(
        argument(path),
        literal(start),
        lambda value, begin: bool(value.startswith(begin)),
        ArgumentKind.STRING,
    )


def truth(operand: Operand) -> Test:
    """The boolean that stands there itself."""
    return relation(operand, literal(True), lambda value, _: bool(value), ArgumentKind.BOOLEAN)


def relation(left: Operand, right: Operand, holds: Relation, kind: ArgumentKind | None) -> Test:
    """``holds`` between two values of one kind; ``kind`` None takes the first known value's own."""

    def test(arguments: Arguments) -> bool | None:
        first, second = left.read(arguments), right.read(arguments)
        expected = kind or _scalar_kind(left, first) or _scalar_kind(right, second)
        if expected and kind_of(first) is expected is kind_of(second):
            return holds(first, second)
        for operand, value in ((left, first), (right, second)):
            if value is not _UNKNOWN and kind_of(value) is not expected:
                raise _MismatchError(f"the argument {operand.path} is no {expected}")
        return None

    return test


def membership(item: Operand, values: Operand) -> Test:
    """Whether the list ``values`` (literal, or an argument) holds a value equal to ``item``."""
    kind = kind_of(values.literal[0]) if values.literal else None

    def test(arguments: Arguments) -> bool | None:
        sought, listed = item.read(arguments), values.read(arguments)
        expected = _scalar_kind(item, sought)
        if kind and expected and expected is not kind:
            raise _MismatchError(f"the argument {item.path} is no {kind}")
        if listed is not _UNKNOWN and not isinstance(listed, list):
            raise _MismatchError(f"the argument {values.path} is no list")
        if sought is _UNKNOWN or not isinstance(listed, list):
            return None
        return any(kind_of(value) is expected and value == sought for value in listed)

    return test


def negation(test: Test) -> Test:
    """``!test``."""

    def opposite(arguments: Arguments) -> bool | None:
        held = test(arguments)
        return None if held is None else not held

    return opposite


def junction(tests: Sequence[Test], settles: bool) -> Test:
    """``&&`` (``settles`` False) or ``||`` (True): the first test that settles it decides."""

    def test(arguments: Arguments) -> bool | None:
        undecided = False
        for part in tests:
            try:
                held = part(arguments)
            except _MismatchError:
                if undecided:
                    return None
                raise
            if held is settles:
                return settles
            undecided = undecided or held is None
        return None if undecided else not settles

    return test


_KINDS = {
    bool: ArgumentKind.BOOLEAN,
    str: ArgumentKind.STRING,
    int: ArgumentKind.NUMBER,
    float: ArgumentKind.NUMBER,
}


def kind_of(value: JsonValue) -> ArgumentKind | None:
    """The scalar kind of a value; None for anything else, such as an object or NaN."""
    if type(value) is float and not math.isfinite(value):
        return None
    return _KINDS.get(type(value))


def _scalar_kind(operand: Operand, value: JsonValue) -> ArgumentKind | None:
    if value is _UNKNOWN:
        return None
    kind = kind_of(value)
    if kind is None:
        raise _MismatchError(f"the argument {operand.path} is no {ArgumentKind.SCALAR.value}")
    return kind
