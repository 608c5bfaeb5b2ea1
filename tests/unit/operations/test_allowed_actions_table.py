"""allowedActions, for everybody in every state: what is listed succeeds, and nothing else does.

Each operation is really performed, in a unit of work that is undone afterwards.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.journal import SqliteJournal
from gateway.model.approval import ApprovalFilter
from gateway.model.evidence import EvidenceKind
from gateway.model.execution import Execution, RunMode, Step
from gateway.model.ports import Page, Records, Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.operations import allowed as allowed_module
from gateway.operations import bind
from gateway.operations.allowed import AllowedActions
from gateway.pipeline import Admitted, Call, Command, Refused
from gateway.runtime import Attachment, Intent
from gateway.runtime import lanes as lanes_module
from tests.loaded import load_contracts
from tests.unit.runtime.loop_world import (
    AGENT,
    FILES,
    OLGA,
    POLICIES,
    REFUSED,
    SILENCE,
    VERDICT,
    WORKSPACE,
    Gated,
    LoopWorld,
    SettableClock,
    step,
    write_contracts,
)

pytestmark = pytest.mark.anyio

RULES = VERDICT.replace("assist, approver, 1, 1h, -", "assist, approver, 1, 1h, 10m:chief")
ASKS = step("c", "cash", ["a"], amount=500)
PERSISTENT = "complete.persistent"
REQUIRED = ("completion_record", "progress_ledger", "signoff_record", "verification_results")


def one(subject: str, *roles: str, **more: Any) -> Principal:
    """A principal of the workspace with exactly these roles."""
    kind = more.pop("kind", PrincipalType.HUMAN)
    return Principal(kind, subject, WORKSPACE, frozenset(roles), **more)


PEOPLE = {
    "starter": OLGA,
    "admin": one("gus", "admin"),
    "limited admin": one("lim", "admin", capabilities=frozenset({"control-plane.approval"})),
    "everything but a human": one(
        "bot", "admin", "verifier", "break-glass", kind=PrincipalType.SERVICE
    ),
    "submitter": Principal(AGENT.type, AGENT.subject, WORKSPACE, frozenset({"user", "planner"})),
    "compiler": one("planner", "user", "planner", "approver", "verifier"),
    "planner": one("petra", "planner"),
    "approver": one("fiona", "user", "approver"),
    "chief": one("carla", "chief"),
    "chief who may call": one("carl", "user", "chief", "approver"),
    "operator": one("otto", "user", "operator"),
    "operator alone": one("oda", "operator"),
    "verifier": one("vera", "verifier"),
    "auditor": one("ada", "auditor"),
    "break-glass": one("betty", "break-glass"),
    "user": one("ulla", "user"),
}

Make = Callable[[LoopWorld], Awaitable[str]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoopWorld]:
    """A loop that knows the contracts of the control plane too."""
    folder = tmp_path_factory.mktemp("allowed")
    write_contracts(folder / "schema", FILES)
    registry = load_contracts([folder / "schema", POLICIES.parent / "schema" / "control-plane"])
    clock = SettableClock()
    journal = await SqliteJournal.open(folder / "gateway.db", clock=clock, writer="writer-1")
    made = LoopWorld(folder, journal, clock, registry)
    await made.decide_by(RULES)
    yield made
    await journal.close()


# --- the states


async def acted(world: LoopWorld, execution_id: str, act: Callable[[Tx, Execution], Any]) -> Any:
    def unit(tx: Tx) -> Any:
        execution = tx.execution(WORKSPACE, execution_id)
        assert execution is not None
        return act(tx, execution)

    return await world.journal.write(unit)


async def begun(world: LoopWorld, *steps: dict[str, Any], lane: str | None = None) -> str:
    execution = await world.verify(await world.compile(steps))
    if lane is not None:
        await acted(world, execution.id, lambda tx, on: world.loop.lanes.assign(tx, on, lane, "x"))
        execution = await world.execution(execution.id)
    revision = world.loop.policies.revision
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, execution, RunMode.AUTONOMOUS, "olga", revision)
    )
    await world.advance(execution.id)
    return execution.id


async def attach(world: LoopWorld, run: str, kind: str, *keys: str, **more: Any) -> str:
    found = ""
    for key in keys:
        item = Attachment(EvidenceKind(kind), key, uri="https://files.example/1", **more)
        found = await acted(
            world, run, lambda tx, on, item=item: world.loop.lanes.attach(tx, on, item, "otto")
        )
    return found


async def received(world: LoopWorld) -> str:
    return (await world.submit()).id


async def compiled(world: LoopWorld) -> str:
    return (await world.compile([step("a", "plain")])).id


async def verified(world: LoopWorld) -> str:
    return (await world.verify(await world.compile([step("a", "plain")]))).id


async def verified_under_other_rules(world: LoopWorld) -> str:
    execution_id = await verified(world)
    rules = RULES.replace("*, *, *, *, true, autonomous", "*, *, shop.plain, *, true, blocked")
    await world.decide_by(rules)
    return execution_id


async def verified_with_a_contract_that_is_gone(world: LoopWorld) -> str:
    """As where a skill was disabled that had brought the contract."""
    execution_id = await verified(world)
    without = [one for one in world.registry.operations.values() if one.key != "shop.plain"]
    world.registry = Registry(without, world.registry.events.values())
    await world.decide_by(RULES)
    return execution_id


async def blocked(world: LoopWorld) -> str:
    return (await world.verify(await world.compile([step("a", "never")]))).id


async def direct(world: LoopWorld) -> str:
    def unit(tx: Tx) -> str:
        life = world.loop.lifecycle
        contract = world.registry.operations["shop.cash@1.0.0"]
        plan = world.loop.compiler.single(WORKSPACE, contract, {"id": "x", "amount": 500})
        found = world.loop.verifier.verify(plan, AGENT)
        execution = life.prepared(tx, AGENT, Intent("", direct=True), plan, found)
        life.started(tx, execution, RunMode.AUTONOMOUS, AGENT.subject, found.revision)
        return execution.id

    execution_id = await world.journal.write(unit)
    await world.advance(execution_id)
    return execution_id


async def waiting(world: LoopWorld) -> str:
    return await begun(world, step("a", "book"), ASKS)


async def escalated(world: LoopWorld) -> str:
    execution_id = await waiting(world)
    world.clock.forward(600)
    await world.advance(execution_id)
    return execution_id


async def over_but_not_swept(world: LoopWorld) -> str:
    execution_id = await waiting(world)
    world.clock.forward(3600)
    return execution_id


async def decided_but_not_advanced(world: LoopWorld) -> str:
    execution_id = await waiting(world)
    await world.approve(execution_id, "c")
    return execution_id


async def half_decided(world: LoopWorld) -> str:
    execution_id = await begun(world, step("a", "two"))
    await world.approve(execution_id, "a")
    return execution_id


async def paused(world: LoopWorld) -> str:
    execution_id = await waiting(world)
    await world.operate("pause", execution_id, "a break")
    return execution_id


async def stopping(world: LoopWorld) -> str:
    """Shut down while an attempt is on its way and a request waits."""
    gated = Gated()
    world.actions.will("plain", gated)
    execution = await world.verify(
        await world.compile([step("a", "plain"), step("c", "cash", amount=500)])
    )
    revision = world.loop.policies.revision
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, execution, RunMode.AUTONOMOUS, "olga", revision)
    )
    task = asyncio.create_task(world.advance(execution.id))
    await gated.begun.wait()
    await world.operate("shutdown", execution.id, "enough")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return execution.id


async def unresolved(world: LoopWorld) -> str:
    world.actions.will("plain", SILENCE)
    return await begun(world, step("a", "book"), step("b", "plain", ["a"]))


async def failed(world: LoopWorld) -> str:
    world.actions.will("keyed", REFUSED)
    return await begun(world, step("a", "book"), step("b", "keyed", ["a"]))


async def failed_without_a_way_back(world: LoopWorld) -> str:
    """What was done declares a compensation that would leak personal data."""
    world.actions.will("keyed", REFUSED)
    return await begun(
        world, step("a", "leaky", email="ada@example.com"), step("b", "keyed", ["a"])
    )


async def rejected(world: LoopWorld) -> str:
    execution_id = await waiting(world)
    await world.reject(execution_id, "c")
    await world.advance(execution_id)
    return execution_id


async def expired(world: LoopWorld) -> str:
    execution_id = await over_but_not_swept(world)
    await world.advance(execution_id)
    return execution_id


async def aborted_in_doubt(world: LoopWorld) -> str:
    execution_id = await unresolved(world)
    await world.operate("abort", execution_id, "enough")
    return execution_id


async def being_undone(world: LoopWorld) -> str:
    execution_id = await failed(world)
    await world.compensate(execution_id)
    return execution_id


async def completed(world: LoopWorld) -> str:
    return await begun(world, step("a", "book"))


async def lane_without_evidence(world: LoopWorld) -> str:
    return await begun(world, step("a", "plain"), lane=PERSISTENT)


async def lane_to_be_approved(world: LoopWorld) -> str:
    run = await lane_without_evidence(world)
    await attach(world, run, "artifact", *REQUIRED)
    await world.advance(run)
    return run


async def lane_with_work_to_do(world: LoopWorld) -> str:
    run = await begun(world, ASKS | {"dependsOn": []}, lane=PERSISTENT)
    await attach(world, run, "artifact", *REQUIRED)
    return run


async def lane_with_a_risk(world: LoopWorld) -> str:
    run = await lane_to_be_approved(world)
    await attach(world, run, "risk", "leak", blocking=True)
    return run


async def lane_approved_and_paused(world: LoopWorld) -> str:
    run = await lane_to_be_approved(world)
    await world.operate("pause", run, "a break")

    def act(tx: Tx, execution: Execution) -> None:
        vera = PEOPLE["verifier"]
        world.loop.lanes.approve(tx, execution, PERSISTENT, "verifier", vera, None)

    await acted(world, run, act)
    return run


async def lane_to_hand_over(world: LoopWorld) -> str:
    run = await begun(world, ASKS | {"dependsOn": []}, lane="clarify")
    await attach(world, run, "artifact", "clarification_artifact")
    return run


async def lane_full_of_items(world: LoopWorld) -> str:
    run = await lane_without_evidence(world)
    await attach(world, run, "evidence", *(f"x{number}" for number in range(6)))
    return run


STATES: dict[str, Make] = {
    make.__name__: make
    for make in (
        received, compiled, verified, verified_under_other_rules,
        verified_with_a_contract_that_is_gone, blocked, direct, waiting,
        escalated, over_but_not_swept, decided_but_not_advanced, half_decided, paused, stopping,
        unresolved, failed, failed_without_a_way_back, rejected, expired, aborted_in_doubt,
        being_undone, completed, lane_without_evidence, lane_to_be_approved, lane_with_work_to_do,
        lane_with_a_risk, lane_approved_and_paused, lane_to_hand_over, lane_full_of_items,
    )
}  # fmt: skip


# --- every operation, really tried

X = "controlPlane.execution."
BY = {"cancel": "cancelled", "pause": "paused", "resume": "resumed", "abort": "aborted",
      "retry": "retried", "shutdown": "shutdown", "compensate": "compensated"}  # fmt: skip


def on_execution(execution: Execution, who: str) -> dict[str, list[dict[str, Any]]]:
    """The operations on an execution or its run: inputs of which one at least must succeed."""
    ex, run = {"executionId": execution.id}, {"runId": execution.run_id or "run_none"}
    plan = {"planId": execution.plan_id or "plan_none"}
    draft = {"steps": [step("z", "book")]}
    lanes = ("clarify", "plan.consensus", "team.coordinated", PERSISTENT)
    item = {"kind": "EVIDENCE", "key": "x", "content": {}, "attachedBy": who}
    role = {"role": "verifier", "approvedBy": who}
    steering = {
        X + name: [{**(ex if name == "cancel" else run), f"{by}By": who}] for name, by in BY.items()
    }
    return {
        **steering,
        "controlPlane.plan.compile": [{**ex, "intentId": execution.intent_id, "draft": draft}],
        "controlPlane.plan.verify": [{**ex, **plan}],
        X + "start": [{**ex, **plan}],
        X + "lane.assign": [{**ex, "laneKey": PERSISTENT, "assignedBy": who}],
        X + "lane.approve": [{**run, "laneKey": lane, **role} for lane in lanes],
        X + "lane.handover": [{**run, "laneKey": lane, "handedOverBy": who} for lane in lanes],
        "controlPlane.evidence.attach": [{**ex, **item}],
    }


def on_step(execution: Execution, found: Step, who: str) -> dict[str, list[dict[str, Any]]]:
    """The operations on a step, its reconciliation included."""
    at = {"executionId": execution.id, "stepId": found.id}
    settle = {"runId": execution.run_id or "run_none", "stepId": found.id, "note": "I looked."}
    both = [{**at, "approve": True}, {**at, "approve": False, "note": "no"}]
    return {
        X + "approve": [{**at, "approvedBy": who}],
        X + "reject": [{**at, "rejectedBy": who, "reason": "no"}],
        X + "breakGlass": [{**at, "invokedBy": who, "reason": "The house is burning."}],
        "controlPlane.approval.decide": [{"decisions": [d], "decidedBy": who} for d in both],
        "controlPlane.step.reconcile": [
            {**settle, "attempt": found.attempt, "outcome": "FAILED", "reconciledBy": who}
        ],
    }


class UndoneError(Exception):
    """Takes back what a unit of work did."""

    def __init__(self, succeeded: bool) -> None:
        self.succeeded = succeeded


class Trial:
    """Tries operations in the name of one principal, and undoes what they did."""

    def __init__(self, world: LoopWorld, who: Principal) -> None:
        self.world, self.who = world, who
        self._bindings = bind(world.loop)

    async def succeeding(self, asked: dict[str, list[dict[str, Any]]]) -> list[str]:
        """The operations of which an input succeeds."""
        found = []
        for key, values in asked.items():
            contract = self.world.registry.resolve(key)
            assert contract is not None, key
            access = self.world.loop.policies.access(self.who, contract)
            if not access.allowed:
                continue
            for value in values:
                checked = self.world.registry.input_of(contract).check(value, "/input")
                admitted = Admitted(Call(contract, value, self.who), checked, access)
                if await self._succeeds(admitted):
                    found.append(key)
                    break
        return sorted(found)

    async def _succeeds(self, admitted: Admitted) -> bool:
        bound = self._bindings[admitted.contract.ref]
        assert isinstance(bound, Command)
        try:
            if bound.prepare is not None:
                prepared = await bound.prepare(admitted)
                admitted = Admitted(admitted.call, admitted.value, admitted.access, None, prepared)
            await self.world.journal.write(lambda tx: _undone(bound, admitted, tx))
        except UndoneError as undone:
            return undone.succeeded
        except ProblemError:
            return False
        raise AssertionError("the unit was not undone")


def _undone(bound: Command, admitted: Admitted, tx: Tx) -> None:
    answer = bound.apply(admitted, tx)
    if isinstance(answer, Refused):
        raise UndoneError(False)
    results = answer.get("results", [{"decided": True}])
    raise UndoneError(all(result["decided"] for result in results))


def listed(world: LoopWorld, who: Principal, execution_id: str) -> Callable[[Records], Any]:
    """What one is shown of an execution, of its steps, and of their approval requests."""

    def query(records: Records) -> Any:
        execution = records.execution(WORKSPACE, execution_id)
        assert execution is not None
        allowed = AllowedActions(world.loop, records, who)
        steps = records.steps(execution.plan_id) if execution.plan_id else []
        asked = {found.id: records.approval(execution_id, found.id) for found in steps}
        return (
            execution,
            allowed.on_execution(execution),
            [(found, allowed.on_step(execution, found)) for found in steps],
            {
                step_id: allowed.on_approval(execution, approval)
                for step_id, approval in asked.items()
                if approval is not None
            },
        )

    return query


@pytest.mark.parametrize("state", STATES)
async def test_whatever_is_listed_succeeds_and_nothing_else_does(
    world: LoopWorld, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.actions.script.clear()
    for module in (allowed_module, lanes_module):
        monkeypatch.setattr(module, "MAX_ITEMS", 6)
    known = world.registry
    execution_id = await STATES[state](world)
    met: set[str] = set()
    for part, who in PEOPLE.items():
        asked = await world.journal.read(listed(world, who, execution_id))
        met.update(await compared(world, part, who, *asked))
    if world.registry is not known or state == verified_under_other_rules.__name__:
        world.registry = known
        await world.decide_by(RULES)
    assert bool(met) is (state not in OVER)


OVER = ("blocked", "completed", "being_undone")
"""States in which there is nothing more to do for anybody."""


async def compared(
    world: LoopWorld,
    part: str,
    who: Principal,
    execution: Execution,
    shown: list[str],
    steps: list[tuple[Step, list[str]]],
    approvals: dict[str, list[str]],
) -> set[str]:
    """Hold what is shown against what succeeds; returns what succeeded."""
    trial = Trial(world, who)
    export = X + "evidence.export"  # which is no single unit of work: tried over HTTP
    told = [key for key in shown if key != export]
    assert told == await trial.succeeding(on_execution(execution, who.subject)), part
    contract = world.registry.resolve(export)
    assert contract is not None
    may_export = world.loop.policies.access(who, contract).allowed
    assert (export in shown) is (may_export and execution.run_id is not None), part
    met = set(told)
    for found, of_step in steps:
        done = await trial.succeeding(on_step(execution, found, who.subject))
        assert of_step == done, (part, found.key)
        if found.id in approvals:
            of_request = [key for key in done if key != "controlPlane.step.reconcile"]
            assert approvals[found.id] == of_request, (part, found.key)
        met.update(done)
    return met


async def test_every_command_on_something_that_exists_is_tried(world: LoopWorld) -> None:
    """A new command on executions, steps or requests has to be listed, or be named here."""
    elsewhere = {
        "controlPlane.intent.submit", "controlPlane.grant.issue", "controlPlane.grant.revoke",
        "controlPlane.skill.install", "controlPlane.skill.disable",
        "controlPlane.webhook.delivery.replay", X + "evidence.export",
    }  # fmt: skip
    execution = await world.execution(await completed(world))
    found = await world.step(execution.id, "a")
    tried = {*on_execution(execution, "x"), *on_step(execution, found, "x")}
    commands = {
        contract.key
        for contract in world.registry.operations.values()
        if contract.is_command and contract.handler is None
    }
    assert tried == commands - elsewhere


async def test_a_request_that_was_made_anew_offers_nothing_in_its_old_form(
    world: LoopWorld,
) -> None:
    execution_id = await waiting(world)
    await world.decide_by(RULES.replace("assist, approver, 1, 1h", "assist, approver, 1, 2h"))
    await world.advance(execution_id)

    def query(records: Records) -> list[list[str]]:
        execution = records.execution(WORKSPACE, execution_id)
        assert execution is not None
        allowed = AllowedActions(world.loop, records, PEOPLE["approver"])
        found = []
        for status in ("void", "pending"):
            which = ApprovalFilter(WORKSPACE, status, execution_id)
            ((request,), _) = records.approvals(which, Page(9))
            found.append(allowed.on_approval(execution, request))
        return found

    nothing, something = await world.journal.read(query)
    await world.decide_by(RULES)
    assert nothing == []
    assert X + "approve" in something
