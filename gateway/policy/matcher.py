"""The functions that the matchers of the models may call, and what they are asked about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.model.contract import OperationContract
from gateway.policy.conditions import Failed, Outcome, Undecided
from gateway.policy.roles import ANYWHERE, Subject
from gateway.policy.selectors import Selector, glob


class ConditionFailedError(Exception):
    """A rule was reached whose condition failed. ``when`` is its text, ``why`` what failed."""

    def __init__(self, when: str, why: str) -> None:
        super().__init__(why)
        self.when = when
        self.why = why


@dataclass(frozen=True, slots=True)
class Facts:
    """How the conditions of a verdict request came out, by their text.

    Undecided ones count as true, unless they are ``assumed_false``.
    """

    outcomes: Mapping[str, Outcome] = field(repr=False)
    assumed_false: frozenset[str] = field(default=frozenset(), repr=False)

    def holds(self, when: str) -> bool:
        """Whether to take the condition as true.

        Raises:
            ConditionFailedError: an argument does not fit it.
        """
        outcome = self.outcomes[when]
        if isinstance(outcome, Failed):
            raise ConditionFailedError(when, outcome.why)
        if isinstance(outcome, Undecided):
            return when not in self.assumed_false
        return outcome


def matcher_functions(selectors: Mapping[str, Selector]) -> dict[str, Callable[..., bool]]:
    """Every matcher function by its name; ``selectors`` are the compiled ones of the rules."""
    globs: dict[str, Callable[[str], bool]] = {}

    def selects(contract: OperationContract, text: str) -> bool:
        return selectors[text].selects(contract)

    def covers(name: str, pattern: str) -> bool:
        # The patterns are those of the rules, so that this holds a bounded number.
        matches = globs.get(pattern) or globs.setdefault(pattern, glob(pattern))
        return matches(name)

    return {
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
