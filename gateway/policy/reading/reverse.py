"""Who may call a contract: the reverse of a decision."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.model.decision import Rule, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.principal import PrincipalType
from gateway.policy.reading.population import Known, Population
from gateway.policy.reading.role_paths import Held


@dataclass(frozen=True, slots=True)
class Entrance:
    """How principals of one type get in: the rule that lets them, the role that it names (None
    where it names the subject, its type or everybody), and how the call would run."""

    type: PrincipalType
    rule: Rule | None
    role: Held | None
    verdict: VerdictDecision | None


@dataclass(frozen=True, slots=True)
class Allowed:
    """A subject that may call the contract."""

    subject: Known
    entrances: tuple[Entrance, ...]


def who_may(
    population: Population, contract: OperationContract, arguments: JsonObject | None = None
) -> Iterator[Allowed]:
    """Every subject that may call the contract, as access decides it: types, roles, users.

    ``arguments`` are those that verdicts are given for; without them all are unknown.
    """
    for known in population.subjects:
        entrances = tuple(_entrances(population, known, contract, arguments))
        if entrances:
            yield Allowed(known, entrances)


def _entrances(
    population: Population,
    known: Known,
    contract: OperationContract,
    arguments: JsonObject | None,
) -> Iterator[Entrance]:
    for decided, types in population.access(known, contract):
        if decided.allowed:
            role = population.role_of(known, decided)
            for kind in types:
                verdict = population.verdict(known, kind, contract, arguments)
                yield Entrance(kind, decided.rule, role, verdict)
