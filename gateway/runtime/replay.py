"""Replay: decide again what was decided before, and name every difference.

Nothing stored is copied into the answer: structural replay compiles the plan again under the
contracts that are loaded, policy replay decides each recorded decision again.
"""

from collections.abc import Iterator
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
from gateway.runtime.requester import requester_access
from gateway.runtime.stored_plan import open_plan
from gateway.runtime.verifier import Verifier

STRUCTURAL = "STRUCTURAL"
POLICY = "POLICY"


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
                erased.extend(self._redecide_dispatches(execution, entries))
            return Replay(record.plan.hash, "", tuple(erased))
        plan = open_plan(self.sealer, execution.workspace, record.plan)
        recomputed, structural = self._recompile(execution, plan)
        found: list[Difference] = []
        if STRUCTURAL in modes:
            found.extend(structural)
        if POLICY in modes:
            found.extend(self._redecide_plan(execution, record, plan))
            found.extend(self._redecide_dispatches(execution, entries))
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
        for found in verified.steps:
            recorded = record.decisions[found.step.id]
            path = f"/decisions/{found.step.id}"
            yield from _decision_differences(path, found.step.id, recorded, found.to_json())

    def _redecide_dispatches(
        self, execution: Execution, entries: list[Entry]
    ) -> Iterator[Difference]:
        for entry in entries:
            if entry.type is not EntryType.STEP_DISPATCHED:
                continue
            body = entry.body
            contract = self.registry.operations.get(body["contract"])
            path, step_id = f"/entries/{entry.seq}/decision", body["stepId"]
            if contract is None:
                message = f"{body['contract']} is not loaded, so it cannot be decided again."
                yield Difference(POLICY, path, None, None, message, step_id)
                continue
            try:
                value = unseal_all(self.sealer, execution.workspace, body["input"])
            except ErasedError:
                message = "What it was decided on was erased, so it cannot be decided again."
                yield Difference(ERASED, path, None, None, message, step_id)
                continue
            access = requester_access(self.policies, execution.submitter, contract)
            if not access.allowed:
                message = f"Access would be denied: {access.reason}"
                yield Difference(POLICY, path, "allow", "deny", message, step_id)
            decided = self.policies.verdict(execution.submitter, contract, value)
            again = in_mode(execution.mode, contract, decided)
            yield from _decision_differences(path, step_id, body["decision"], again.to_json())


def _plan_differences(plan: Plan, again: Plan) -> Iterator[Difference]:
    if plan.hash == again.hash:
        return
    message = "The plan's deterministic hash is another one now."
    yield Difference(STRUCTURAL, "/hash", plan.hash, again.hash, message)
    for step in plan.steps:
        replayed = again.by_key[step.key]
        for name, recorded, now in (
            ("contractDigest", step.contract_digest, replayed.contract_digest),
            ("dependsOn", list(step.depends_on), list(replayed.depends_on)),
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
    for name, said in _COUNTED.items():
        before, now = recorded[name], replayed[name]
        if name == "rules":
            before = [rule["rule"] for rule in before]
            now = [rule["rule"] for rule in now]
        if before != now:
            terms = f"{said} would be {now or 'none'}, it was {before or 'none'}."
            told = said if name == "rules" else terms
            yield Difference(POLICY, f"{path}/{name}", before, now, told, step_id)
