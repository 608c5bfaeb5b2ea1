"""The three Casbin models: what each asks, what its rules say, and what a column may hold.

A deployment owns its model files; they are held to these definitions, because the gateway reads
the columns by name and asks with these requests. The matcher is free within its functions.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.model.contract import Risk
from gateway.model.decision import Treatment, Verdict
from gateway.model.pii import PiiClass
from gateway.model.principal import WORKSPACE_PATTERN, PrincipalType
from gateway.policy.engine.roles import EVERYBODY_ROLE, ROLE_PATTERN, TYPE_PREFIX, USER_PREFIX

CALL = "call"
"""The action of calling a contract, through a door or as a step of a plan."""

NONE = "-"
"""What a column holds that says nothing."""

ALWAYS = "true"
"""The condition that always holds."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_MAX_DURATION = 366 * 86_400.0
_PRIORITY = re.compile(r"[0-9]{1,9}", re.ASCII)
_QUORUM = re.compile(r"[1-9][0-9]?", re.ASCII)
_USER = re.compile(r"user:\S+")
CLASS_PREFIX = "class:"
"""Begins the field of a rule that speaks of every PII field of a class."""

_CLASSES = "|".join(PiiClass)
_FIELD = re.compile(
    rf"\*|(?:input|output)\.[A-Za-z0-9_.*]+|\*\.[A-Za-z0-9_.*]+|{CLASS_PREFIX}(?:{_CLASSES})",
    re.ASCII,
)

Check = Callable[[str], str | None]
"""Says what is wrong with a value, or None."""


def duration(text: str) -> float:
    """The seconds of a duration such as ``30m``, ``24h`` or ``7d``; at most 366 days.

    Raises:
        ValueError: it is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) * _UNITS[match[2]] > _MAX_DURATION:
        raise ValueError(f"{text!r} is no duration up to 366d, such as 30m, 24h or 7d")
    return int(match[1]) * _UNITS[match[2]]


def escalation(text: str) -> tuple[float, str]:
    """The seconds after which a request escalates, and the role it goes to: ``4h:manager``.

    Raises:
        ValueError: it is no escalation.
    """
    after, colon, role = text.partition(":")
    if not colon:
        raise ValueError(
            f"{text!r} is no escalation: write <after>:<role> such as 4h:manager, or -"
        )
    wrong = check_role(role)
    if wrong:
        raise ValueError(wrong)
    return duration(after), role


def _one_of(*allowed: str) -> Check:
    said = ", ".join(allowed)
    return lambda value: None if value in allowed else f"{value!r} is none of {said}"


def _matching(pattern: re.Pattern[str], said: str) -> Check:
    return lambda value: None if pattern.fullmatch(value) else f"{value!r} is no {said}"


def check_subject(value: str) -> str | None:
    """A subject of a rule: ``*``, ``type:...``, ``user:...`` or a role."""
    if value.startswith(TYPE_PREFIX):
        return _one_of(*PrincipalType)(value.removeprefix(TYPE_PREFIX))
    if value == "*" or _USER.fullmatch(value) or ROLE_PATTERN.fullmatch(value):
        return None
    return f"{value!r} is no subject: write a role, type:agent, user:alice or *"


def check_role(value: str) -> str | None:
    """A bare role."""
    return None if ROLE_PATTERN.fullmatch(value) else f"{value!r} is no role name"


def _check_holder(value: str) -> str | None:
    """Who may be assigned a role: a user or a role, but not everybody."""
    if value == EVERYBODY_ROLE:
        return "everybody holds 'anonymous', so it inherits nothing: write p rows for it instead"
    if value.startswith(USER_PREFIX) and _USER.fullmatch(value):
        return None
    return check_role(value) and f"{value!r} can hold no role: write a role or user:alice"


def _check_workspace(value: str) -> str | None:
    if value == "*" or WORKSPACE_PATTERN.fullmatch(value):
        return None
    return f"{value!r} is no workspace: write its name or *"


def _parsed_by(parse: Callable[[str], object]) -> Check:
    def check(value: str) -> str | None:
        try:
            parse(value)
        except ValueError as error:
            return str(error)
        return None

    return check


def _or_none(check: Check) -> Check:
    return lambda value: None if value == NONE else check(value)


ASSIGNMENT: Mapping[str, Check] = {
    "subject": _check_holder,
    "role": check_role,
    "workspace": _check_workspace,
}
"""The columns of a ``g`` row."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: its request, the columns of its rules with their checks, its effect and the
    functions of its matcher. ``matched_on`` are the columns that decide whether a rule applies;
    two rules that agree in all of them contradict each other or say the same."""

    name: str
    request: tuple[str, ...]
    columns: Mapping[str, Check]
    effect: str
    functions: frozenset[str]
    matched_on: tuple[str, ...]
    roles: bool = False

    @property
    def shared(self) -> tuple[str, ...]:
        """The two names of a request, beside its contract, that many callers have in common."""
        return tuple(name for name in self.request if name in ("type", "dom", "act", "risk"))

    @property
    def tested(self) -> tuple[str, ...]:
        """The columns that the matcher must look at."""
        return tuple(name for name in self.matched_on if name not in ("priority", "eft"))

    @property
    def model_file(self) -> str:
        """The file with the Casbin model."""
        return f"{self.name}.conf"

    @property
    def rule_file(self) -> str:
        """The file with the rules."""
        return f"{self.name}.csv"


def _anything(_: str) -> str | None:
    """Selectors and conditions are compiled, which checks them."""
    return None


_check_priority = _matching(_PRIORITY, "priority: write a whole number, the smallest goes first")

ACCESS = ModelSpec(
    name="access",
    request=("sub", "dom", "obj", "act"),
    columns={
        "sub": check_subject,
        "dom": _check_workspace,
        "obj": _anything,
        "act": _one_of(CALL, "*"),
        "eft": _one_of("allow", "deny"),
    },
    effect="some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    functions=frozenset({"g", "domain", "selects"}),
    matched_on=("sub", "dom", "obj", "act", "eft"),
    roles=True,
)

VERDICT = ModelSpec(
    name="verdict",
    request=("sub", "dom", "obj", "risk", "args"),
    columns={
        "priority": _check_priority,
        "sub": check_subject,
        "dom": _check_workspace,
        "obj": _anything,
        "risk": _one_of(*Risk, "*"),
        "when": _anything,
        "verdict": _one_of(*Verdict),
        "approver": _or_none(check_role),
        "quorum": _or_none(_matching(_QUORUM, "number of people from 1 to 99")),
        "expiry": _or_none(_parsed_by(duration)),
        "escalation": _or_none(_parsed_by(escalation)),
    },
    effect="priority(p.eft) || deny",
    functions=frozenset({"plays", "domain", "selects", "holds"}),
    matched_on=("priority", "sub", "dom", "obj", "risk", "when"),
)

PII = ModelSpec(
    name="pii",
    request=("sub", "type", "dom", "obj", "field"),
    columns={
        "priority": _check_priority,
        "sub": check_subject,
        "type": _one_of(*PrincipalType, "*"),
        "dom": _check_workspace,
        "obj": _anything,
        "field": _matching(
            _FIELD,
            "field: write input.path, output.path, a pattern with *, or class:<class> for one of "
            + ", ".join(PiiClass),
        ),
        "treatment": _one_of(*Treatment),
    },
    effect="priority(p.eft) || deny",
    functions=frozenset({"plays", "domain", "selects", "covers"}),
    matched_on=("priority", "sub", "type", "dom", "obj", "field"),
)

MODELS = (ACCESS, VERDICT, PII)
"""Every model, in the order in which they are read."""
