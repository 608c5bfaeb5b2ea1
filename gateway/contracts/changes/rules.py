"""The table of rules: every kind of change, how it is classified, and what to do about it.

Codes of changes that GraphQL itself knows are graphql-core's names, at its levels, for contracts
too; so a change has one name wherever it is found.
"""

from collections.abc import Iterable, Mapping

from gateway.contracts.changes.change import Change, Rule
from gateway.contracts.changes.demand_rules import DEMAND_RULES
from gateway.contracts.changes.part_rules import PART_RULES
from gateway.contracts.changes.schema_rules import SCHEMA_RULES

RULES: Mapping[str, Rule] = {
    rule.code: rule for rule in (*SCHEMA_RULES, *DEMAND_RULES, *PART_RULES)
}
"""Every rule by its code."""


def change(code: str, where: str, what: str) -> Change:
    """A change under the rule of this code."""
    return Change(RULES[code], where, what)


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Each change once, the worst first, then by place."""
    return sorted(set(changes), key=lambda one: (one.level.rank, one.where, one.code, one.what))


def rules_table() -> str:
    """The rules as rows of a table for the documentation."""
    rows = (
        f"| {rule.level.value} | `{rule.code}` | {rule.meaning} | {rule.remedy} |"
        for rule in sorted(RULES.values(), key=lambda rule: rule.level.rank)
    )
    return "\n".join(rows)
