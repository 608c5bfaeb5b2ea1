"""What decisions come to, as two revisions are compared: an effect, its terms and its rules."""

from dataclasses import dataclass, field

from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.model.json import JsonObject

ALLOW, DENY = "allow", "deny"


@dataclass(frozen=True, slots=True)
class Decided:
    """What one revision decides: ``effect`` is ``allow``, ``deny`` or a verdict, ``terms`` are
    those of an assist, ``rules`` the places of the rules."""

    effect: str
    rules: tuple[str, ...]
    terms: tuple[object, ...] = ()

    def to_json(self) -> JsonObject:
        """The decision as an example shows it."""
        told: JsonObject = {"effect": self.effect, "rules": list(self.rules)}
        if self.terms:
            told["terms"] = dict(zip(TERMS, self.terms, strict=True))
        return told


TERMS = ("approverRole", "quorum", "expiresIn", "escalateAfter", "escalateTo")
"""The members of a recorded verdict that say who approves, how many, and until when."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What the revision in force (``now``) and the draft (``then``) decide; ``change`` names the
    difference, and is empty where there is none."""

    now: Decided
    then: Decided
    change: str = field(init=False)

    def __post_init__(self) -> None:
        change = ""
        if self.now.effect != self.then.effect:
            change = f"{self.now.effect} -> {self.then.effect}"
        elif self.now.terms != self.then.terms:
            change = "other terms"
        object.__setattr__(self, "change", change)


def access_effect(decision: AccessDecision) -> Decided:
    """An access decision as it is compared."""
    rules = (decision.rule.ref,) if decision.rule else ()
    return Decided(ALLOW if decision.allowed else DENY, rules)


def verdict_effect(decision: VerdictDecision) -> Decided:
    """A verdict as it is compared."""
    rules = tuple(rule.ref for rule in decision.rules)
    if decision.verdict is not Verdict.ASSIST:
        return Decided(decision.verdict.value, rules)
    terms = (
        decision.approver_role,
        decision.quorum,
        decision.expires_in,
        decision.escalate_after,
        decision.escalate_to,
    )
    return Decided(decision.verdict.value, rules, terms)
