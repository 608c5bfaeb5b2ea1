"""A change of contracts or of a GraphQL schema, and the rule that it falls under."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.json import JsonObject


class Level(StrEnum):
    """What a change means to those who rely on what was before: they fail, they had better look,
    or they need not care."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"

    @property
    def rank(self) -> int:
        """Position from breaking (0) to safe (2)."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kind of change is classified. ``meaning`` says what it is, ``remedy`` what to do about
    it; ``reverse`` are the codes under which undoing it falls."""

    code: str
    level: Level
    meaning: str
    remedy: str
    reverse: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the rule it falls under, where it is, and what was and is there."""

    rule: Rule
    where: str
    what: str

    @property
    def code(self) -> str:
        """The code of the rule."""
        return self.rule.code

    @property
    def level(self) -> Level:
        """The level of the rule."""
        return self.rule.level

    def to_json(self) -> JsonObject:
        """The change as commands print it."""
        return {
            "level": self.level.value,
            "code": self.code,
            "where": self.where,
            "what": self.what,
            "remedy": self.rule.remedy,
        }
