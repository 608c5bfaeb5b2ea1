"""Replay: decide again what was decided before, and name every difference.

Nothing stored is copied into the answer: structural replay compiles the plan again under the
contracts that are loaded, policy replay decides each recorded decision again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.entry import Entry, EntryType
from gateway.model.execution import Execution, PlanRecord
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import ErasedError
from gateway.model.plan import Plan
from gateway.model.ports import Sealer
from gateway.model.problem import ProblemError
from gateway.model.sealing import unseal_all
from gateway.policy import Policies
from gateway.runtime.compiler import Compiler, draft_of
from gateway.runtime.dispatch import in_mode
from gateway.runtime.erased import ERASED
from gateway.runtime.pii_flow import COPIED
from gateway.runtime.requester import requester_access
from gateway.runtime.stored_plan import open_plan
from gateway.runtime.verifier import Verifier

STRUCTURAL = "STRUCTURAL"
POLICY = "POLICY"

_DECIDED_AT_DISPATCH: Mapping[EntryType, str] = {
    EntryType.STEP_DISPATCHED: "input",
    EntryType.STEP_BLOCKED: "input",
    EntryType.STEP_UNRESOLVED: "input",
    EntryType.APPROVAL_REQUESTED: "arguments",
}
"""Entries that hold what policy decided when a step was to be sent, and the member that holds the
arguments on which it did."""

_ALLOWED: JsonObject = {"effect": "allow"}
"""The access of whoever had a person asked, of which nothing more is recorded."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that replay found otherwise than recorded, or erased; ``path`` says where in the
    record."""

    kind: str
    path: str
    recorded: JsonValue
    replayed: JsonValue
    message: str
    step_id: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found. ``recomputed_hash`` is empty where the plan does not compile now,
    or was erased."""

    recorded_hash: str
    recomputed_hash: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays executions under the loaded contracts and the policy in force."""

    registry: Registry
    policies: Policies
    sealer: Sealer
    compiler: Compiler
    verifier: Verifier

    def replay(
        self, execution: Execution, record: PlanRecord, entries: list[Entry], modes: frozenset[str]
    ) -> Replay:
        """Replay the plan of an execution and the decisions that its ``entries`` hold.

        What was erased is named as such, and nothing that hangs on it is compared or decided.

        Raises:
            ValueError: sealed values of the record cannot be opened, though nobody erased them.
        """
        erased = list(self._erased_steps(execution, record.plan))
        if erased:
            if POLICY in modes:
                erased.extend(self._redecide_dispatches(execution, record.plan, entries))
            return Replay(record.plan.hash, "", tuple(erased))
        plan = open_plan(self.sealer, execution.workspace, record.plan)
        recomputed, structural = self._recompile(execution, plan)
        found: list[Difference] = []
        if STRUCTURAL in modes:
            found.extend(structural)
        if POLICY in modes:
            found.extend(self._redecide_plan(execution, record, plan))
            found.extend(self._redecide_dispatches(execution, record.plan, entries))
        return Replay(record.plan.hash, recomputed, tuple(found))

    def _erased_steps(self, execution: Execution, plan: Plan) -> Iterator[Difference]:
        for step in plan.steps:
            try:
                unseal_all(self.sealer, execution.workspace, step.input)
            except ErasedError:
                told = (
                    "Its input was erased, so the plan can be neither compiled nor verified again."
                )
                yield Difference(ERASED, f"/steps/{step.key}/input", None, None, told, step.id)

    def _recompile(self, execution: Execution, plan: Plan) -> tuple[str, list[Difference]]:
        workspace = execution.workspace
        try:
            if execution.direct:
                contract = self.registry.operations[plan.steps[0].contract]
                again = self.compiler.single(workspace, contract, plan.steps[0].input)
            else:
                again = self.compiler.compile(workspace, draft_of(plan), "", self.registry)
        except (ProblemError, KeyError) as error:
            told = error.problem.detail if isinstance(error, ProblemError) else "contract unknown"
            message = f"The plan does not compile under the loaded contracts: {told}"
            return "", [Difference(STRUCTURAL, "/hash", plan.hash, None, message)]
        return again.hash, list(_plan_differences(plan, again))

    def _redecide_plan(
        self, execution: Execution, record: PlanRecord, plan: Plan
    ) -> Iterator[Difference]:
        if record.decisions is None:
            return
        try:
            verified = self.verifier.verify(plan, execution.submitter, self.registry)
        except ProblemError as error:
            message = f"The plan cannot be decided again: {error.problem.detail}"
            yield Difference(POLICY, "/decisions", record.verdict, None, message)
            return
        known = {found.step.id: found.to_json() for found in verified.steps}
        for own in sorted({*record.decisions, *known}):
            path, recorded, now = f"/decisions/{own}", record.decisions.get(own), known.get(own)
            if recorded is None or now is None:
                told = "no decision on it is recorded" if now else "the plan has no such step"
                before, after = (one and one.get("verdict") for one in (recorded, now))
                yield Difference(POLICY, path, before, after, f"Of step {own}: {told}.", own)
            else:
                yield from _decision_differences(path, own, recorded, now)

    def _redecide_dispatches(
        self, execution: Execution, plan: Plan, entries: list[Entry]
    ) -> Iterator[Difference]:
        for entry in entries:
            made_on = _DECIDED_AT_DISPATCH.get(entry.type)
            is_decided = entry.body.get("access") or entry.body.get("decision")
            if made_on is not None and is_decided:  # else what stopped it was no policy
                yield from self._redecide(execution, plan, entry, made_on)

    def _redecide(
        self, execution: Execution, plan: Plan, entry: Entry, made_on: str
    ) -> Iterator[Difference]:
        body, path = entry.body, f"/entries/{entry.seq}/decision"
        step_id = body["stepId"]
        step = plan.step(step_id)
        contract = self.registry.operations.get(step.contract) if step else None
        if step is None or contract is None:
            name = step.contract if step else "The contract of the step"
            message = f"{name} is not loaded, so it cannot be decided again."
            yield Difference(POLICY, path, None, None, message, step_id)
            return
        decision = body.get("decision")
        try:
            value = unseal_all(self.sealer, execution.workspace, body.get(made_on))
        except ErasedError:
            message = "What it was decided on was erased, so it cannot be decided again."
            yield Difference(ERASED, path, None, None, message, step_id)
            return
        access = requester_access(self.policies, execution.submitter, contract)
        recorded, now = (body.get("access") or _ALLOWED)["effect"], access.to_json()["effect"]
        if recorded != now:
            told = "allowed." if access.allowed else f"denied: {access.reason}"
            yield Difference(POLICY, path, recorded, now, f"Access would be {told}", step_id)
        if decision is not None:
            decided = self.policies.verdict(execution.submitter, contract, value)
            again = in_mode(execution.mode, contract, decided)
            yield from _decision_differences(path, step_id, decision, again.to_json())


def _plan_differences(plan: Plan, again: Plan) -> Iterator[Difference]:
    """Also where the hash is as it was: it stands beside the steps, which may have been altered."""
    if plan.hash != again.hash:
        message = "The plan's deterministic hash is another one now."
        yield Difference(STRUCTURAL, "/hash", plan.hash, again.hash, message)
    for step in plan.steps:
        replayed = again.by_key[step.key]
        # What a step is called follows from the hash.
        named = (step.id, replayed.id) if plan.hash == again.hash else ("", "")
        for name, recorded, now in (
            ("id", *named),
            ("contractDigest", step.contract_digest, replayed.contract_digest),
            ("dependsOn", sorted(step.depends_on), sorted(replayed.depends_on)),
            ("pii", sorted(step.pii), sorted(replayed.pii)),
            ("subject", step.subject, replayed.subject),
        ):
            if recorded != now:
                path = f"/steps/{step.key}/{name}"
                told = f"{step.contract}: {name} differs."
                yield Difference(STRUCTURAL, path, recorded, now, told, step.id)


_COUNTED = {
    "verdict": "The verdict",
    "rules": "Other rules would decide.",
    "approverRole": "The role of who approves",
    "quorum": "The number of approvals",
}
"""What counts of a decision, in words."""


def _decision_differences(
    path: str, step_id: str, recorded: JsonObject, replayed: JsonObject
) -> Iterator[Difference]:
    """Differences of what counts: verdict, rules by their text, approver role and quorum."""
    if recorded.get(COPIED):  # that a literal repeats what was read is no decision of policy
        replayed = {**replayed, "verdict": recorded.get("verdict")}
    for name, said in _COUNTED.items():
        before, now = _counted(recorded, name), _counted(replayed, name)
        if before != now:
            terms = f"{said} would be {now or 'none'}, it was {before or 'none'}."
            told = said if name == "rules" else terms
            yield Difference(POLICY, f"{path}/{name}", before, now, told, step_id)


def _counted(decision: JsonObject, name: str) -> JsonValue:
    value = decision.get(name)
    if name != "rules" or not isinstance(value, list):
        return value
    return [rule.get("rule") if isinstance(rule, dict) else rule for rule in value]
