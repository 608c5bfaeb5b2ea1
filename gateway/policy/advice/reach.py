"""What a rule reaches: the requests that it speaks of, in a form in which rules can be compared.

Everything here is one-sided: where it is not certain that one rule speaks of all that another
speaks of, it does not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.contract import OperationContract
from gateway.policy.advice.effort import Effort
from gateway.policy.engine.roles import ANYWHERE, EVERYBODY_ROLE, TYPE_PREFIX
from gateway.policy.reading.all_rows import AllRows, all_rows
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.conditions import Arguments
from gateway.policy.rules.models import ACCESS, ALWAYS, MODELS, PII, VERDICT
from gateway.policy.rules.rows import Row
from gateway.policy.rules.selectors import Selector, glob

ANY = "*"
"""Anybody, anywhere, any type of principal, any field."""


MATCHERS = {
    ACCESS.name: "g(r.sub,p.sub,r.dom)&&domain(r.dom,p.dom)&&selects(r.obj,p.obj)"
    '&&(p.act=="*"||r.act==p.act)',
    VERDICT.name: '(p.risk=="*"||r.risk==p.risk)&&plays(r.sub,p.sub)&&domain(r.dom,p.dom)'
    "&&selects(r.obj,p.obj)&&holds(p.when,r.args)",
    PII.name: '(p.type=="*"||r.type==p.type)&&plays(r.sub,p.sub)&&domain(r.dom,p.dom)'
    "&&selects(r.obj,p.obj)&&covers(r.field,p.field)",
}
"""The shipped matchers, without blanks. Under another one, rules may mean something else than what
their columns say, so that nothing is concluded from two of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The requests of which a rule speaks.

    ``who`` is a role, ``user:...`` or ``*`` (everybody); ``type`` a type of principal or ``*``.
    ``when`` is the condition, or for access the action; ``true`` where it does not narrow.
    ``field`` is the pattern of a PII rule, else ``*``. ``contracts`` has a bit for each loaded
    contract; ``named`` are selector and risk as they are written. ``order`` tells which of two
    goes first.
    """

    row: Row
    order: int
    who: str
    type: str
    workspace: str
    when: str
    field: str
    contracts: int
    named: tuple[str, str]

    @property
    def everybody(self) -> bool:
        """True if it speaks of callers without a token, too."""
        return self.who == ANY and self.type in (ANY, "anonymous") and self.workspace == ANY


@dataclass(slots=True)
class Reaches:
    """The rules of a revision, and which of them speak of what.

    ``contracts`` are the loaded ones in the order of their bits; ``effort`` bounds the looking;
    ``comparable`` are the models of which two rules can be compared. ``unselected`` are selectors
    of which it was not found out what they select; their rules count as selecting nothing.
    """

    revision: PolicyRevision
    effort: Effort = field(default_factory=Effort)
    contracts: tuple[OperationContract, ...] = ()
    comparable: frozenset[str] = frozenset()
    unselected: set[str] = field(default_factory=set)
    rows: AllRows = field(init=False)
    access: list[Reach] = field(init=False)
    verdict: list[Reach] = field(init=False)
    pii: list[Reach] = field(init=False)
    _by_name: dict[str, int] = field(default_factory=dict)
    _by_risk: dict[str, int] = field(default_factory=dict)
    _by_selector: dict[str, int] = field(default_factory=dict)
    _above: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contracts = tuple(self.revision.registry.operations.values())
        for bit, contract in enumerate(self.contracts):
            for name in (contract.key, contract.ref):
                self._by_name[name] = self._by_name.get(name, 0) | 1 << bit
            risk = contract.risk.value
            self._by_risk[risk] = self._by_risk.get(risk, 0) | 1 << bit
        self.comparable = frozenset(
            spec.name
            for spec in MODELS
            if _plain(self.revision.book.rules.models[spec.name].matcher) == MATCHERS[spec.name]
        )
        self.rows = all_rows(self.revision)
        self.access = self._all(ACCESS.name, self.rows.access)
        self.verdict = self._all(VERDICT.name, self.rows.verdict)
        self.pii = self._all(PII.name, self.rows.pii)

    def selector(self, row: Row) -> Selector:
        """The compiled selector of a rule."""
        return self.revision.book.selectors[row["obj"]]

    def named(self, contract: str) -> int:
        """The loaded contracts of a key, or the one of ``key@version``."""
        return self._by_name.get(contract, 0)

    def selected(self, row: Row) -> int:
        """The loaded contracts that the selector of a rule selects, whatever their risk."""
        text = row["obj"]
        found = self._by_selector.get(text)
        if found is None:
            found = self._by_selector[text] = self._select(self.selector(row))
        return found

    def contracts_of(self, bits: int) -> list[OperationContract]:
        """The contracts whose bits are set."""
        found = []
        while bits:
            lowest = bits & -bits
            found.append(self.contracts[lowest.bit_length() - 1])
            bits ^= lowest
        return found

    def above(self, who: str, workspace: str) -> frozenset[str]:
        """What everybody who is ``who`` in the workspace certainly is: ``*``, itself, its roles."""
        known = self._above.get((who, workspace))
        if known is None:
            if who == ANY or self.effort.spent:
                return frozenset({ANY, who})
            held = self.revision.book.graph.roles_of((who,), workspace)
            known = frozenset({ANY, *held} - {EVERYBODY_ROLE})
            if self.effort.spend(20 * len(known)):
                self._above[who, workspace] = known
        return known

    def covers(self, one: Reach, other: Reach) -> bool:
        """True if ``one`` certainly speaks of every request of which ``other`` speaks."""
        return (
            one.workspace in (ANYWHERE, other.workspace)
            and one.type in (ANY, other.type)
            and one.when in (ALWAYS, other.when)
            and one.who in self.above(other.who, other.workspace)
            and covers_contracts(one, other)
            and covers_field(one.field, other.field)
        )

    def _select(self, selector: Selector) -> int:
        if selector.exact:
            return self._by_name.get(selector.exact, 0)
        if not self.effort.spend(len(self.contracts)):
            self.unselected.add(selector.text)
            return 0
        found = 0
        for bit, contract in enumerate(self.contracts):
            if selector.selects(contract):
                found |= 1 << bit
        return found

    def _all(self, model: str, rows: tuple[Row, ...]) -> list[Reach]:
        constant = _constants(self.revision)
        return [self._reach(model, order, row, constant) for order, row in enumerate(rows)]

    def _reach(self, model: str, order: int, row: Row, constant: Mapping[str, str]) -> Reach:
        who, kind = _who(row["sub"], row["type"] if model == PII.name else ANY)
        contracts, when, risk = self.selected(row), ALWAYS, ANY
        if model == VERDICT.name:
            when, risk = constant.get(row["when"], row["when"]), row["risk"]
            contracts &= contracts if risk == ANY else self._by_risk.get(risk, 0)
        elif model == ACCESS.name and row["act"] != ANY:
            when = row["act"]
        pattern = row["field"] if model == PII.name else ANY
        named = (row["obj"], risk)
        return Reach(row, order, who, kind, row["dom"], when, pattern, contracts, named)


def covers_contracts(one: Reach, other: Reach) -> bool:
    """True if ``one`` speaks of every loaded contract of which ``other`` speaks; where that is
    none, of every one that may come."""
    if other.contracts:
        return one.contracts & other.contracts == other.contracts
    return names_all(one, other)


def names_all(one: Reach, other: Reach) -> bool:
    """True if what ``one`` names holds all that ``other`` names, whatever is loaded."""
    wide, narrow = one.named, other.named
    return wide[0] in (ANY, narrow[0]) and wide[1] in (ANY, narrow[1])


def covers_field(one: str, other: str) -> bool:
    """True if every field that the pattern ``other`` matches is matched by ``one``."""
    # An asterisk of ``other`` is no letter of a name, so only one of ``one`` can stand for it.
    return one in (ANY, other) or ("*" in one and glob(one)(other))


def _plain(matcher: str) -> str:
    return re.sub(r"\s", "", matcher).replace("r_", "r.").replace("p_", "p.")


def _who(subject: str, kind: str) -> tuple[str, str]:
    """A subject and a type of principal, in the one form in which both can be compared."""
    if subject in (ANY, EVERYBODY_ROLE):
        return ANY, kind
    if subject.startswith(TYPE_PREFIX):
        named = subject.removeprefix(TYPE_PREFIX)
        if kind in (ANY, named):
            return ANY, named
    return subject, kind


def _constants(revision: PolicyRevision) -> dict[str, str]:
    """The conditions that read nothing and hold: they are the same as ``true``."""
    return {
        text: ALWAYS
        for text, condition in revision.book.conditions.items()
        if not condition.reads and condition.outcome(Arguments({})) is True
    }
