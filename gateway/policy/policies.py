"""Policies: the policy decision point over one revision of the rules."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Treatment, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.policy.access import Access, default_deny, grants, without_capability
from gateway.policy.cache import BoundedCache
from gateway.policy.conditions import Arguments, Condition, Outcome, Undecided
from gateway.policy.enforcer import RuleEnforcer
from gateway.policy.matcher import ConditionFailedError, Facts
from gateway.policy.models import CALL
from gateway.policy.roles import USER_PREFIX, RoleGraph, Subject, starting_roles
from gateway.policy.rows import Row
from gateway.policy.selectors import Selector
from gateway.policy.verdicts import Case, Possibility, Terms, settle

CACHE_LIMIT = 20_000
"""The most entries that each cache of a revision keeps."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """One revision of the rules, linted and compiled. ``named`` are the users and workspaces that
    some rule names; ``notes`` are what linting found worth saying without refusing it."""

    revision: str
    access: RuleEnforcer
    verdict: RuleEnforcer
    pii: RuleEnforcer
    graph: RoleGraph
    access_rows: tuple[Row, ...]
    verdict_rows: tuple[Row, ...]
    selectors: Mapping[str, Selector]
    conditions: dict[str, Condition]
    named: frozenset[str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """What the verdict rules that can apply to a contract look at; compared by identity."""

    contract: OperationContract
    conditions: tuple[Condition, ...]


class Policies:
    """Decides access, verdict and PII treatment under one revision, which never changes.

    Another revision is another object, so that its caches need no invalidation. Thread-safe; a
    decision that was made before is given again (under a fresh id) without a lock.
    """

    def __init__(self, book: RuleBook, registry: Registry) -> None:
        self.revision = book.revision
        self.notes = book.notes
        self._book = book
        self._registry = registry
        self._constants: dict[str, Outcome] = {
            text: condition.outcome(Arguments({}))
            for text, condition in book.conditions.items()
            if not condition.reads
        }
        self._principals: BoundedCache[Principal, Subject] = BoundedCache(CACHE_LIMIT)
        self._subjects: BoundedCache[tuple[object, ...], Subject] = BoundedCache(CACHE_LIMIT)
        self._profiles: BoundedCache[int, _Profile] = BoundedCache(CACHE_LIMIT)
        self._access: BoundedCache[tuple[Subject, _Profile], Access] = BoundedCache(CACHE_LIMIT)
        self._terms: BoundedCache[tuple[Subject, _Profile, tuple[Outcome, ...]], Terms] = (
            BoundedCache(CACHE_LIMIT)
        )
        self._treatments: BoundedCache[tuple[Subject, str, str], Treatment] = BoundedCache(
            CACHE_LIMIT
        )

    def roles(self, principal: Principal) -> frozenset[str]:
        """The effective roles: claims and assignments in the principal's workspace, closed."""
        return self._subject(principal).roles

    def holds(self, principal: Principal, role: str) -> bool:
        """True if ``role`` is among the principal's effective roles."""
        return role in self._subject(principal).roles

    def access(self, principal: Principal, contract: OperationContract) -> AccessDecision:
        """Whether the principal may call the contract: through a door or as a step of a plan."""
        granted = principal.capabilities
        if granted is not None and not grants(granted, contract):
            told = without_capability(contract)
        else:
            key = (self._subject(principal), self._profile(contract))
            told = self._access.get(key) or self._decide_access(key)
        return AccessDecision(
            _decision_id(), told.allowed, told.reason, self.revision, told.rule, told.missing
        )

    def verdict(
        self,
        principal: Principal,
        contract: OperationContract,
        arguments: JsonObject,
        unknown: frozenset[str] = frozenset(),
    ) -> VerdictDecision:
        """How the call may run, given its raw arguments.

        ``unknown`` are dotted paths of the input that are still references to the output of an
        earlier step; see ``verdicts`` for what becomes of rules that read them.
        """
        subject, profile = self._subject(principal), self._profile(contract)
        outcomes: tuple[Outcome, ...] = ()
        if profile.conditions:
            given = Arguments(arguments, unknown)
            outcomes = tuple([condition.outcome(given) for condition in profile.conditions])
        terms = self._terms.get((subject, profile, outcomes))
        if terms is None:
            terms = self._decide_verdict(subject, profile, outcomes)
        return VerdictDecision(
            _decision_id(),
            terms.verdict,
            terms.reasons,
            self.revision,
            terms.rules,
            terms.approver_role,
            terms.quorum,
            terms.expires_in,
            terms.escalate_after,
            terms.escalate_to,
        )

    def treatment(self, principal: Principal, contract_ref: str, field: str) -> Treatment:
        """What the principal sees of a PII field (``input.<path>`` or ``output.<path>``).

        Without a rule, for an unknown contract and after an error it is drop.
        """
        key = (self._subject(principal), contract_ref, field)
        return self._treatments.get(key) or self._decide_treatment(key)

    def _subject(self, principal: Principal) -> Subject:
        return self._principals.get(principal) or self._new_subject(principal)

    def _new_subject(self, principal: Principal) -> Subject:
        found = self._book.graph.roles_of(starting_roles(principal), principal.workspace)
        roles = frozenset(name for name in found if not name.startswith(USER_PREFIX))
        user = "" if principal.is_anonymous else USER_PREFIX + principal.subject
        named = self._book.named
        seen = (
            principal.type,
            user if user in named else "",
            principal.workspace if principal.workspace in named else "",
            roles,
        )
        subject = self._subjects.get(seen) or self._subjects.put(seen, Subject(*seen))
        return self._principals.put(principal, subject)

    def _profile(self, contract: OperationContract) -> _Profile:
        # The profile holds its contract, so that the id stays taken as long as it is a key.
        profile = self._profiles.get(id(contract))
        return profile or self._profiles.put(id(contract), self._new_profile(contract))

    def _new_profile(self, contract: OperationContract) -> _Profile:
        book = self._book
        texts = dict.fromkeys(
            row["when"] for row in book.verdict_rows if book.selectors[row["obj"]].selects(contract)
        )
        return _Profile(
            contract, tuple(book.conditions[text] for text in texts if book.conditions[text].reads)
        )

    def _decide_access(self, key: tuple[Subject, _Profile]) -> Access:
        subject, profile = key
        contract = profile.contract
        try:
            allowed, row = self._book.access.decide(subject, subject.workspace, contract, CALL)
        except Exception as error:  # an error inside a rule denies
            _log.error("An access rule failed for %s (%s)", contract.ref, type(error).__name__)
            return Access(False, f"A rule on {contract.key} failed, so that it is denied.")
        if row is None:
            told = default_deny(self._book.access_rows, self._book.selectors, subject, contract)
        elif allowed:
            told = Access(True, f"Policy allows you to call {contract.key}.", row.rule)
        else:
            told = Access(
                False, f"Policy denies you {contract.key}; a deny outweighs every allow.", row.rule
            )
        return self._access.put(key, told)

    def _decide_verdict(
        self, subject: Subject, profile: _Profile, outcomes: tuple[Outcome, ...]
    ) -> Terms:
        known = dict(self._constants)
        known |= {
            condition.text: outcome
            for condition, outcome in zip(profile.conditions, outcomes, strict=True)
        }
        case = Case(profile.contract, subject.type, self._book.conditions)
        terms = settle(case, self._possibilities(subject, profile.contract, known))
        return self._terms.put((subject, profile, outcomes), terms)

    def _possibilities(
        self, subject: Subject, contract: OperationContract, known: Mapping[str, Outcome]
    ) -> list[Possibility]:
        """Every rule that may decide, up to the first that certainly does."""
        found: list[Possibility] = []
        assumed_false: set[str] = set()
        while True:
            facts = Facts(known, frozenset(assumed_false))
            try:
                _, row = self._book.verdict.decide(
                    subject, subject.workspace, contract, contract.risk.value, facts
                )
            except ConditionFailedError as failed:
                return [*found, self._failed(failed, subject, contract)]
            except Exception as error:  # an error inside a rule blocks
                _log.error("A verdict rule failed for %s (%s)", contract.ref, type(error).__name__)
                return [*found, Possibility(None, failure="a rule could not be evaluated")]
            outcome = known[row["when"]] if row is not None else True
            # A matcher of a deployment's own may match without the condition: then it is certain.
            certain = row is None or row["when"] in assumed_false
            if row is None or certain or not isinstance(outcome, Undecided):
                return [*found, Possibility(row)]
            found.append(Possibility(row, waits_for=outcome.paths))
            assumed_false.add(row["when"])

    def _failed(
        self, failed: ConditionFailedError, subject: Subject, contract: OperationContract
    ) -> Possibility:
        """The rule that failed: the first one with that condition which speaks of the call."""
        candidates = (
            row
            for row in self._book.verdict_rows
            if row["when"] == failed.when
            and row["risk"] in ("*", contract.risk.value)
            and row["dom"] in ("*", subject.workspace)
            and subject.plays(row["sub"])
            and self._book.selectors[row["obj"]].selects(contract)
        )
        row = next(candidates, None)
        return Possibility(row, failure=failed.why)

    def _decide_treatment(self, key: tuple[Subject, str, str]) -> Treatment:
        subject, contract_ref, name = key
        contract = self._registry.operations.get(contract_ref)
        if contract is None:
            return Treatment.DROP
        try:
            _, row = self._book.pii.decide(
                subject, subject.type.value, subject.workspace, contract, name
            )
        except Exception as error:  # an error inside a rule drops
            _log.error("A PII rule failed for %s (%s)", contract_ref, type(error).__name__)
            return Treatment.DROP
        treatment = Treatment.DROP if row is None else Treatment(row["treatment"])
        return self._treatments.put(key, treatment)


def _decision_id() -> str:
    return "dec_" + os.urandom(16).hex()
