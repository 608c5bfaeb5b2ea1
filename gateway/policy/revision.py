"""A revision of the policies, linted and compiled: it decides, and its rules never change."""

import logging
import os
from dataclasses import dataclass
from typing import TypeAlias

from gateway.contracts import Registry, classes_at
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Treatment, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.pii import ANY_CLASS, PiiClasses
from gateway.model.principal import Principal, PrincipalType
from gateway.policy.contents.content import PolicyContent
from gateway.policy.engine.access import Access, Answers, grants, without_capability
from gateway.policy.engine.book import RuleBook
from gateway.policy.engine.cache import BoundedCache
from gateway.policy.engine.index import CONTRACTS_LIMIT
from gateway.policy.engine.matcher import ConditionFailedError, Facts, PiiField
from gateway.policy.engine.roles import USER_PREFIX, Subject, effective_roles
from gateway.policy.engine.verdicts import Case, Possibility, Terms, settle
from gateway.policy.rules.conditions import Arguments, Undecided
from gateway.policy.rules.models import ACCESS, CALL, VERDICT

CACHE_LIMIT = 20_000
"""The most entries that each cache of a revision keeps; with 0 every decision is made anew."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A contract as a key, compared by identity."""

    contract: OperationContract


_Shown: TypeAlias = tuple[Subject, str, str, PiiClasses | None]
"""Who sees which field of which contract, and its classes where they are given."""


def field_classes(contract: OperationContract, field: str) -> PiiClasses:
    """The classes of a PII field (``input.<path>`` or ``output.<path>``): all where the contract
    declares none for it."""
    side, _, path = field.partition(".")
    known = classes_at(contract, "input" if side == "input" else "output", path)
    return known or ANY_CLASS


class PolicyRevision:
    """Decides access, verdict and PII treatment under one revision, which never changes.

    Another revision is another object, so that its caches need no invalidation. Thread-safe; a
    decision that was made before is given again (under a fresh id) without a lock. ``content`` is
    what it was read from, ``book`` the rules themselves, ``registry`` the contracts that they
    speak of.
    """

    def __init__(self, content: PolicyContent, book: RuleBook, registry: Registry) -> None:
        self.content = content
        self.revision = content.revision
        self.notes = book.notes
        self.book = book
        self.registry = registry
        self._answers = Answers(book.rules.indexes[ACCESS.name])
        self._principals: BoundedCache[Principal, Subject] = BoundedCache(CACHE_LIMIT)
        self._subjects: BoundedCache[tuple[object, ...], Subject] = BoundedCache(CACHE_LIMIT)
        self._asked: BoundedCache[int, _Asked] = BoundedCache(CONTRACTS_LIMIT)
        self._access: BoundedCache[tuple[Subject, _Asked], Access] = BoundedCache(CACHE_LIMIT)
        self._settled: BoundedCache[tuple[Subject, _Asked], Terms] = BoundedCache(CACHE_LIMIT)
        self._terms: BoundedCache[tuple[object, ...], Terms] = BoundedCache(CACHE_LIMIT)
        self._treatments: BoundedCache[_Shown, Treatment] = BoundedCache(CACHE_LIMIT)

    def reference(self) -> "PolicyRevision":
        """This revision as Casbin itself decides it, which takes time for each rule."""
        return PolicyRevision(self.content, self.book.reference(), self.registry)

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
            key = (self._subject(principal), self._key(contract))
            told = self._access.get(key) or self._decide_access(key)
        return AccessDecision(
            _decision_id(), told.allowed, told.reason, self.revision, told.rule, told.missing
        )

    def allows(self, principal: Principal, contract: OperationContract) -> bool:
        """Whether ``access`` would be allowed: for questions about many, which nobody records."""
        granted = principal.capabilities
        if granted is not None and not grants(granted, contract):
            return False
        subject = self._subject(principal)
        try:
            return self.book.access.decide(subject, subject.workspace, contract, CALL)[0]
        except Exception as error:  # an error inside a rule denies
            _log.error("An access rule failed for %s (%s)", contract.ref, type(error).__name__)
            return False

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
        key = (self._subject(principal), self._key(contract))
        terms = self._settled.get(key) or self._decide_verdict(key, Arguments(arguments, unknown))
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

    def treatment(
        self,
        principal: Principal,
        contract_ref: str,
        field: str,
        classes: PiiClasses | None = None,
    ) -> Treatment:
        """What the principal sees of a PII field (``input.<path>`` or ``output.<path>``).

        ``classes`` are those of the field where its contract does not tell them. It is decided for
        each class, and the strictest counts; a field of unknown classes counts as being of all.
        Without a rule, for an unknown contract and after an error it is drop.
        """
        key = (self._subject(principal), contract_ref, field, classes)
        return self._treatments.get(key) or self._decide_treatment(key)

    def _subject(self, principal: Principal) -> Subject:
        return self._principals.get(principal) or self._new_subject(principal)

    def _new_subject(self, principal: Principal) -> Subject:
        book, kind, workspace = self.book, principal.type, principal.workspace
        user = USER_PREFIX + principal.subject
        known = book.tells_apart(user) and kind is not PrincipalType.ANONYMOUS
        seen = (
            kind,
            user if known else "",
            workspace if book.tells_apart_workspace(workspace) else "",
            effective_roles(book.graph, principal),
        )
        subject = self._subjects.get(seen) or self._subjects.put(seen, Subject(*seen))
        return self._principals.put(principal, subject)

    def _key(self, contract: OperationContract) -> _Asked:
        # It holds its contract, so that the id stays taken as long as it is a key.
        return self._asked.get(id(contract)) or self._asked.put(id(contract), _Asked(contract))

    def _decide_access(self, key: tuple[Subject, _Asked]) -> Access:
        subject, contract = key[0], key[1].contract
        try:
            allowed, row = self.book.access.decide(subject, subject.workspace, contract, CALL)
        except Exception as error:  # an error inside a rule denies
            _log.error("An access rule failed for %s (%s)", contract.ref, type(error).__name__)
            return Access(False, f"A rule on {contract.key} failed, so that it is denied.")
        if row is None:
            told = self._answers.by_default(contract, subject)
        else:
            told = self._answers.by_rule(contract, row, allowed)
        return self._access.put(key, told)

    def _decide_verdict(self, key: tuple[Subject, _Asked], arguments: Arguments) -> Terms:
        subject, asked = key
        facts = Facts(self.book.conditions, arguments)
        ways = self._possibilities(subject, asked.contract, facts)
        told = tuple((way.row and way.row.line, way.failure, way.waits_for) for way in ways)
        same = (subject.type, asked, told)
        terms = self._terms.get(same)
        if terms is None:
            case = Case(asked.contract, subject.type, self.book.conditions)
            terms = self._terms.put(same, settle(case, ways))
        # What was decided without a look at the arguments is so whatever they are.
        return terms if facts.looked else self._settled.put(key, terms)

    def _possibilities(
        self, subject: Subject, contract: OperationContract, facts: Facts
    ) -> list[Possibility]:
        """Every rule that may decide, up to the first that certainly does."""
        found: list[Possibility] = []
        decide, risk = self.book.verdict.decide, contract.risk.value
        while True:
            try:
                _, row = decide(subject, subject.workspace, contract, risk, facts)
            except ConditionFailedError as failed:
                return [*found, self._failed(failed, subject, contract)]
            except Exception as error:  # an error inside a rule blocks
                _log.error("A verdict rule failed for %s (%s)", contract.ref, type(error).__name__)
                return [*found, Possibility(None, failure="a rule could not be evaluated")]
            if row is None:
                return [*found, Possibility(None)]
            when = row["when"]
            outcome = facts.outcome(when)
            # A matcher of a deployment's own may match without the condition: then it is certain.
            if when in facts.assumed_false or not isinstance(outcome, Undecided):
                return [*found, Possibility(row)]
            found.append(Possibility(row, waits_for=outcome.paths))
            facts.assumed_false.add(when)

    def _failed(
        self, failed: ConditionFailedError, subject: Subject, contract: OperationContract
    ) -> Possibility:
        """The rule that failed: the first one with that condition which speaks of the call."""
        index = self.book.rules.indexes[VERDICT.name]
        candidates = (
            row
            for by_subject in index.concerning(contract, subject.workspace)
            for name in subject.names
            for row in by_subject.get(name, ())
            if row["when"] == failed.when and row["risk"] in ("*", contract.risk.value)
        )
        return Possibility(min(candidates, key=index.rank, default=None), failure=failed.why)

    def _decide_treatment(self, key: _Shown) -> Treatment:
        subject, contract_ref, name, classes = key
        contract = self.registry.operations.get(contract_ref)
        if contract is None:
            return Treatment.DROP
        found = []
        try:
            for one in sorted(classes or field_classes(contract, name)):
                asked = PiiField(name, one)
                _, row = self.book.pii.decide(
                    subject, subject.type.value, subject.workspace, contract, asked
                )
                found.append(Treatment.DROP if row is None else Treatment(row["treatment"]))
        except Exception as error:  # an error inside a rule drops
            _log.error("A PII rule failed for %s (%s)", contract_ref, type(error).__name__)
            return Treatment.DROP
        return self._treatments.put(key, max(found, key=lambda treatment: treatment.rank))


_fresh_ids: list[str] = []
os.register_at_fork(after_in_child=_fresh_ids.clear)  # both would go on with the same ones


def _decision_id() -> str:
    try:
        return _fresh_ids.pop()
    except IndexError:  # asking the system for many at once is several times quicker
        made = os.urandom(16 * 256).hex()
        _fresh_ids.extend(["dec_" + made[at : at + 32] for at in range(32, len(made), 32)])
        return "dec_" + made[:32]
