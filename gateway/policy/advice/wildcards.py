"""Rules that open critical contracts, or those for administrators, more widely than anyone read.

A contract is sensitive if its risk is critical or its auth level admin. A rule that names one for
a role is a decision; one that reaches it by a pattern, or for everybody, is most likely none. A
capability is granted as one, so that it opens what administrators need without being told.
"""

from collections.abc import Callable, Iterator

from gateway.model.contract import AuthLevel, OperationContract, Risk
from gateway.model.decision import Verdict
from gateway.policy.advice.coverage import Coverage
from gateway.policy.advice.finding import WILDCARD_CRITICAL, Advice, Severity, on_row
from gateway.policy.advice.reach import ANY, Reach, Reaches
from gateway.policy.engine.roles import ANYWHERE, USER_PREFIX
from gateway.policy.rules.models import ACCESS, ALWAYS, VERDICT

_SHOWN = 3
_BY_WIDTH = (Severity.NOTE, Severity.WARNING, Severity.ERROR)
"""How bad an autonomous verdict on critical contracts is: by whether it is for everybody and
whether no condition bounds it."""


def critical_wildcards(reaches: Reaches) -> Iterator[Advice]:
    """Allows and autonomous verdicts that reach sensitive contracts by wildcard, users who hold
    something sensitive in every workspace, and roles that everybody with a token is given."""
    yield from _allows(reaches)
    yield from _autonomous(reaches)
    yield from _users_everywhere(reaches)
    yield from _raised_levels(reaches)


def _allows(reaches: Reaches) -> Iterator[Advice]:
    denies = Coverage(reaches, ACCESS.name)
    for rule in reaches.access:
        if rule.row["eft"] == "deny":
            denies.add(rule)
    guarded = _bits(reaches, lambda one: one.policy.auth is not AuthLevel.ANONYMOUS)
    sensitive, critical = _bits(reaches, _is_sensitive), _bits(reaches, _is_critical)
    levels = _levels(reaches)
    for rule in reaches.access:
        if rule.row["eft"] != "allow":
            continue
        if rule.who == ANY and rule.type in (ANY, AuthLevel.ANONYMOUS):
            reached = rule.contracts & (guarded if rule.everybody else sensitive)
            opened = _left(reaches, denies, rule, reached)
            if opened:
                yield _open_to_everybody(reaches, rule, opened, sensitive)
        elif reaches.selector(rule.row).exact == "":
            grouped = rule.row["obj"].startswith("capability:")
            beyond = rule.contracts & (critical if grouped else sensitive)
            beyond &= ~_own(reaches, rule, levels)
            opened = _left(reaches, denies, rule, beyond)
            if opened:
                told = (
                    f"{rule.row['obj']} opens {_names(reaches, opened)} to {_whom(rule)}, and each "
                    "contract like them that comes later. Name the contracts one by one"
                )
                yield on_row(Severity.WARNING, WILDCARD_CRITICAL, rule.row, "obj", told)
        elif rule.row["act"] == ANY and rule.contracts & sensitive:
            told = "the action * allows whatever actions a later release knows; write call"
            yield on_row(Severity.NOTE, WILDCARD_CRITICAL, rule.row, "act", told)


def _open_to_everybody(reaches: Reaches, rule: Reach, opened: int, sensitive: int) -> Advice:
    worst = opened & sensitive
    who = (
        "callers without a token" if rule.everybody else f"whoever has a token of {rule.workspace}"
    )
    told = (
        f"{who} may call {_names(reaches, worst or opened)}. Name the role that is meant instead "
        "of everybody"
    )
    severity = Severity.ERROR if worst else Severity.WARNING
    return on_row(severity, WILDCARD_CRITICAL, rule.row, "sub", told)


def _autonomous(reaches: Reaches) -> Iterator[Advice]:
    """Verdicts that let critical contracts run by themselves, where no earlier rule speaks."""
    critical = _bits(reaches, _is_critical)
    earlier = Coverage(reaches, VERDICT.name)
    for rule in reaches.verdict:
        wide = rule.who == ANY and rule.type == ANY
        autonomous = rule.row["verdict"] == Verdict.AUTONOMOUS
        if autonomous and (wide or reaches.selector(rule.row).exact == ""):
            opened = _left(reaches, earlier, rule, rule.contracts & critical)
            if opened:
                told = (
                    f"{_names(reaches, opened)}, of critical risk, would run without any approval "
                    f"for {_whom(rule)}. Let an earlier rule ask for one, or name the contract"
                )
                severity = _BY_WIDTH[wide + (rule.when == ALWAYS)]
                yield on_row(severity, WILDCARD_CRITICAL, rule.row, "verdict", told)
        earlier.add(rule)


def _users_everywhere(reaches: Reaches) -> Iterator[Advice]:
    """A name may belong to another person in each workspace."""
    sensitive = _bits(reaches, _is_sensitive)
    opening = _opening(reaches, sensitive)
    told = (
        "a user of this name would hold something sensitive in every workspace, and it need not "
        "be the same person in each. Name the workspace"
    )
    for rule in reaches.access:
        is_user = rule.who.startswith(USER_PREFIX) and rule.workspace == ANYWHERE
        if is_user and rule.row["eft"] == "allow" and rule.contracts & sensitive:
            yield on_row(Severity.WARNING, WILDCARD_CRITICAL, rule.row, "dom", told)
    for row in reaches.rows.assignments:
        is_user = row["subject"].startswith(USER_PREFIX) and row["workspace"] == ANYWHERE
        if is_user and opening & (reaches.above(row["role"], ANYWHERE) - {ANY}):
            yield on_row(Severity.WARNING, WILDCARD_CRITICAL, row, "workspace", told)


def _raised_levels(reaches: Reaches) -> Iterator[Advice]:
    """The role ``user`` is what tokens bring by themselves, so what it holds is everybody's."""
    sensitive = _bits(reaches, _is_sensitive)
    opening = _opening(reaches, sensitive)
    for row in reaches.rows.assignments:
        held = reaches.above(row["role"], row["workspace"])
        if row["subject"] == AuthLevel.USER and opening & (held - {ANY, AuthLevel.USER}):
            severity = Severity.ERROR if AuthLevel.ADMIN in held else Severity.WARNING
            told = (
                f"every user would hold {row['role']}, and with it something that is critical or "
                "for administrators. Assign the role to those who are meant"
            )
            yield on_row(severity, WILDCARD_CRITICAL, row, "subject", told)


def _opening(reaches: Reaches, sensitive: int) -> set[str]:
    """Whom rules name that allow something sensitive."""
    return {
        rule.who
        for rule in reaches.access
        if rule.row["eft"] == "allow" and rule.contracts & sensitive
    }


def _is_critical(contract: OperationContract) -> bool:
    return contract.risk is Risk.CRITICAL


def _is_sensitive(contract: OperationContract) -> bool:
    return _is_critical(contract) or contract.policy.auth is AuthLevel.ADMIN


def _bits(reaches: Reaches, wanted: Callable[[OperationContract], bool]) -> int:
    return sum(1 << bit for bit, one in enumerate(reaches.contracts) if wanted(one))


def _levels(reaches: Reaches) -> dict[str, int]:
    """The contracts of each auth level, which the role of that name is there for."""
    levels: dict[str, int] = dict.fromkeys(AuthLevel, 0)
    for bit, contract in enumerate(reaches.contracts):
        levels[contract.policy.auth] |= 1 << bit
    return levels


def _own(reaches: Reaches, rule: Reach, levels: dict[str, int]) -> int:
    """The contracts of the auth levels that the subject of a rule has anyway."""
    own = 0
    for name in reaches.above(rule.who, rule.workspace):
        own |= levels.get(name, 0)
    return own


def _left(reaches: Reaches, others: Coverage, rule: Reach, contracts: int) -> int:
    """Those of some contracts of a rule of which no other rule says all that it says."""
    left = 0
    while contracts:
        lowest = contracts & -contracts
        covered = next(others.over_contract(rule, lowest), None) is not None
        if reaches.effort.spent:
            break  # nothing is said of what was not looked at
        if not covered:
            left |= lowest
        contracts ^= lowest
    return left


def _names(reaches: Reaches, contracts: int) -> str:
    keys = [one.key for one in reaches.contracts_of(contracts)]
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{', '.join(keys[:_SHOWN])}{more}"


def _whom(rule: Reach) -> str:
    if rule.who != ANY:
        return rule.who
    return "everybody" if rule.type == ANY else f"every {rule.type}"
