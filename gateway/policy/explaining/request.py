"""A hypothetical request: who asks for what, and how the rules see it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from msgspec import structs

from gateway.contracts import pii_of
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.policy.engine.roles import TYPE_PREFIX, USER_PREFIX, Subject
from gateway.policy.reading.all_rows import AllRows, all_rows, holds_in, speaks_of
from gateway.policy.requesting import blocked_for, lacks_role
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.conditions import Arguments, Outcome
from gateway.policy.rules.models import VERDICT
from gateway.policy.rules.rows import Row

Visible = Callable[[Row], bool]
"""Whether whoever asks may read a row."""


@dataclass(frozen=True)
class Request:
    """Who (``principal``) asks for what, under which revision; ``unknown`` are argument paths
    that come from an earlier step, ``requester_role`` is what whoever has it run must hold."""

    revision: PolicyRevision
    principal: Principal
    contract: OperationContract
    arguments: JsonObject = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    requester_role: str = ""
    _speaking: dict[str, tuple[Row, ...]] = field(default_factory=dict, repr=False, compare=False)
    _by_subject: dict[str, dict[str, list[tuple[int, Row]]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def subject(self) -> Subject:
        """The principal as rules name it."""
        who = self.principal
        user = "" if who.is_anonymous else USER_PREFIX + who.subject
        return Subject(who.type, user, who.workspace, self.revision.roles(who))

    @cached_property
    def given(self) -> Arguments:
        """The arguments as conditions read them."""
        return Arguments(self.arguments, self.unknown)

    @cached_property
    def rows(self) -> AllRows:
        """The rows of the revision."""
        return all_rows(self.revision)

    def access(self) -> AccessDecision:
        """What the decision point says."""
        return self.revision.access(self.principal, self.contract)

    def verdict(self) -> VerdictDecision | None:
        """How the call may run; None for what the gateway performs itself."""
        if self.contract.handler is None:
            return None
        decided = self.decided_verdict()
        return (
            blocked_for(decided, self.contract, self.requester_role) if self.is_short else decided
        )

    @property
    def is_short(self) -> bool:
        """True where nothing is run for this principal, whatever the rules say."""
        return lacks_role(self.revision, self.principal, self.contract, self.requester_role)

    def decided_verdict(self) -> VerdictDecision:
        """What the rules say of the verdict, whoever performs the contract."""
        return self.revision.verdict(self.principal, self.contract, self.arguments, self.unknown)

    def pii_fields(self) -> list[str]:
        """The PII fields of the contract, as rules name them."""
        return [
            *(f"input.{path}" for path in pii_of(self.contract, "input")),
            *(f"output.{path}" for path in pii_of(self.contract, "output")),
        ]

    def speaking(self, model: str) -> tuple[Row, ...]:
        """The rules of a model that speak of the contract, in their order; read once for all
        requests that come of this one."""
        found = self._speaking.get(model)
        if found is None:
            found = self._speaking[model] = tuple(self._read(model))
        return found

    def _read(self, model: str) -> Iterator[Row]:
        known: dict[tuple[str, str], bool] = {}
        for row in getattr(self.rows, model):
            key = (row["obj"], row["risk"] if model == VERDICT.name else "")
            selected = known.get(key)
            if selected is None:
                selected = known[key] = speaks_of(self.revision, model, row, self.contract)
            if selected:
                yield row

    def speaking_to(self, model: str) -> list[Row]:
        """Those of them that speak of this principal, in its workspace."""
        by_subject = self._by_subject.get(model)
        if by_subject is None:
            by_subject = self._by_subject[model] = {}
            for order, row in enumerate(self.speaking(model)):
                by_subject.setdefault(row["sub"], []).append((order, row))
        found = [
            each
            for name in self.subject.names
            for each in by_subject.get(name, ())
            if holds_in(each[1], self.subject.workspace)
        ]
        return [row for _, row in sorted(found, key=lambda each: each[0])]

    def outcome(self, row: Row) -> Outcome:
        """How the condition of a verdict rule comes out."""
        return self.revision.book.conditions[row["when"]].outcome(self.given)

    def with_role(self, role: str) -> "Request":
        """The same request of somebody who holds one more role."""
        who = self.principal
        return replace(self, principal=structs.replace(who, roles=who.roles | {role}))

    def with_capability(self, capability: str) -> "Request":
        """The same request with a token that grants one more capability."""
        who = self.principal
        granted = (who.capabilities or frozenset()) | {capability}
        return replace(self, principal=structs.replace(who, capabilities=granted))

    def with_argument(self, path: str, value: float) -> "Request":
        """The same request with another number at a dotted path, which is then known."""
        head, *rest = path.split(".")
        arguments = dict(self.arguments)
        arguments[head] = _replaced(arguments.get(head), rest, value)
        unknown = frozenset(name for name in self.unknown if not f"{path}.".startswith(f"{name}."))
        return replace(self, arguments=arguments, unknown=unknown)


def type_of(name: str) -> str | None:
    """The principal type that a rule's subject names, None if it names something else."""
    return name.removeprefix(TYPE_PREFIX) if name.startswith(TYPE_PREFIX) else None


def _replaced(value: object, rest: list[str], number: float) -> object:
    if not rest:
        return int(number) if number == int(number) else number
    inner = dict(value) if isinstance(value, dict) else {}
    inner[rest[0]] = _replaced(inner.get(rest[0]), rest[1:], number)
    return inner
