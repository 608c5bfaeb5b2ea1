"""Everything that lint looks at, in one list."""

from collections.abc import Iterator

from gateway.policy.advice.applying import constant_conditions, idle_rules
from gateway.policy.advice.duties import conflicting_duties
from gateway.policy.advice.effort import LIMIT, Effort
from gateway.policy.advice.fields import unknown_fields
from gateway.policy.advice.finding import LINT_INCOMPLETE, Advice, Severity
from gateway.policy.advice.reach import Reaches
from gateway.policy.advice.roles import unknown_roles
from gateway.policy.advice.shadows import shadowed_rules
from gateway.policy.advice.wildcards import critical_wildcards
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.models import MODELS

_CHECKS = (
    conflicting_duties,
    critical_wildcards,
    unknown_roles,
    unknown_fields,
    idle_rules,
    constant_conditions,
    shadowed_rules,
)
"""Every check."""


def advise(revision: PolicyRevision, limit: int = LIMIT) -> list[Advice]:
    """What is worth looking at in a revision: errors first, then by file and line.

    It decides nothing, and a revision with errors still decides; who puts revisions into force
    refuses those. ``limit`` bounds the comparisons of each check; where it was reached, a note says
    so. The time grows with the number of rules: not for the event loop.
    """
    reaches = Reaches(revision, Effort(limit))
    found: list[Advice] = []
    for check in _CHECKS:
        reaches.effort.renew()
        found += check(reaches)
    found += _incomplete(reaches)
    return sorted(dict.fromkeys(found), key=_place)


def _incomplete(reaches: Reaches) -> Iterator[Advice]:
    """What was not looked at."""
    for spec in MODELS:
        if spec.name not in reaches.comparable:
            told = (
                "the matcher is not the shipped one, so it is not told which rules of "
                f"{spec.rule_file} cover one another"
            )
            yield Advice(Severity.NOTE, LINT_INCOMPLETE, f"{spec.model_file}:1:1", told)
    if reaches.effort.exhausted:
        told = (
            "the rules are so many, or so entangled, that lint stopped looking at them: what it "
            "does not tell, it may not have seen"
        )
        yield Advice(Severity.NOTE, LINT_INCOMPLETE, "access.csv:1:1", told)


def _place(advice: Advice) -> tuple[int, str, int, int]:
    file, line, column = advice.at.rsplit(":", 2)
    return advice.severity.rank, file, int(line), int(column)
