"""What an explanation holds: the rules that matched, those that nearly allowed, what is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.decision import AccessDecision, Rule, Treatment, VerdictDecision
from gateway.model.json import JsonValue

MAX_MATCHED = 50
"""How many matched rules of a model an explanation names; the deciding ones come first."""

MAX_NEAREST = 5
"""How many rules of a model that nearly allowed, and how many ways to be allowed, it names."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched. ``effect`` is what it says (``allow``, ``assist``, ``mask``...),
    ``decides`` whether the decision rests on it, ``field`` the PII field that it speaks of."""

    model: str
    rule: Rule
    effect: str
    decides: bool
    field: str = ""


class GapKind(StrEnum):
    """What a rule asks for that the request does not have.

    ``outweighed``: it matched, or would, and another rule decides all the same.
    """

    ROLE = "role"
    TYPE = "type"
    USER = "user"
    WORKSPACE = "workspace"
    CAPABILITY = "capability"
    CONDITION = "condition"
    OUTWEIGHED = "outweighed"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a rule lacks: ``wanted`` is the role, type, user, workspace, capability,
    sub-condition or the place of the other rule. For a condition, ``arguments`` are those that it
    reads and ``given`` their values, if the request held plain ones; PII is left out."""

    kind: GapKind
    wanted: str
    message: str
    arguments: tuple[str, ...] = ()
    given: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Nearest:
    """A rule that would have allowed more, with everything that it lacks."""

    model: str
    rule: Rule
    effect: str
    gaps: tuple[Gap, ...]


class NeedKind(StrEnum):
    """What would change a decision; ``rule`` where nothing that a caller could bring would."""

    ROLE = "role"
    CAPABILITY = "capability"
    APPROVAL = "approval"
    ARGUMENT = "argument"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers that an argument may be; None where it has no bound on that side."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    @property
    def words(self) -> str:
        """Such as ``at most 100``."""
        said = (
            ("at least", self.at_least),
            ("above", self.above),
            ("at most", self.at_most),
            ("below", self.below),
        )
        return " and ".join(f"{word} {bound:.15g}" for word, bound in said if bound is not None)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is needed: ``name`` is the role, the capability, the approvers' role or the
    argument; ``quorum`` counts approvers, ``bounds`` say what the argument may be."""

    kind: NeedKind
    message: str
    name: str = ""
    quorum: int | None = None
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to be allowed more: all ``needs`` together lead to ``outcome`` (``allow``,
    ``autonomous`` or ``assist``) of the model; it is empty where no way was found."""

    model: str
    outcome: str
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A hypothetical decision with everything that led to it.

    ``verdict`` is None for contracts that the gateway performs itself. ``matched`` are all rules
    that matched, up to ``MAX_MATCHED`` of each model, the deciding ones first; ``nearest`` those
    that would have allowed more, the nearest first; ``required`` the ways to get there, each of
    which was tried on the decision point. ``is_whole`` is False where matched rules were left out.
    """

    access: AccessDecision
    verdict: VerdictDecision | None
    treatments: Mapping[str, Treatment]
    matched: tuple[Match, ...]
    nearest: tuple[Nearest, ...]
    required: tuple[Way, ...]
    is_whole: bool
