"""Which decisions an entry holds, and what they were made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import orjson

from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict
from gateway.model.decision_history import DecisionHistory, DecisionRow, RunRow
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject, JsonValue
from gateway.model.principal import ANONYMOUS
from gateway.runtime.impact_effects import DENY, Pair
from gateway.runtime.impact_reasons import Reason, UndecidableError
from gateway.runtime.impact_redecide import Asker, Redecider
from gateway.runtime.impact_stored import Stored, StoredPlan
from gateway.runtime.impact_tally import Place, Shifts, Tally
from gateway.runtime.pii_flow import COPIED, leaks
from gateway.runtime.references import Reference, references, without_references

CALL_ACCESS, CALL_VERDICT = "call.access", "call.verdict"
PLAN_ACCESS, PLAN_VERDICT = "plan.access", "plan.verdict"
DISPATCH_ACCESS, DISPATCH_VERDICT = "dispatch.access", "dispatch.verdict"
APPROVAL_VERDICT = "approval.verdict"

_LEAKS = 20_000
_RANKS = {verdict.value: verdict.rank for verdict in Verdict}


@dataclass(slots=True)
class PlanCounts:
    """Plans as they were last verified: how many, and whose verdict would be another one."""

    verified: int = 0
    undecidable: int = 0
    still_open: int = 0
    shifts: Shifts = field(default_factory=Shifts)

    def to_json(self) -> JsonObject:
        """The counts as a report shows them."""
        return {
            "verified": self.verified,
            "undecidable": self.undecidable,
            "flips": self.shifts.counts.total(),
            "flipsOfOpen": self.still_open,
            **self.shifts.to_json(),
        }


class EntryReader:
    """Decides again what entries hold, and counts it."""

    def __init__(self, history: DecisionHistory, redecider: Redecider) -> None:
        self.tally = Tally()
        self.plans = PlanCounts()
        self._stored = Stored(history, redecider.contract)
        self._redecider = redecider
        self._leaks: dict[tuple[str, tuple[str, ...], str, str], bool] = {}
        self._readers: dict[str, Callable[[DecisionRow, JsonObject], None]] = {
            EntryType.CALL_COMPLETED.value: self._call,
            EntryType.CALL_FAILED.value: self._call,
            EntryType.CALL_DENIED.value: self._call,
            EntryType.QUERY_ANSWERED.value: self._call,
            EntryType.CALLS_DENIED.value: self._counted,
            EntryType.PLAN_VERIFIED.value: self._verified,
            EntryType.STEP_DISPATCHED.value: self._dispatched,
            EntryType.STEP_BLOCKED.value: self._dispatched,
            EntryType.STEP_UNRESOLVED.value: self._dispatched,
            EntryType.APPROVAL_REQUESTED.value: self._requested,
        }

    def read(self, rows: Iterable[DecisionRow]) -> None:
        """Count the decisions of a page of entries."""
        page = []
        for row in rows:
            try:
                page.append((row, orjson.loads(row.body)))
            except orjson.JSONDecodeError:
                self.tally.undecidable(Reason.INCOMPLETE, _place(row))
        self._stored.remember(page)
        for row, body in page:
            before = self.tally.total
            try:
                self._readers[row.type](row, body)
            except (KeyError, TypeError, ValueError, AttributeError):
                missing = max(1, _expected(body) - (self.tally.total - before))
                self.tally.undecidable(Reason.INCOMPLETE, _place(row), missing)

    def _call(self, row: DecisionRow, body: JsonObject) -> None:
        """A call: its access, and the verdict of a query that has one."""
        decision, verdict = body["decision"], body.get("verdict")
        if "verdict" in decision:  # a query that its verdict does not let run
            decision, verdict = body.get("access"), decision
        if decision is not None:
            place = _of_call(row, decision)
            try:
                asker = self._redecider.caller(row.workspace, body)
                contract = self._redecider.contract(body["contract"])
                pair = self._redecider.call_access(asker, contract)
            except UndecidableError as why:
                self.tally.undecidable(why.reason, place)
            else:
                self.tally.decided(
                    CALL_ACCESS, contract.ref, asker, pair, decision["effect"], place
                )
        if verdict is not None:
            self._call_verdict(row, body, verdict)

    def _call_verdict(self, row: DecisionRow, body: JsonObject, verdict: JsonObject) -> None:
        place = _of_call(row, verdict)
        try:
            asker = self._redecider.caller(row.workspace, body)
            contract = self._redecider.contract(body["contract"], body.get("contractDigest"))
            pair = self._redecider.call_verdict(asker, contract, _input(body))
        except UndecidableError as why:
            self.tally.undecidable(why.reason, place)
            return
        self.tally.decided(CALL_VERDICT, contract.ref, asker, pair, verdict["verdict"], place)

    def _counted(self, row: DecisionRow, body: JsonObject) -> None:
        """Denials of callers without a token, by contract; those of bad tokens are no decisions."""
        for ref, times in body["counts"].items():
            if "." not in ref:
                continue
            try:
                asker = self._redecider.anonymous(ANONYMOUS)
                contract = self._redecider.contract(ref)
                pair = self._redecider.call_access(asker, contract)
                by_verdict = contract.handler is not None and not contract.is_command
                if by_verdict and (pair.now.effect, pair.then.effect) != (DENY, DENY):
                    raise UndecidableError(Reason.COUNTED)  # it may have been the verdict
            except UndecidableError as why:
                self.tally.undecidable(why.reason, _place(row), times)
            else:
                self.tally.decided(CALL_ACCESS, ref, asker, pair, DENY, _place(row), times)

    def _verified(self, row: DecisionRow, body: JsonObject) -> None:
        """A plan: the access and the verdict of each step, and of the plan the worst verdict."""
        try:
            run, plan = self._stored.run(row), self._stored.plan(body)
        except UndecidableError as why:
            self.tally.undecidable(why.reason, _place(row), 2 * len(body["decisions"]))
            return
        pairs = [
            self._verified_step(row, run, plan, step_id, recorded)
            for step_id, recorded in body["decisions"].items()
        ]
        if plan.verified_at != row.at:
            return  # it was verified again later
        self.plans.verified += 1
        known = [pair for pair in pairs if pair is not None]
        if len(known) < len(pairs) or not known:
            self.plans.undecidable += 1
            return
        now = max((pair.now.effect for pair in known), key=_RANKS.__getitem__)
        then = max((pair.then.effect for pair in known), key=_RANKS.__getitem__)
        if now == then:
            return
        self.plans.still_open += run.ended_at is None
        example = {
            "planId": body["planId"],
            "executionId": row.execution_id,
            "position": row.position,
            "at": row.at,
            "recorded": body["verdict"],
            "open": run.ended_at is None,
        }
        self.plans.shifts.add(f"{now} -> {then}", example)

    def _verified_step(
        self, row: DecisionRow, run: RunRow, plan: StoredPlan, step_id: str, recorded: JsonObject
    ) -> Pair | None:
        """The verdict of a verified step; None where it cannot be decided again."""
        place = _of_step(row, step_id, recorded)
        access_place = _of_step(row, step_id, recorded["access"])
        try:
            step, contract = self._stored.step(plan, step_id)
            asker = self._redecider.requester(run.submitter)
            access = self._redecider.step_access(asker, contract)
        except UndecidableError as why:
            self.tally.undecidable(why.reason, access_place)
            self.tally.undecidable(why.reason, place)
            return None
        given, effect = step["input"], recorded["access"]["effect"]
        self.tally.decided(PLAN_ACCESS, contract.ref, asker, access, effect, access_place)
        found = list(references(given)) if step["dependsOn"] else []
        unknown = frozenset(reference.dotted for reference in found)
        try:
            leaking = recorded.get(COPIED, False) or any(
                self._leaks_pii(plan, reference, contract) for reference in found
            )
            known = without_references(given) if unknown else given
            pair = self._redecider.step_verdict(asker, contract, known, unknown, leaks=leaking)
        except UndecidableError as why:
            self.tally.undecidable(why.reason, place)
            return None
        self.tally.decided(PLAN_VERDICT, contract.ref, asker, pair, recorded["verdict"], place)
        return pair

    def _leaks_pii(self, plan: StoredPlan, reference: Reference, target: OperationContract) -> bool:
        (step,) = [step for step in plan.steps.values() if step["key"] == reference.source]
        key = (step["contract"], reference.field, target.ref, reference.dotted)
        found = self._leaks.get(key)
        if found is None:
            source_of = self._redecider.contract(step["contract"], step["contractDigest"])
            found = any(leaks(source_of, reference.field, target, reference.path))
            if len(self._leaks) < _LEAKS:
                self._leaks[key] = found
        return found

    def _dispatched(self, row: DecisionRow, body: JsonObject) -> None:
        """A step at its dispatch: access, and the verdict on its resolved input."""
        access, verdict = body.get("access"), body.get("decision")
        if access is None and verdict is None:
            return  # what stopped it was no decision of policy
        step_id = body["stepId"]
        try:
            run, plan = self._stored.run(row), self._stored.plan(body)
            _, contract = self._stored.step(plan, step_id)
            asker = self._redecider.requester(run.submitter)
        except UndecidableError as why:
            for decision in (access, verdict):
                if decision is not None:
                    self.tally.undecidable(why.reason, _of_step(row, step_id, decision))
            return
        if access is not None:
            pair = self._redecider.step_access(asker, contract)
            place, effect = _of_step(row, step_id, access), access["effect"]
            self.tally.decided(DISPATCH_ACCESS, contract.ref, asker, pair, effect, place)
        if verdict is not None:
            given = (row, run, asker, contract)
            self._resolved(DISPATCH_VERDICT, given, step_id, body.get("input"), verdict)

    def _requested(self, row: DecisionRow, body: JsonObject) -> None:
        """A step that somebody was asked to approve: the verdict that asked."""
        step_id, decision = body["stepId"], body["decision"]
        try:
            run, plan = self._stored.run(row), self._stored.plan(body)
            _, contract = self._stored.step(plan, step_id)
            asker = self._redecider.requester(run.submitter)
        except UndecidableError as why:
            self.tally.undecidable(why.reason, _of_step(row, step_id, decision))
            return
        given = (row, run, asker, contract)
        self._resolved(APPROVAL_VERDICT, given, step_id, body.get("arguments"), decision)

    def _resolved(
        self,
        kind: str,
        given: tuple[DecisionRow, RunRow, Asker, OperationContract],
        step_id: str,
        sealed: JsonObject | None,
        decision: JsonObject,
    ) -> None:
        """A verdict on resolved arguments."""
        row, run, asker, contract = given
        place = _of_step(row, step_id, decision)
        try:
            if sealed is None:
                raise UndecidableError(Reason.NO_INPUT)
            copied = decision.get(COPIED, False)
            pair = self._redecider.step_verdict(
                asker, contract, sealed, mode=run.mode, leaks=copied
            )
        except UndecidableError as why:
            self.tally.undecidable(why.reason, place)
            return
        self.tally.decided(kind, contract.ref, asker, pair, decision["verdict"], place)


def _expected(body: JsonValue) -> int:
    """How many decisions a damaged entry should have held: two for each step of a plan."""
    steps = body.get("decisions") if isinstance(body, dict) else None
    return 2 * len(steps) if isinstance(steps, dict) else 1


def _input(body: JsonObject) -> JsonObject:
    given: JsonObject | None = body.get("input")
    if given is None:
        raise UndecidableError(Reason.NO_INPUT)
    return given


def _place(row: DecisionRow) -> Place:
    return Place(row.position, row.at, row.workspace, row.execution_id)


def _of_call(row: DecisionRow, decision: JsonObject) -> Place:
    return _of_step(row, None, decision)


def _of_step(row: DecisionRow, step_id: str | None, decision: JsonObject) -> Place:
    own = decision["decisionId"]
    return Place(row.position, row.at, row.workspace, row.execution_id, step_id, own)
