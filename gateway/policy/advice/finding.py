"""What the lint of a revision finds: things that can be loaded and should be looked at."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.json import JsonObject
from gateway.policy.rules.rows import Row

ROLE_UNKNOWN = "POLICY_ROLE_UNKNOWN"
FIELD_UNKNOWN = "POLICY_FIELD_UNKNOWN"
RULE_SHADOWED = "POLICY_RULE_SHADOWED"
RULE_IDLE = "POLICY_RULE_IDLE"
CONDITION_CONSTANT = "POLICY_CONDITION_CONSTANT"
WILDCARD_CRITICAL = "POLICY_WILDCARD_CRITICAL"
DUTIES_CONFLICT = "POLICY_DUTIES_CONFLICT"
SEPARATION_INVALID = "POLICY_SEPARATION"
LINT_INCOMPLETE = "POLICY_LINT_INCOMPLETE"


class Severity(StrEnum):
    """How bad it is: an error must not come into force, a warning is most likely a mistake, a note
    is worth knowing."""

    ERROR = "ERROR"
    WARNING = "WARNING"
    NOTE = "NOTE"

    @property
    def rank(self) -> int:
        """Position from worst (0) to mildest (2)."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding: ``at`` is ``file:line:column`` within the policies, ``message`` says what is
    the matter and what to do, ``rule`` is the row as it is written (empty where it is none)."""

    severity: Severity
    code: str
    at: str
    message: str
    rule: str = ""

    def to_json(self) -> JsonObject:
        """The finding as it is recorded and shown."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "at": self.at,
            "message": self.message,
            "rule": self.rule,
        }


def on_row(severity: Severity, code: str, row: Row, column: str, message: str) -> Advice:
    """A finding at a column of a row."""
    at = f"{row.file}:{row.line}:{row.column(column)}"
    return Advice(severity, code, at, message, row.text)
