"""What would be needed to be allowed more. Every way was tried on the decision point itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.policy.engine.access import grants
from gateway.policy.engine.verdicts import DEFAULT_APPROVER
from gateway.policy.explaining.bounds import Reach, compared, reaches
from gateway.policy.explaining.explanation import MAX_NEAREST, GapKind, Need, NeedKind, Way
from gateway.policy.explaining.nearest import Candidate, verdict_candidates
from gateway.policy.explaining.request import Request, Visible
from gateway.policy.rules.models import ACCESS, VERDICT

_MAX_TRIED = 20
"""How many roles are tried."""


@dataclass(frozen=True, slots=True)
class _Amended:
    """The request as it would be if somebody brought the ``needs`` along."""

    request: Request
    needs: tuple[Need, ...] = ()


def access_ways(request: Request, candidates: list[Candidate]) -> list[Way]:
    """The ways to be let in: a role, a capability of the token, or both."""
    amended = _granted(request)
    if amended is None:
        return [_no_way(ACCESS.name, _NO_CAPABILITY)]
    ways = []
    for one in (amended, *_with_roles(amended, candidates)):
        if one.needs and one.request.access().allowed:
            ways.append(Way(ACCESS.name, "allow", one.needs))
            if len(one.needs) == len(amended.needs):
                break  # the capability alone does it
    return ways[:MAX_NEAREST] or [_no_way(ACCESS.name, _why_not(request.access()))]


def verdict_ways(
    request: Request, decided: VerdictDecision, candidates: list[Candidate], visible: Visible
) -> list[Way]:
    """The ways to a better verdict: an approval, another number, a role, or a role and a number."""
    ways = []
    if decided.verdict is Verdict.ASSIST:
        ways.append(Way(VERDICT.name, "allow", (_approval(decided),)))
    roles = list(_with_roles(_Amended(request), candidates))
    for one in (_Amended(request), *roles):
        ways += _by_role(one, decided)
        ways += _by_numbers(one, request, decided, visible)
        if len(ways) >= MAX_NEAREST:
            break
    return _smallest(ways)[:MAX_NEAREST] or [_no_way(VERDICT.name, _NO_VERDICT)]


def requester_ways(request: Request, visible: Visible) -> list[Way]:
    """The ways to have anything run: the role of requesters, and what the rules ask for besides."""
    role = request.requester_role
    amended = request.with_role(role)
    if amended.is_short:  # without a token there are no roles
        return [_no_way(VERDICT.name, f"a token of somebody with the role {role}")]
    need, decided = Need(NeedKind.ROLE, f"the role {role}", role), amended.decided_verdict()
    if decided.verdict is Verdict.AUTONOMOUS:
        return [_way(decided, (need,))]
    candidates = verdict_candidates(amended, decided, visible)
    return [
        replace(way, needs=(need, *way.needs))
        for way in verdict_ways(amended, decided, candidates, visible)
    ]


def _smallest(ways: list[Way]) -> list[Way]:
    """Without those that only ask for more than an earlier one."""
    kept: list[Way] = []
    for way in ways:
        needs = set(way.needs)
        if not any(one.outcome == way.outcome and needs.issuperset(one.needs) for one in kept):
            kept.append(way)
    return kept


_NO_CAPABILITY = "a token that is not limited to capabilities"
_NO_VERDICT = "a verdict rule that lets this call run, before those that matched"


def _why_not(decided: AccessDecision) -> str:
    if decided.rule is not None:
        return f"the deny at {decided.rule.ref} must not apply"
    return "a rule that allows it"


def _no_way(model: str, message: str) -> Way:
    return Way(model, "", (Need(NeedKind.RULE, message),))


def _granted(request: Request) -> _Amended | None:
    """With the contract's capability in the token; None if it has none that could be granted."""
    granted, contract = request.principal.capabilities, request.contract
    if granted is None or grants(granted, contract):
        return _Amended(request)
    if not contract.capability:
        return None
    message = f"a token that grants {contract.capability}"
    need = Need(NeedKind.CAPABILITY, message, contract.capability)
    return _Amended(request.with_capability(contract.capability), (need,))


def _with_roles(amended: _Amended, candidates: list[Candidate]) -> Iterator[_Amended]:
    """With each of the roles that the candidates ask for, the nearest first."""
    if amended.request.principal.is_anonymous:
        return  # without a token there are no roles
    roles = dict.fromkeys(
        gap.wanted for one in candidates for gap in one.gaps if gap.kind is GapKind.ROLE
    )
    for role in islice(roles, _MAX_TRIED):
        need = Need(NeedKind.ROLE, f"the role {role}", role)
        yield _Amended(amended.request.with_role(role), (*amended.needs, need))


def _by_role(amended: _Amended, decided: VerdictDecision) -> Iterator[Way]:
    if not amended.needs:
        return
    found = amended.request.decided_verdict()
    if found.verdict.rank < decided.verdict.rank:
        yield _way(found, amended.needs)


def _by_numbers(
    amended: _Amended, plain: Request, decided: VerdictDecision, visible: Visible
) -> Iterator[Way]:
    """The numbers that lead to a better verdict than ``decided``, than without them, and, where
    more is needed besides, than the same numbers alone in the ``plain`` request."""
    request = amended.request
    best = min(decided.verdict.rank, request.decided_verdict().verdict.rank)
    rows = (row for row in request.speaking_to(VERDICT.name) if visible(row))
    for path, numbers in compared(dict.fromkeys(row["when"] for row in rows)).items():
        for reach in reaches(request, path, numbers, best):
            found = request.with_argument(path, reach.sample).decided_verdict()
            alone = plain.with_argument(path, reach.sample).decided_verdict()
            if not amended.needs or found.verdict.rank < alone.verdict.rank:
                yield _way(found, (*amended.needs, _argument(reach)))


def _argument(reach: Reach) -> Need:
    words = reach.bounds.words or "given"
    message = f"{reach.path} {words}"
    return Need(NeedKind.ARGUMENT, message, reach.path, bounds=reach.bounds)


def _way(found: VerdictDecision, needs: tuple[Need, ...]) -> Way:
    if found.verdict is Verdict.ASSIST:
        needs = (*needs, _approval(found))
    return Way(VERDICT.name, found.verdict.value, needs)


def _approval(found: VerdictDecision) -> Need:
    role = found.approver_role or DEFAULT_APPROVER
    people = "one person" if found.quorum == 1 else f"{found.quorum} people"
    message = f"the approval of {people} with the role {role}"
    return Need(NeedKind.APPROVAL, message, role, quorum=found.quorum)
