"""From the rules that may decide a call to one verdict.

While arguments are unknown, several rules may yet decide. Each is a possibility: the verdict is
blocked only if all of them are, else the worst of the others, and the reasons say what hangs on
which argument. Everything is decided again when the arguments are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.model.decision import Rule, Verdict
from gateway.model.principal import PrincipalType
from gateway.policy.rules.conditions import Condition
from gateway.policy.rules.models import NONE, duration, escalation
from gateway.policy.rules.rows import Row

DEFAULT_APPROVER = "approver"
DEFAULT_QUORUM = 1
DEFAULT_EXPIRY = "24h"
"""Who approves, how many, and for how long a request stands, where the rule does not say it."""


@dataclass(frozen=True, slots=True)
class Possibility:
    """A rule that decides, or would if its undecided condition held.

    ``row`` is None where no rule is left; ``failure`` says why the rule could not be decided;
    ``waits_for`` are the unknown arguments that its condition reads.
    """

    row: Row | None
    failure: str = ""
    waits_for: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the rule says; no rule and a failed rule block."""
        if self.row is None or self.failure:
            return Verdict.BLOCKED
        return Verdict(self.row["verdict"])


@dataclass(frozen=True, slots=True)
class Terms:
    """A verdict without its decision id: what is kept and given out again."""

    verdict: Verdict
    reasons: tuple[str, ...]
    rules: tuple[Rule, ...]
    approver_role: str = ""
    quorum: int = DEFAULT_QUORUM
    expires_in: float = duration(DEFAULT_EXPIRY)
    escalate_after: float | None = None
    escalate_to: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What is being decided: the contract, the kind of principal, the rules' conditions."""

    contract: OperationContract
    type: PrincipalType
    conditions: Mapping[str, Condition]


def settle(case: Case, possibilities: Sequence[Possibility]) -> Terms:
    """The terms that follow from all possibilities, which come in the order of the rules."""
    open_ways = [way for way in possibilities if way.verdict is not Verdict.BLOCKED]
    if not open_ways:
        rules = _rules(possibilities)
        return Terms(Verdict.BLOCKED, _reasons(case, possibilities), rules)
    worst = max((way.verdict for way in open_ways), key=lambda verdict: verdict.rank)
    reasons = _reasons(case, possibilities)
    if worst is Verdict.AUTONOMOUS and case.contract.policy.escalate:
        worst = Verdict.ASSIST
        reasons = (*reasons, f"{case.contract.key} asks for a human at every call.")
        deciding = open_ways
    else:
        deciding = [way for way in open_ways if way.verdict is worst]
    strictest = max(deciding, key=_quorum)
    escalate_after, escalate_to = _escalation(strictest)
    return Terms(
        worst,
        reasons,
        _rules(possibilities),
        _column(strictest, "approver", DEFAULT_APPROVER),
        _quorum(strictest),
        duration(_column(strictest, "expiry", DEFAULT_EXPIRY)),
        escalate_after,
        escalate_to,
    )


def _rules(possibilities: Sequence[Possibility]) -> tuple[Rule, ...]:
    return tuple(way.row.rule for way in possibilities if way.row is not None)


def _column(way: Possibility, name: str, default: str) -> str:
    said = way.row[name] if way.row is not None else NONE
    return default if said == NONE else said


def _escalation(way: Possibility) -> tuple[float | None, str]:
    said = _column(way, "escalation", NONE)
    return (None, "") if said == NONE else escalation(said)


def _quorum(way: Possibility) -> int:
    return int(_column(way, "quorum", str(DEFAULT_QUORUM)))


def _reasons(case: Case, possibilities: Sequence[Possibility]) -> tuple[str, ...]:
    """Why, in sentences for callers: they name arguments, never their values."""
    if len({way.verdict for way in possibilities}) == 1:
        return tuple(dict.fromkeys(_statement(case, way) for way in possibilities))
    waits: tuple[str, ...] = ()
    said: dict[str, None] = {}
    for way in possibilities:
        waits = tuple(dict.fromkeys((*waits, *way.waits_for)))
        known = " and ".join(f"input.{path}" for path in waits)
        are = "is" if len(waits) == 1 else "are"
        said[f"{case.contract.key} may {_MAY[way.verdict]} once {known} {are} known."] = None
    return tuple(said)


_MAY = {
    Verdict.AUTONOMOUS: "run by itself",
    Verdict.ASSIST: "need an approval",
    Verdict.BLOCKED: "be blocked",
}


def _statement(case: Case, way: Possibility) -> str:
    key, actor = case.contract.key, _ACTORS[case.type]
    if way.failure:
        where = f"the rule at {way.row.rule.ref} fails, because " if way.row else ""
        return f"{key} is blocked: {where}{way.failure}."
    if way.row is None:
        return (
            f"No verdict rule says how {actor} may run {key} (risk {case.contract.risk.value}); "
            "without one it is blocked."
        )
    because = _because(case, way.row)
    if way.verdict is Verdict.BLOCKED:
        return f"{key} is blocked for {actor}{because}."
    if way.verdict is Verdict.AUTONOMOUS:
        return f"{key} runs by itself for {actor}{because}."
    people = _quorum(way)
    count = "a person" if people == 1 else f"{people} people"
    return (
        f"{key} called by {actor} needs the approval of {count} with the role "
        f"{way.row['approver']}{because}."
    )


def _because(case: Case, row: Row) -> str:
    reads = case.conditions[row["when"]].reads
    if reads:
        return f", because of {' and '.join(f'input.{path}' for path in reads)}"
    return f", because its risk is {row['risk']}" if row["risk"] != "*" else ""


_ACTORS = {
    PrincipalType.ANONYMOUS: "a caller without a token",
    PrincipalType.HUMAN: "a human",
    PrincipalType.SERVICE: "a service",
    PrincipalType.AGENT: "an agent",
    PrincipalType.TOOL: "a tool",
}
