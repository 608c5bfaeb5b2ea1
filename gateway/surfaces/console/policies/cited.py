"""Rules as decisions cite them, by place and row: with what the row says as a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.json import JsonObject
from gateway.surfaces.console.policies.sentences import Sentence, sentence_of


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of a rule file; ``line`` is empty where it is not told, ``sentence`` None where there
    is none for it."""

    file: str
    line: str
    text: str
    sentence: Sentence | None


def cited(rules: Iterable[JsonObject]) -> list[Rule]:
    """The rules of a decision: ``at`` such as ``verdict.csv:15``, ``rule`` the row."""
    return [_cited(rule["at"], rule["rule"]) for rule in rules]


def rule_of(file: str, line: str, text: str) -> Rule:
    """A row with its sentence."""
    return Rule(file, line, text, sentence_of(file, text))


def _cited(at: str, text: str) -> Rule:
    file, _, line = at.partition(":")
    return rule_of(file, line, text)
