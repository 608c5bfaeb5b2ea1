"""The parts of a condition: which of them fail, and the numbers that they compare with.

A condition decides as the closure that ``grammar`` makes of it. To say why it did, its text is
taken apart at ``&&``, ``||``, ``!`` and parentheses, and each part is read as a condition again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from gateway.policy.rules.conditions import Arguments, Condition, Outcome
from gateway.policy.rules.grammar import parse_condition

_PIECE = re.compile(r"'[^']*'|\"[^\"]*\"|&&|\|\||!(?!=)|[()]", re.ASCII)
_NUMBER = r"-?\d+(?:\.\d+)?"
_PATH = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_COMPARED = re.compile(
    rf"(?:(?P<path>{_PATH})\s*(?:<=?|>=?|==|!=)\s*(?P<number>{_NUMBER})"
    rf"|(?P<first>{_NUMBER})\s*(?:<=?|>=?|==|!=)\s*(?P<second>{_PATH}))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a condition: ``joined`` is ``&&``, ``||`` or ``!`` over ``parts``, or empty for
    one that cannot be taken apart; ``condition`` decides it."""

    condition: Condition
    joined: str = ""
    parts: tuple["Part", ...] = ()

    @property
    def text(self) -> str:
        """How it is written."""
        return self.condition.text

    def failing(self, arguments: Arguments) -> Iterator[tuple["Part", Outcome]]:
        """The smallest parts on which it hangs that this does not hold, each with its outcome."""
        outcome = self.condition.outcome(arguments)
        if outcome is True:
            return
        if self.joined != "&&":
            yield self, outcome
            return
        for part in self.parts:
            yield from part.failing(arguments)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Every argument that is compared with a number, and the number."""
        for part in self.parts:
            yield from part.numbers()
        if not self.parts and (found := _COMPARED.fullmatch(self.text)):
            path = found["path"] or found["second"]
            yield path, float(found["number"] or found["first"])


@lru_cache(maxsize=1_000)
def parts_of(text: str) -> Part:
    """A condition that parses, taken apart."""
    inner = _unwrapped(text.strip())
    condition = parse_condition(inner)
    for sign in ("||", "&&"):
        pieces = _split(inner, sign)
        if len(pieces) > 1:
            return Part(condition, sign, tuple(parts_of(piece) for piece in pieces))
    negated = False
    while inner.startswith("!"):  # any number of them, which is no depth of its own
        inner, negated = inner[1:].lstrip(), not negated
    if negated:
        return Part(condition, "!", (parts_of(inner),))
    return Part(condition) if inner == condition.text else parts_of(inner)


def _split(text: str, sign: str) -> list[str]:
    """``text`` at every ``sign`` that stands outside of parentheses and strings."""
    pieces, begin, depth = [], 0, 0
    for found in _signs(text):
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0 and found[0] == sign:
            pieces.append(text[begin : found.start()])
            begin = found.end()
    return [*pieces, text[begin:]]


def _unwrapped(text: str) -> str:
    """``text`` without parentheses around the whole of it."""
    while text.startswith("(") and _closes(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closes(text: str) -> int:
    """Where the parenthesis that ``text`` begins with is closed."""
    depth = 0
    for found in _signs(text):
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0:
            return found.start()
    return -1


def _signs(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _PIECE.finditer(text) if found[0][0] not in "'\"")
