"""The shadow of the revision in force: another revision that decides beside it, without effect."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.model.json import JsonObject
from gateway.model.ports import Clock
from gateway.model.principal import Principal
from gateway.model.time import stamp
from gateway.policy import Policies, PolicyRevision

EXAMPLES = 5
"""How many examples of a difference are kept: the newest ones."""

GROUPS = 50
"""How many kinds of differences are told apart; further ones are only counted."""

_ROLES = 10
_ERRORS = 10


@dataclass(slots=True)
class _Group:
    count: int = 0
    examples: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=EXAMPLES))


class ShadowWitness:
    """Decides what was decided again under ``draft``, and counts what differs.

    It sees the decisions about principals of ``workspace``, or all if that is None. It raises
    nothing and changes nothing; what it costs is measured. When another revision comes into force
    the counts begin anew, for they are about one pair of revisions. Thread-safe.
    """

    def __init__(
        self, draft: PolicyRevision, policies: Policies, workspace: str | None, clock: Clock
    ) -> None:
        self.draft = draft
        self._policies = policies
        self._workspace = workspace
        self._clock = clock
        self._lock = threading.Lock()
        self._begin(policies.revision)

    def _begin(self, head: str) -> None:
        self._head = head
        self._since = stamp(self._clock.now())
        self._began = time.perf_counter_ns()
        self._cost = 0
        self._compared: Counter[str] = Counter()
        self._differing = 0
        self._elsewhere = 0
        self._errors: Counter[str] = Counter()
        self._groups: dict[tuple[str, str, str], _Group] = {}

    def saw_access(
        self, principal: Principal, contract: OperationContract, decided: AccessDecision
    ) -> None:
        """Decide access again."""

        def change() -> str:
            then = self.draft.access(principal, contract)
            if then.allowed is decided.allowed:
                return ""
            return "allow -> deny" if decided.allowed else "deny -> allow"

        self._compare("access", principal, contract, decided, change)

    def saw_verdict(
        self,
        principal: Principal,
        contract: OperationContract,
        arguments: JsonObject,
        unknown: frozenset[str],
        decided: VerdictDecision,
    ) -> None:
        """Decide the verdict again."""

        def change() -> str:
            then = self.draft.verdict(principal, contract, arguments, unknown)
            if then.verdict is not decided.verdict:
                return f"{decided.verdict.value} -> {then.verdict.value}"
            same = then.verdict is not Verdict.ASSIST or _terms(then) == _terms(decided)
            return "" if same else "other terms"

        self._compare("verdict", principal, contract, decided, change)

    def _compare(
        self,
        kind: str,
        principal: Principal,
        contract: OperationContract,
        decided: AccessDecision | VerdictDecision,
        change: Callable[[], str],
    ) -> None:
        if self._workspace is not None and principal.workspace != self._workspace:
            return
        began = time.perf_counter_ns()
        try:
            found, error = change(), ""
        except Exception as failure:  # a shadow has no effect, whatever goes wrong in it
            found, error = "", type(failure).__name__
        with self._lock:
            if self._is_about(decided.revision):
                self._count(kind, principal, contract, decided.decision_id, found, error)
                self._cost += time.perf_counter_ns() - began

    def _is_about(self, revision: str) -> bool:
        """True if a decision was made under the revision that is compared with."""
        if revision == self._head:
            return True
        if revision != self._policies.revision:  # it was exchanged while this was decided
            self._elsewhere += 1
            return False
        self._begin(revision)
        return True

    def _count(
        self,
        kind: str,
        principal: Principal,
        contract: OperationContract,
        decision_id: str,
        change: str,
        error: str,
    ) -> None:
        self._compared[kind] += 1
        if error:
            self._errors[error if len(self._errors) < _ERRORS else "others"] += 1
        if not change:
            return
        self._differing += 1
        key = (change, kind, contract.ref)
        if key not in self._groups and len(self._groups) >= GROUPS:
            return
        group = self._groups.setdefault(key, _Group())
        group.count += 1
        group.examples.append(
            {
                "decisionId": decision_id,
                "at": stamp(self._clock.now()),
                "principalType": principal.type.value,
                "roles": sorted(principal.roles)[:_ROLES],
            }
        )

    def report(self) -> JsonObject:
        """What was found so far. ``cost.share`` is that of one processor since it began."""
        with self._lock:
            groups = sorted(self._groups.items(), key=lambda item: (-item[1].count, item[0]))
            compared, shown = self._compared.total(), sum(group.count for _, group in groups)
            elapsed = max(1, time.perf_counter_ns() - self._began)
            return {
                "revision": self.draft.revision,
                "inForce": self._head,
                "workspace": self._workspace,
                "since": self._since,
                "compared": {"total": compared, **self._compared},
                "differing": self._differing,
                "notCompared": self._elsewhere,
                "errors": {"total": self._errors.total(), **self._errors},
                "cost": {
                    "nanosecondsPerDecision": self._cost // max(1, compared),
                    "share": round(self._cost / elapsed, 6),
                },
                "differences": [
                    {
                        "change": change,
                        "kind": kind,
                        "contract": contract,
                        "count": group.count,
                        "examples": list(group.examples),
                    }
                    for (change, kind, contract), group in groups
                ],
                "moreDiffering": self._differing - shown,
            }


def _terms(decision: VerdictDecision) -> tuple[object, ...]:
    return (
        decision.approver_role,
        decision.quorum,
        decision.expires_in,
        decision.escalate_after,
        decision.escalate_to,
    )
