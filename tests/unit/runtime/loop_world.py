"""A loop on a real record, with a settable clock and a fake outside world."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.contracts import Registry
from gateway.journal import SqliteJournal
from gateway.model.action import ActionCall, ActionOutcome, Answered, Declined, Unknown
from gateway.model.claims import DueRun
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.execution import Approval, Execution, RunMode, Step, StepStatus
from gateway.model.operator import OperatorCommand, Reconciliation
from gateway.model.ports import Dispatcher, Records, Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.system import RandomIds
from gateway.pipeline import ProcessRateLimits, RateLimiter
from gateway.policy import Policies
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime import (
    Finding,
    Intent,
    Loop,
    Parts,
    build_loop,
    open_plan,
    require_allowed,
    require_execution,
)
from tests.loaded import load_contracts, load_policies

POLICIES = Path(__file__).parents[3] / "policies"
WORKSPACE = "acme"

_HEAD = """\
key: shop.{name}
version: 1.0.0
kind: {kind}
title: Some title
description: Some text.
domain: shop
owners: [shop.desk]
risk: {risk}
"""
_HANDLER = """\
handler:
  http: {{method: POST, url: "http://shop.internal/{name}", timeout: 2s{more}}}
"""


def contract(
    name: str,
    body: str,
    *,
    kind: str = "command",
    risk: str = "low",
    keyed: bool = False,
    handled: bool = True,
) -> str:
    """The text of a contract file ``shop.<name>``; ``body`` is its io, errors and policy."""
    more = ", idempotencyKey: true" if keyed else ""
    handler = _HANDLER.format(name=name, more=more) if handled else ""
    return _HEAD.format(name=name, kind=kind, risk=risk) + body + handler


_IO = "input: {id: ID!}\noutput: {id: ID!}\n"
_ERRORS = (
    "errors:\n"
    "  REFUSED: {http: 409, description: It was refused., when: Always.}\n"
    "  BUSY: {http: 503, description: It is busy., when: At noon., retryable: true}\n"
)

FILES = {
    "read.yaml": contract(
        "read",
        "input: {id: ID!}\n"
        "output: {id: ID!, amount: Float!, note: String, email: EmailAddress, extra: JSON}\n"
        f"{_ERRORS}policy: {{auth: user, pii: [email]}}\n",
        kind="query",
    ),
    "keyed.yaml": contract(
        "keyed",
        "input: {id: ID!, amount: Float, email: EmailAddress, extra: JSON}\n"
        f"output: {{id: ID!}}\n{_ERRORS}policy: {{auth: user, pii: [email]}}\n"
        "emits: [shop.keyed.done@1.0.0]\n",
        keyed=True,
    ),
    "done.yaml": "key: shop.keyed.done\nversion: 1.0.0\nkind: event\ntitle: Done\n"
    "description: It is done.\ndomain: shop\nowners: [shop.desk]\n"
    "payload: {id: ID!, amount: Float}\n",
    "plain.yaml": contract("plain", f"{_IO}{_ERRORS}policy: {{auth: user}}\n"),
    "safe.yaml": contract("safe", f"{_IO}{_ERRORS}policy: {{auth: user, idempotent: true}}\n"),
    "cash.yaml": contract(
        "cash",
        "input: {id: ID!, amount: Float!, email: EmailAddress}\noutput: {id: ID!}\n"
        f"{_ERRORS}policy: {{auth: user, pii: [email]}}\n",
        risk="high",
        keyed=True,
    ),
    "two.yaml": contract("two", f"{_IO}policy: {{auth: user}}\n", risk="high", keyed=True),
    "never.yaml": contract("never", f"{_IO}policy: {{auth: user}}\n", risk="critical"),
    "slow.yaml": contract(
        "slow", f"{_IO}policy: {{auth: user, rateLimit: {{rpm: 1, key: user}}}}\n", keyed=True
    ),
    "book.yaml": contract(
        "book",
        "input: {id: ID!, email: EmailAddress}\n"
        "output: {id: ID!, note: String, extra: JSON}\n"
        f"{_ERRORS}policy: {{auth: user, pii: [email]}}\n"
        "compensation:\n  contract: shop.unbook@1.0.0\n"
        "  input: {id: {$from: output.id}, email: {$from: input.email}, why: undone}\n",
        keyed=True,
    ),
    "unbook.yaml": contract(
        "unbook",
        "input: {id: ID!, email: EmailAddress, why: String, extra: JSON}\noutput: {id: ID!}\n"
        f"{_ERRORS}policy: {{auth: user, pii: [email]}}\n",
        keyed=True,
    ),
    "tour.yaml": contract(
        "tour",
        "input: {id: ID!}\noutput: {id: ID!, extra: JSON}\npolicy: {auth: user}\n"
        "compensation:\n  contract: shop.unbook@1.0.0\n"
        "  input: {id: {$from: output.id}, extra: {$from: output.extra}}\n",
    ),
    "leaky.yaml": contract(
        "leaky",
        "input: {id: ID!, email: EmailAddress}\noutput: {id: ID!}\n"
        "policy: {auth: user, pii: [email]}\n"
        "compensation:\n  contract: shop.unbook@1.0.0\n"
        "  input: {id: {$from: output.id}, why: {$from: input.email}}\n",
    ),
    "pay.yaml": contract(
        "pay",
        f"{_IO}{_ERRORS}policy: {{auth: user}}\n"
        "compensation: {contract: shop.unpay@1.0.0, input: {id: {$from: output.id}}}\n",
        keyed=True,
    ),
    "unpay.yaml": contract("unpay", f"{_IO}{_ERRORS}policy: {{auth: user}}\n", risk="medium"),
    "lock.yaml": contract(
        "lock",
        f"{_IO}{_ERRORS}policy: {{auth: user}}\n"
        "compensation: {contract: shop.unlock@1.0.0, input: {id: {$from: output.id}}}\n",
        keyed=True,
    ),
    "unlock.yaml": contract(
        "unlock",
        f"{_IO}{_ERRORS}policy: {{auth: user}}\n"
        "compensation: {contract: shop.lock@1.0.0, input: {id: {$from: output.id}}}\n",
        keyed=True,
    ),
    "boss.yaml": contract("boss", f"{_IO}policy: {{auth: admin}}\n"),
}

VERDICT = """\
p, 10, *, *, shop.two, *, true, assist, approver, 2, 1h, -
p, 20, *, *, shop.cash, *, amount > 100, assist, approver, 1, 1h, -
p, 21, *, *, shop.cash, *, amount <= 100, autonomous, -, -, -, -
p, 30, *, *, shop.unpay, *, true, assist, approver, 1, 1h, -
p, 900, *, *, *, critical, true, blocked, -, -, -, -
p, 910, *, *, *, *, true, autonomous, -, -, -, -
"""


def person(
    subject: str, *roles: str, kind: PrincipalType = PrincipalType.HUMAN, workspace: str = WORKSPACE
) -> Principal:
    """A principal of the workspace, with the role user and more."""
    return Principal(kind, subject, workspace, frozenset({"user", *roles}))


AGENT = person("agent-7", kind=PrincipalType.AGENT)
OLGA = person("olga", "admin")
FIONA = person("fiona", "approver")
FRANK = person("frank", "approver")


BUSY = Declined("BUSY", "It is busy.", 503, retryable=True, declared=True)
REFUSED = Declined("REFUSED", "It was refused.", 409, declared=True)
SILENCE = Unknown("The connection was cut.")


class SettableClock:
    """A clock that stands still until it is told to move on."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class QuietDispatcher(Dispatcher):
    """Remembers who wants to be advanced; the test advances."""

    def __init__(self) -> None:
        self.submitted: list[str] = []

    def submit(self, run: DueRun) -> None:
        self.submitted.append(run.run_id)

    def schedule(self, wake_at: str) -> None: ...

    async def settled(self, run_id: str) -> None: ...


Scripted = ActionOutcome | BaseException | Callable[[ActionCall], Awaitable[ActionOutcome]]


@dataclass
class FakeActions:
    """The outside world: answers as it was told to, else with what fits the contract."""

    script: dict[str, list[Scripted]] = field(default_factory=dict)
    calls: list[ActionCall] = field(default_factory=list)

    def will(self, key: str, *outcomes: Scripted) -> None:
        """The next outcomes of ``shop.<key>``."""
        self.script.setdefault(f"shop.{key}", []).extend(outcomes)

    def made(self, key: str) -> list[ActionCall]:
        """The attempts of ``shop.<key>``."""
        return [call for call in self.calls if call.contract.key == f"shop.{key}"]

    async def perform(self, call: ActionCall) -> ActionOutcome:
        self.calls.append(call)
        waiting = self.script.get(call.contract.key)
        if not waiting:
            return Answered(usual_output(call))
        outcome = waiting.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return await outcome(call) if callable(outcome) else outcome


def usual_output(call: ActionCall) -> dict[str, Any]:
    """An answer that fits the contract of a call."""
    if call.contract.key != "shop.read":
        return {"id": call.input["id"]}
    return {"id": call.input["id"], "amount": 80.5, "email": "ada@example.com", "note": "hi"}


def write_policies(folder: Path, verdict: str = VERDICT, **files: str) -> Path:
    """The shipped policies with these verdict rules, without their cases."""
    folder.mkdir(parents=True)
    for path in POLICIES.iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    (folder / "verdict.csv").write_text(verdict)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def write_contracts(folder: Path, files: dict[str, str]) -> Registry:
    """The registry of these contract files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return load_contracts([folder])


class LoopWorld:
    """Everything that the loop needs; ``loop`` is that of this process."""

    def __init__(
        self, folder: Path, journal: SqliteJournal, clock: SettableClock, registry: Registry
    ) -> None:
        self.folder = folder
        self.journal = journal
        self.clock = clock
        self.registry = registry
        self.ids = RandomIds()
        self.keyring = Keyring.open(folder / "data")
        self.sealer = KeyringSealer(self.keyring)
        self.quiet = QuietDispatcher()
        self.dispatcher: Dispatcher = self.quiet
        self.actions = FakeActions()
        self.limiter = RateLimiter(ProcessRateLimits(clock))
        self.loop: Loop

    @classmethod
    async def open(cls, folder: Path, verdict: str = VERDICT) -> "LoopWorld":
        """A world in ``folder``, with its policies in force."""
        clock = SettableClock()
        registry = write_contracts(folder / "schema", FILES)
        journal = await SqliteJournal.open(folder / "gateway.db", clock=clock, writer="writer-1")
        world = cls(folder, journal, clock, registry)
        await world.decide_by(verdict)
        return world

    async def decide_by(self, verdict: str, *, in_force: bool = True, **files: str) -> Policies:
        """Go on under these rules, as after a restart; ``in_force`` activates them too."""
        name = self.ids.new("policies")
        policies = load_policies(
            write_policies(self.folder / name, verdict, **files), self.registry
        )
        if in_force:
            await self.activate(policies.revision)
        self.loop = self.process(policies)
        return policies

    async def activate(self, revision: str) -> None:
        """Put a policy revision in force."""

        def unit(tx: Tx) -> None:
            tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", {"revision": revision}))

        await self.journal.write(unit)

    def process(
        self, policies: Policies | None = None, journal: Any = None, restored: int | None = None
    ) -> Loop:
        """Another process's loop over the same record."""
        parts = Parts(
            self.registry,
            policies or self.loop.policies,
            self.sealer,
            journal or self.journal,
            self.dispatcher,
            self.actions,
            self.limiter,
            self.ids,
            self.clock,
            restored,
        )
        return build_loop(parts, owner=self.ids.new("proc"), lease=30.0, slots=8)

    async def submit(self, who: Principal = AGENT) -> Execution:
        intent = Intent("Do something")
        received = await self.journal.write(lambda tx: self.loop.lifecycle.receive(tx, who, intent))
        return await self.journal.read(
            lambda records: require_execution(records, who.workspace, received.execution_id)
        )

    async def compile(
        self,
        steps: Iterable[dict[str, Any]],
        who: Principal = AGENT,
        compiler: str = "planner",
        **draft: Any,
    ) -> Execution:
        execution = await self.submit(who)
        plan = self.loop.compiler.compile(WORKSPACE, {"steps": list(steps), **draft})
        await self.journal.write(
            lambda tx: self.loop.lifecycle.compiled(tx, execution, plan, compiler)
        )
        return await self.execution(execution.id)

    async def verify(self, execution: Execution) -> Execution:
        record = await self.journal.read(lambda records: records.plan(execution.plan_id or ""))
        assert record is not None

        plan = open_plan(self.sealer, WORKSPACE, record.plan)
        found = self.loop.verifier.verify(plan, execution.submitter)
        await self.journal.write(
            lambda tx: self.loop.lifecycle.verified(tx, execution, found, "olga")
        )
        return await self.execution(execution.id)

    async def begin(
        self,
        *steps: dict[str, Any],
        mode: RunMode = RunMode.AUTONOMOUS,
        who: Principal = AGENT,
        **draft: Any,
    ) -> str:
        """Submit, compile, verify and start; returns the execution's id."""
        execution = await self.verify(await self.compile(steps, who, **draft))
        revision = self.loop.policies.revision
        await self.journal.write(
            lambda tx: self.loop.lifecycle.started(tx, execution, mode, "olga", revision)
        )
        return execution.id

    async def advance(self, execution_id: str, loop: Loop | None = None) -> str | None:
        """Advance the run until it is parked or over, as its dispatcher would."""
        run_id = (await self.execution(execution_id)).run_id
        assert run_id is not None
        return await (loop or self.loop).runner.advance(run_id, asyncio.Event())

    async def approve(self, execution_id: str, key: str, who: Principal = FIONA) -> str:
        step = await self.step(execution_id, key)
        execution = await self.execution(execution_id)
        status = await self.journal.write(
            lambda tx: self.loop.consent.approve(tx, execution, step.id, who, None)
        )
        return status.value

    async def reject(self, execution_id: str, key: str, who: Principal = FIONA) -> str:
        step = await self.step(execution_id, key)
        execution = await self.execution(execution_id)
        status = await self.journal.write(
            lambda tx: self.loop.consent.reject(tx, execution, step.id, who, "No.")
        )
        return status.value

    async def cancel(self, execution_id: str) -> None:
        await self.operate("cancel", execution_id, "enough")

    async def operate(self, command: str, execution_id: str, *reason: str) -> None:
        """Olga gives a command of ``Operator``: all but resume and retry take a reason."""

        def unit(tx: Tx) -> None:
            execution = tx.execution(WORKSPACE, execution_id)
            assert execution is not None
            getattr(self.loop.operator, command)(tx, execution, "olga", *reason)

        await self.journal.write(unit)

    async def retry_by(self, who: Principal, execution_id: str) -> None:
        """Somebody has what failed, expired or is unresolved tried again."""

        def unit(tx: Tx) -> None:
            execution = tx.execution(WORKSPACE, execution_id)
            assert execution is not None
            self.loop.operator.retry(tx, execution, who.subject)

        await self.journal.write(unit)

    async def reconcile(
        self, execution_id: str, key: str, outcome: str, attempt: int = 1, **output: Any
    ) -> str:
        """Olga settles a step; returns what it became."""
        step = await self.step(execution_id, key)
        return await self.reconcile_id(execution_id, step.id, outcome, attempt, output or None)

    async def settle_by(self, who: Principal, execution_id: str, key: str) -> None:
        """Somebody says that a step is done, and what it answered."""
        found, output = await self.step(execution_id, key), {"id": f"chosen by {who.subject}"}
        await self.reconcile_id(execution_id, found.id, "done", found.attempt, output, who.subject)

    async def reconcile_id(
        self,
        execution_id: str,
        step_id: str,
        outcome: str,
        attempt: int = 1,
        output: dict[str, Any] | None = None,
        by: str = "olga",
    ) -> str:
        """``reconcile`` for the step of this id."""
        finding = Finding(step_id, attempt, Reconciliation(outcome), "I looked.", output)

        def unit(tx: Tx) -> str:
            execution = tx.execution(WORKSPACE, execution_id)
            assert execution is not None
            return self.loop.reconciler.settle(tx, execution, finding, by).value

        return await self.journal.write(unit)

    async def compensate(self, execution_id: str, who: Principal = OLGA) -> Execution:
        """Somebody has the completed steps undone; returns the execution that does it."""

        def unit(tx: Tx) -> Execution:
            execution = tx.execution(WORKSPACE, execution_id)
            assert execution is not None
            steps = require_allowed(tx, OperatorCommand.COMPENSATE, execution)
            record = tx.plan(execution.plan_id or "")
            assert record is not None
            undoing = self.loop.operator.compensations.plan(execution, record.plan, steps, who)
            return self.loop.operator.compensations.start(
                tx, execution, undoing, who, actor=who.subject
            )

        return await self.journal.write(unit)

    async def execution(self, execution_id: str) -> Execution:
        found = await self.journal.read(lambda records: records.execution(WORKSPACE, execution_id))
        assert found is not None
        return found

    async def status(self, execution_id: str) -> str:
        return (await self.execution(execution_id)).status.value

    async def steps(self, execution_id: str) -> dict[str, Step]:
        def query(records: Records) -> list[Step]:
            execution = records.execution(WORKSPACE, execution_id)
            assert execution is not None
            return records.steps(execution.plan_id or "")

        return {step.key: step for step in await self.journal.read(query)}

    async def step(self, execution_id: str, key: str) -> Step:
        return (await self.steps(execution_id))[key]

    async def approval(self, execution_id: str, key: str) -> Approval:
        step = await self.step(execution_id, key)
        found = await self.journal.read(lambda records: records.approval(execution_id, step.id))
        assert found is not None
        return found

    async def entries(self, execution_id: str, *kinds: EntryType) -> list[Entry]:
        found = await self.journal.read(lambda records: records.entries(execution_id))
        return [entry for entry in found if not kinds or entry.type in kinds]


def step(key: str, name: str, depends_on: Iterable[str] = (), **given: Any) -> dict[str, Any]:
    """A drafted step ``key`` of the contract ``shop.<name>``."""
    value = {"id": key, **given}
    return {"key": key, "contract": f"shop.{name}", "input": value, "dependsOn": list(depends_on)}


class Gated:
    """An attempt that answers when the test lets it."""

    def __init__(self, outcome: ActionOutcome | None = None) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self._outcome = outcome

    async def __call__(self, call: ActionCall) -> ActionOutcome:
        self.begun.set()
        await self.go.wait()
        return self._outcome or Answered(usual_output(call))


async def until(world: LoopWorld, execution_id: str, key: str, status: StepStatus) -> None:
    """Wait until a step stands so."""
    while (await world.step(execution_id, key)).status is not status:  # noqa: ASYNC110 - the record has no event
        await asyncio.sleep(0.005)
