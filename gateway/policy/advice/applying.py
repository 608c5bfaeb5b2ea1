"""Rules that never apply: to no contract, to no caller, or only under an impossible condition."""

from collections.abc import Iterator

from gateway.policy.advice.finding import CONDITION_CONSTANT, RULE_IDLE, Advice, Severity, on_row
from gateway.policy.advice.reach import ANY, Reach, Reaches
from gateway.policy.advice.trials import Range, range_of
from gateway.policy.engine.roles import TYPE_PREFIX
from gateway.policy.rules.models import ALWAYS

_CLOSED = ("auth:", "risk:", "kind:")
"""What selectors of the gateway's own words begin with; they cannot be mistyped."""


def idle_rules(reaches: Reaches) -> Iterator[Advice]:
    """Rules that speak of no loaded contract, of no caller, or of contracts without a verdict."""
    for rule in (*reaches.access, *reaches.verdict, *reaches.pii):
        nobody = _nobody(rule)
        if nobody:
            yield on_row(Severity.WARNING, RULE_IDLE, rule.row, "sub", nobody)
        elif not reaches.selected(rule.row):
            yield from _selects_none(reaches, rule)
        elif not rule.contracts:
            told = f"no loaded contract that it selects has the risk {rule.row['risk']}"
            yield on_row(_unless_wide(rule), RULE_IDLE, rule.row, "risk", told)
    performed = sum(
        1 << bit for bit, one in enumerate(reaches.contracts) if one.handler is not None
    )
    for rule in reaches.verdict:
        if rule.contracts and not rule.contracts & performed:
            told = (
                "it never applies: what it selects is performed by the gateway itself, which asks "
                "for no verdict. Say in access.csv who may call it"
            )
            yield on_row(_unless_wide(rule), RULE_IDLE, rule.row, "obj", told)


def constant_conditions(reaches: Reaches) -> Iterator[Advice]:
    """Conditions that can never hold, or do not depend on what the arguments are."""
    ranges: dict[str, Range | None] = {}
    for rule in reaches.verdict:
        text = rule.row["when"]
        if text == ALWAYS:
            continue
        if text not in ranges:
            ranges[text] = range_of(reaches.revision.book.conditions[text], reaches.effort)
        found = ranges[text]
        if found is not None and not found.holds:
            told = (
                f"the condition can never hold, so the rule never says {rule.row['verdict']}; it "
                "can only block calls whose arguments it cannot read. Correct it or remove the rule"
            )
            yield on_row(Severity.WARNING, CONDITION_CONSTANT, rule.row, "when", told)
        elif found is not None and not found.fails_to_hold:
            told = (
                "the condition holds whatever the arguments are. Write true if that is meant; else "
                "correct it"
            )
            yield on_row(Severity.WARNING, CONDITION_CONSTANT, rule.row, "when", told)


def _nobody(rule: Reach) -> str:
    """Why a rule speaks of nobody; empty where it may speak of somebody."""
    if rule.who.startswith(TYPE_PREFIX):
        return f"nobody is both {rule.who} and of the type {rule.type}; write * for one of them"
    if rule.type == "anonymous" and rule.who != ANY:
        return "a caller without a token has no name and no role; write * as the subject"
    if rule.type == "anonymous" and rule.workspace != ANY:
        return "a caller without a token is in no workspace; write * as the workspace"
    return ""


def _selects_none(reaches: Reaches, rule: Reach) -> Iterator[Advice]:
    text = rule.row["obj"]
    if reaches.selector(rule.row).exact or text.startswith(_CLOSED) or text in reaches.unselected:
        return  # what is not loaded was told while loading
    told = f"{text} selects none of the loaded contracts; look for a slip of the pen"
    yield on_row(Severity.NOTE, RULE_IDLE, rule.row, "obj", told)


def _unless_wide(rule: Reach) -> Severity:
    """A rule by trait or pattern may be meant for contracts that come later."""
    text = rule.row["obj"]
    return Severity.NOTE if "*" in text or ":" in text else Severity.WARNING
