"""The functions that the matchers of the models may call, and what they are asked about."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.model.contract import OperationContract
from gateway.model.pii import PiiClass
from gateway.policy.engine.roles import ANYWHERE, RoleGraph, Subject, has_link
from gateway.policy.rules.conditions import Arguments, Condition, Failed, Outcome
from gateway.policy.rules.models import CLASS_PREFIX
from gateway.policy.rules.selectors import Selector, glob


class ConditionFailedError(Exception):
    """A rule was reached whose condition failed. ``when`` is its text, ``why`` what failed."""

    def __init__(self, when: str, why: str) -> None:
        super().__init__(why)
        self.when = when
        self.why = why


class Facts:
    """How the conditions of a verdict request come out, by their text: each is evaluated when the
    matcher first asks for it, over ``arguments``.

    Undecided ones count as true, unless they are ``assumed_false``. ``looked`` says whether any
    that was asked for reads an argument.
    """

    __slots__ = ("_arguments", "_conditions", "_outcomes", "assumed_false", "looked")

    def __init__(self, conditions: Mapping[str, Condition], arguments: Arguments) -> None:
        self._conditions = conditions
        self._arguments = arguments
        self._outcomes: dict[str, Outcome] = {}
        self.assumed_false: set[str] = set()
        self.looked = False

    def outcome(self, when: str) -> Outcome:
        """How the condition comes out."""
        found = self._outcomes.get(when)
        if found is None:
            condition = self._conditions[when]
            self.looked = self.looked or bool(condition.reads)
            found = self._outcomes[when] = condition.outcome(self._arguments)
        return found

    def holds(self, when: str) -> bool:
        """Whether to take the condition as true.

        Raises:
            ConditionFailedError: an argument does not fit it.
        """
        outcome = self.outcome(when)
        if outcome is True or outcome is False:
            return outcome
        if isinstance(outcome, Failed):
            raise ConditionFailedError(when, outcome.why)
        return when not in self.assumed_false


class PiiField(str):
    """A PII field as a request names it, taken as being of the class ``cls``.

    It is its own name for every comparison; only a rule for a class looks at more.
    """

    __slots__ = ("cls",)
    cls: PiiClass

    def __new__(cls, name: str, pii_class: PiiClass) -> "PiiField":
        """The field ``name`` as one of ``pii_class``."""
        made = super().__new__(cls, name)
        made.cls = pii_class
        return made


def matcher_functions(
    selectors: Mapping[str, Selector], graph: RoleGraph
) -> dict[str, Callable[..., bool]]:
    """Every matcher function by its name; ``selectors`` are the compiled ones of the rules."""
    globs: dict[str, Callable[[str], bool]] = {}

    def selects(contract: OperationContract, text: str) -> bool:
        return selectors[text].selects(contract)

    def covers(name: str, pattern: str) -> bool:
        if pattern.startswith(CLASS_PREFIX):
            return isinstance(name, PiiField) and name.cls == pattern[len(CLASS_PREFIX) :]
        # The patterns are those of the rules, so that this holds a bounded number.
        matches = globs.get(pattern) or globs.setdefault(pattern, glob(pattern))
        return matches(name)

    def g(*given: Any) -> bool:
        place = (str(given[2]),) if len(given) > 2 else ()
        return has_link(graph, given[0], given[1], *place)

    return {
        "g": g,
        "selects": selects,
        "domain": _domain,
        "plays": _plays,
        "holds": _holds,
        "covers": covers,
    }


def _domain(workspace: str, wanted: str) -> bool:
    return wanted in (ANYWHERE, workspace)


def _plays(subject: Subject, name: str) -> bool:
    return subject.plays(name)


def _holds(when: str, facts: Facts) -> bool:
    return facts.holds(when)
