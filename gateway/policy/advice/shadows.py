"""Rules that can decide nothing, because others cover them entirely."""

from collections.abc import Iterator

from gateway.policy.advice.coverage import Coverage
from gateway.policy.advice.finding import RULE_SHADOWED, Advice, Severity, on_row
from gateway.policy.advice.reach import Reach, Reaches, names_all
from gateway.policy.rules.models import ACCESS, PII, VERDICT


def shadowed_rules(reaches: Reaches) -> Iterator[Advice]:
    """Every rule that another one covers: without it, each decision on the loaded contracts is the
    same. Where rules cover one another, the first of them is not told."""
    yield from _by_priority(reaches, VERDICT.name, reaches.verdict)
    yield from _by_priority(reaches, PII.name, reaches.pii)
    yield from _by_effect(reaches)


def _by_priority(reaches: Reaches, model: str, rules: list[Reach]) -> Iterator[Advice]:
    """Of rules that are asked one after the other, those whose turn never comes."""
    earlier = Coverage(reaches, model)
    for rule in rules:
        first = next(earlier.over(rule), None)
        if first is None:
            earlier.add(rule)
            continue
        told = (
            f"its turn never comes: the rule at {first.row.rule.ref} goes first and speaks of "
            f"{_all_of(first, rule)}. Remove it, or let it go before that one"
        )
        yield on_row(_severity(first, rule), RULE_SHADOWED, rule.row, "priority", told)


def _by_effect(reaches: Reaches) -> Iterator[Advice]:
    """Of rules that are asked all at once, those that a deny or a wider one outdoes."""
    coverage = {effect: Coverage(reaches, ACCESS.name) for effect in ("allow", "deny")}
    for rule in reaches.access:
        coverage[rule.row["eft"]].add(rule)
    for rule in reaches.access:
        effect = rule.row["eft"]
        denied = next(coverage["deny"].over(rule), None) if effect == "allow" else None
        if denied is not None:
            told = (
                f"it allows nothing: the deny at {denied.row.rule.ref} speaks of "
                f"{_all_of(denied, rule)}, and a deny outweighs every allow. Remove one of the two"
            )
            yield on_row(_severity(denied, rule), RULE_SHADOWED, rule.row, "eft", told)
            continue
        wider = next(
            (one for one in coverage[effect].over(rule) if _goes(reaches, one, rule)), None
        )
        if wider is not None:
            told = (
                f"the rule at {wider.row.rule.ref} says the same of {_all_of(wider, rule)}; one of "
                "the two is enough"
            )
            yield on_row(Severity.NOTE, RULE_SHADOWED, rule.row, "sub", told)


def _goes(reaches: Reaches, one: Reach, other: Reach) -> bool:
    """True if ``one`` is to stay of two of which it covers the other."""
    if one is other:
        return False
    return one.order < other.order or not reaches.covers(other, one)


def _severity(one: Reach, other: Reach) -> Severity:
    """A rule for whatever may come is not wrong for being covered by those for what is there."""
    exact = "*" not in other.row["obj"] and ":" not in other.row["obj"]
    return Severity.WARNING if exact or names_all(one, other) else Severity.NOTE


def _all_of(one: Reach, other: Reach) -> str:
    return (
        "all of the same calls"
        if names_all(one, other)
        else "every loaded contract that this one selects"
    )
