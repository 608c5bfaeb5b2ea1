"""What differs between two sets of contracts, and what that means to those who rely on them."""

from gateway.contracts.changes.change import Change, Level, Rule
from gateway.contracts.changes.compare import contract_changes
from gateway.contracts.changes.operations import auth_code, risk_code, stability_code
from gateway.contracts.changes.rules import RULES, change, in_order, rules_table

__all__ = [
    "RULES",
    "Change",
    "Level",
    "Rule",
    "auth_code",
    "change",
    "contract_changes",
    "in_order",
    "risk_code",
    "rules_table",
    "stability_code",
]
