"""Rules as decisions cite them, by place and row: with what the row says as a sentence."""

from collections.abc import Iterable

from gateway.model.json import JsonObject
from gateway.surfaces.console.policies.sentences import sentence_of


def cited(rules: Iterable[JsonObject]) -> list[JsonObject]:
    """Rules of a decision (``at`` such as ``verdict.csv:15``, ``rule`` the row) as pages show them:
    ``file``, ``line``, ``text``, and ``sentence`` or None."""
    return [_cited(rule["at"], rule["rule"]) for rule in rules]


def _cited(at: str, text: str) -> JsonObject:
    file, _, line = at.partition(":")
    return {"file": file, "line": line, "text": text, "sentence": sentence_of(file, text)}
