"""Deciding recorded requests again, under the revision in force and under a draft, at once.

Access depends on the principal and the contract alone, so it is decided once for both and then
looked up. So are verdicts, by what the conditions of their rules look at.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from gateway.contracts import Registry, pii_of
from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict
from gateway.model.execution import RunMode
from gateway.model.json import JsonObject, decode
from gateway.model.pii import ErasedError
from gateway.model.ports import Sealer
from gateway.model.principal import Principal, PrincipalType
from gateway.model.sealing import unseal_all
from gateway.policy import Policies, PolicyRevision
from gateway.runtime.dispatch import in_mode
from gateway.runtime.impact_effects import DENY, Decided, Pair, access_effect, verdict_effect
from gateway.runtime.impact_reasons import Reason, UndecidableError
from gateway.runtime.requester import requester_access

_KNOWN = 20_000
"""How many principals are remembered with what was decided for them."""


@dataclass(slots=True, eq=False)
class Asker:
    """A principal who was decided for, with what was decided. ``roles`` are the effective ones
    under the revision in force."""

    principal: Principal
    roles: tuple[str, ...]
    calls: dict[str, Pair] = field(default_factory=dict)
    steps: dict[str, Pair] = field(default_factory=dict)


class _Conditions:
    """The conditions of a revision's verdict rules that look at arguments, each with the selector
    of the contracts that it is about."""

    def __init__(self, revision: PolicyRevision) -> None:
        book = revision.book
        used = {(row["obj"], row["when"]) for row in book.verdict_rows}
        self._used = [
            (book.selectors[selector], tuple(book.conditions[when].reads))
            for selector, when in used
            if book.conditions[when].reads
        ]

    def read_in(self, contract: OperationContract) -> Iterator[str]:
        """The arguments of a contract that they look at."""
        for selector, paths in self._used:
            if selector.selects(contract):
                yield from paths


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the verdict rules of both revisions look at in a contract's arguments: the ``names`` of
    the members, and whether any of it is PII."""

    names: tuple[str, ...]
    pii: bool


class Redecider:
    """Decides under ``in_force`` and ``draft``; remembers a bounded number of answers."""

    def __init__(
        self, in_force: PolicyRevision, draft: PolicyRevision, registry: Registry, sealer: Sealer
    ) -> None:
        self.in_force = Policies(in_force)
        self.draft = Policies(draft)
        self._operations: Mapping[str, OperationContract] = registry.operations
        self._sealer = sealer
        self._askers: dict[object, Asker] = {}
        self._conditions = (_Conditions(in_force), _Conditions(draft))
        self._readings: dict[str, _Reading] = {}
        self._verdicts: dict[tuple[object, ...], Pair] = {}
        self._pairs: dict[tuple[Decided, Decided], Pair] = {}

    def caller(self, workspace: str, body: JsonObject) -> Asker:
        """Who made a recorded call.

        Raises:
            UndecidableError: an earlier release did not record the roles.
        """
        roles = body.get("roles")
        if roles is None:
            raise UndecidableError(Reason.NO_ROLES)
        granted = body["capabilities"]
        narrowed = None if granted is None else tuple(granted)
        key = (body["principalType"], body["subject"], workspace, tuple(roles), narrowed)
        return self._askers.get(key) or self._remember(key, lambda: _principal(key))

    def requester(self, submitter: str) -> Asker:
        """The submitter of an execution, from the JSON as stored."""
        found = self._askers.get(submitter)
        return found or self._remember(submitter, lambda: Principal.from_json(decode(submitter)))

    def anonymous(self, principal: Principal) -> Asker:
        """Whoever came without a token."""
        return self._askers.get(principal) or self._remember(principal, lambda: principal)

    def contract(self, ref: str, digest: str | None = None) -> OperationContract:
        """The contract ``ref``, with the content that it had.

        Raises:
            UndecidableError: it is not loaded, or is another one now.
        """
        contract = self._operations.get(ref)
        if contract is None:
            raise UndecidableError(Reason.CONTRACT_GONE)
        if digest is not None and contract.digest != digest:
            raise UndecidableError(Reason.CONTRACT_CHANGED)
        return contract

    def known_contract(self, ref: str, digest: str) -> OperationContract | None:
        """``contract``, or None where that raises."""
        try:
            return self.contract(ref, digest)
        except UndecidableError:
            return None

    def call_access(self, asker: Asker, contract: OperationContract) -> Pair:
        """Whether the call is let in."""
        found = asker.calls.get(contract.ref)
        if found is None:
            who = asker.principal
            now, then = (each.access(who, contract) for each in (self.in_force, self.draft))
            found = asker.calls[contract.ref] = Pair(access_effect(now), access_effect(then))
        return found

    def step_access(self, asker: Asker, contract: OperationContract) -> Pair:
        """Whether steps of the contract are run for the requester."""
        found = asker.steps.get(contract.ref)
        if found is None:
            who = asker.principal
            now, then = (
                requester_access(each, who, contract) for each in (self.in_force, self.draft)
            )
            found = asker.steps[contract.ref] = Pair(access_effect(now), access_effect(then))
        return found

    def call_verdict(self, asker: Asker, contract: OperationContract, sealed: JsonObject) -> Pair:
        """How a query with a handler may run; ``sealed`` is its input.

        Raises:
            UndecidableError: what the rules read in it cannot be opened.
        """
        arguments = self._arguments(asker, contract, sealed)
        now, then = (
            verdict_effect(each.verdict(asker.principal, contract, arguments))
            for each in (self.in_force, self.draft)
        )
        return self._pair(now, then)

    def step_verdict(
        self,
        asker: Asker,
        contract: OperationContract,
        sealed: JsonObject,
        unknown: frozenset[str] = frozenset(),
        *,
        mode: str | None = None,
        leaks: bool = False,
    ) -> Pair:
        """What becomes of a step: blocked where access is denied or PII ``leaks``, else as the
        rules and the ``mode`` of the run say. ``unknown`` are the references in its input.

        Raises:
            UndecidableError: what the rules read in it cannot be opened.
        """
        arguments = self._arguments(asker, contract, sealed)
        looked_at = orjson.dumps([arguments.get(name) for name in self._reading(contract).names])
        asked = (asker, contract.ref, looked_at, unknown, mode, leaks)
        found = self._verdicts.get(asked)
        if found is None:
            if len(self._verdicts) >= _KNOWN:
                self._verdicts.clear()
            found = self._step_verdict(asker, contract, arguments, unknown, mode, leaks)
            self._verdicts[asked] = found
        return found

    def _step_verdict(
        self,
        asker: Asker,
        contract: OperationContract,
        arguments: JsonObject,
        unknown: frozenset[str],
        mode: str | None,
        leaks: bool,
    ) -> Pair:
        access = self.step_access(asker, contract)
        how = RunMode(mode) if mode else None

        def decided(policies: Policies, allowed: Decided) -> Decided:
            if allowed.effect == DENY:
                return Decided(Verdict.BLOCKED.value, allowed.rules)
            plain = policies.verdict(asker.principal, contract, arguments, unknown)
            said = verdict_effect(in_mode(how, contract, plain))
            return Decided(Verdict.BLOCKED.value, said.rules) if leaks else said

        return self._pair(decided(self.in_force, access.now), decided(self.draft, access.then))

    def _remember(self, key: object, principal: Callable[[], Principal]) -> Asker:
        who = principal()
        if len(self._askers) >= _KNOWN:
            self._askers.clear()
        roles = self.in_force.roles(who) - {"anonymous"}
        asker = self._askers[key] = Asker(who, tuple(sorted(roles)))
        return asker

    def _pair(self, now: Decided, then: Decided) -> Pair:
        """The pair of two verdicts; there are few that differ."""
        found = self._pairs.get((now, then))
        if found is None:
            if len(self._pairs) >= _KNOWN:
                self._pairs.clear()
            found = self._pairs[now, then] = Pair(now, then)
        return found

    def _arguments(
        self, asker: Asker, contract: OperationContract, sealed: JsonObject
    ) -> JsonObject:
        """The input as far as the rules look at it: PII that none reads stays sealed, so that its
        erasure keeps nothing from being decided."""
        if not self._reading(contract).pii:
            return sealed
        try:
            opened: JsonObject = unseal_all(self._sealer, asker.principal.workspace, sealed)
        except ErasedError as error:
            raise UndecidableError(Reason.ERASED) from error
        except ValueError as error:
            raise UndecidableError(Reason.SEALED) from error
        return opened

    def _reading(self, contract: OperationContract) -> _Reading:
        found = self._readings.get(contract.ref)
        if found is None:
            paths = {path for each in self._conditions for path in each.read_in(contract)}
            pii = any(_meet(path, other) for path in paths for other in pii_of(contract, "input"))
            names = tuple(sorted({path.partition(".")[0] for path in paths}))
            found = self._readings[contract.ref] = _Reading(names, pii)
        return found


def _meet(path: str, other: str) -> bool:
    """True where one path lies at or inside the other."""
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")


def _principal(key: tuple[str, str, str, tuple[str, ...], tuple[str, ...] | None]) -> Principal:
    kind, subject, workspace, roles, granted = key
    capabilities = None if granted is None else frozenset(granted)
    return Principal(PrincipalType(kind), subject, workspace, frozenset(roles), capabilities)
