"""Whether a condition can hold, found by trying one value of each kind that it can tell apart.

A condition compares arguments with the values that stand in it. Between two such numbers, and
between two such beginnings of a text, nothing changes; so a finite number of trials answers for
all values. Where that is not certain, or takes too many trials, nothing is said.
"""

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model.json import JsonObject, JsonValue
from gateway.policy.advice.effort import Effort
from gateway.policy.rules.conditions import ArgumentKind, Arguments, Condition

MAX_TRIALS = 512
"""The most values, or combinations of values, that are tried of one condition."""

_COST = 10  # a trial takes as long as so many comparisons of rules
_MAX_LENGTH = 2_000
_LITERAL = re.compile(
    r"(?P<text>'[^']*'|\"[^\"]*\")|(?<![\w.])(?P<number>-?\d+(?:\.\d+)?)(?![\w.])"
)
_AFTER = "\U0010ffff"  # ends a text that begins as one in the condition and equals none
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Range:
    """How a condition can come out, over all arguments."""

    holds: bool
    fails_to_hold: bool


def range_of(condition: Condition, effort: Effort) -> Range | None:
    """How the condition can come out; None where trials cannot tell, or the effort is spent.

    An outcome that is an error (an argument is missing or of another type) is neither.
    """
    values = _values(condition)
    if values is None:
        return None
    trials = math.prod(map(len, values.values()))
    if trials > MAX_TRIALS or not effort.spend(trials * _COST):
        return None
    outcomes = {
        condition.outcome(Arguments(_arguments(zip(values, combination, strict=True))))
        for combination in itertools.product(*values.values())
    }
    return Range(holds=True in outcomes, fails_to_hold=False in outcomes)


def _values(condition: Condition) -> dict[str, list[JsonValue]] | None:
    """The values to try of each argument; None where they would not stand for all."""
    paths = list(condition.reads)
    if any(one != other and one.startswith(f"{other}.") for one in paths for other in paths):
        return None
    texts, numbers = _literals(condition.text)
    found: dict[str, list[JsonValue]] = {}
    for path, kinds in condition.reads.items():
        tried = _of_kind(kinds - {ArgumentKind.ANY}, len(paths), texts, numbers)
        if tried is None:
            return None
        found[path] = [*tried, _MISSING]
    return found


def _of_kind(
    kinds: frozenset[ArgumentKind], together: int, texts: Sequence[str], numbers: Sequence[float]
) -> Sequence[JsonValue] | None:
    """Values of the one kind that a condition takes an argument for. ``together`` is how many
    arguments may be compared with one another."""
    if not kinds:
        return ["x"]
    if kinds == {ArgumentKind.BOOLEAN}:
        return [True, False]
    if kinds == {ArgumentKind.NUMBER}:
        return _numbers(numbers, together)
    if kinds == {ArgumentKind.STRING}:
        return _texts(texts, together)
    if kinds == {ArgumentKind.SIZED} and together == 1:
        return _sized(numbers)
    return None


def _texts(texts: Sequence[str], together: int) -> list[str] | None:
    if any(_AFTER in text for text in texts):
        return None
    beginnings = dict.fromkeys(("", *texts))
    longer = [text + _AFTER * more for text in beginnings for more in range(1, together + 1)]
    return [*dict.fromkeys(texts), *longer]


def _numbers(numbers: Sequence[float], together: int) -> list[float] | None:
    """Each number of the condition, and as many between, below and above as there are arguments."""
    cuts = sorted(set(numbers))
    if not cuts:
        return list(range(together))
    low, high = math.floor(cuts[0]), math.ceil(cuts[-1])
    found: list[float] = [*cuts]
    found += [low - step for step in range(1, together + 1)]
    found += [high + step for step in range(1, together + 1)]
    for left, right in itertools.pairwise(cuts):
        between = {left + (right - left) * part / (together + 1) for part in range(1, together + 1)}
        inside = [value for value in between if left < value < right]
        if len(inside) < together:
            return None
        found += inside
    return found


def _sized(numbers: Sequence[float]) -> list[str] | None:
    lengths = {0} | {math.floor(number) + more for number in numbers for more in (-1, 0, 1, 2)}
    if max(lengths) > _MAX_LENGTH:
        return None
    return ["x" * length for length in sorted(lengths) if length >= 0]


def _literals(text: str) -> tuple[list[str], list[float]]:
    """The texts and the numbers that stand in a condition."""
    texts: list[str] = []
    numbers: list[float] = []
    for found in _LITERAL.finditer(text):
        if found["text"] is not None:
            texts.append(found["text"][1:-1])
        else:
            number = found["number"]
            numbers.append(float(number) if "." in number else int(number))
    return texts, numbers


def _arguments(given: Iterable[tuple[str, JsonValue]]) -> JsonObject:
    arguments: JsonObject = {}
    for path, value in given:
        *parents, name = path.split(".")
        inner = arguments
        for parent in parents:
            inner = inner.setdefault(parent, {})
        if value is not _MISSING:
            inner[name] = value
    return arguments
