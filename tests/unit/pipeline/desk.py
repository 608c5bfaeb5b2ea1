"""A governed call on a real record, with built-in contracts that the tests bind themselves."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.journal import SqliteJournal
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.json import JsonObject, decode
from gateway.model.ports import Records, Tx
from gateway.model.principal import Principal
from gateway.model.problem import problem, refuse
from gateway.pipeline import (
    Admitted,
    Call,
    CallRecorder,
    Command,
    Direct,
    Pipeline,
    ProcessRateLimits,
    Query,
    RateLimiter,
    Refused,
)
from gateway.privacy import Keyring, KeyringSealer
from tests.loaded import load_policies
from tests.unit.runtime.loop_world import (
    FILES,
    FakeActions,
    SettableClock,
    contract,
    write_contracts,
    write_policies,
)

_IO = "input: {text: String!, then: String}\noutput: {id: ID!, text: String!}\n"
BUILT_IN = {
    "add.yaml": contract("add", f"{_IO}policy: {{auth: user, pii: [text]}}\n", handled=False),
    "few.yaml": contract(
        "few", f"{_IO}policy: {{auth: user, rateLimit: {{rpm: 2, key: user}}}}\n", handled=False
    ),
    "tell.yaml": contract(
        "tell",
        "input: {id: ID!}\noutput: {id: ID!, email: EmailAddress}\n"
        "policy: {auth: user, pii: [email]}\n",
    ),
    "look.yaml": contract(
        "look", f"{_IO}policy: {{auth: user, pii: [text]}}\n", kind="query", handled=False
    ),
    "feel.yaml": contract(
        "feel",
        "input: {text: String!}\noutput: {id: ID!, mood: Mood}\ntypes: {Mood: [GOOD, BAD]}\n"
        "policy: {auth: user, pii: [mood]}\n",
        kind="query",
        handled=False,
    ),
}


class Desk:
    """A pipeline over ``journal``; ``applied`` counts what the command did."""

    def __init__(self, folder: Path, journal: SqliteJournal, clock: SettableClock) -> None:
        self.folder = folder
        self.journal = journal
        self.clock = clock
        self.registry = write_contracts(folder / "schema", FILES | BUILT_IN)
        self.policies = load_policies(write_policies(folder / "policies"), self.registry)
        self.sealer = KeyringSealer(Keyring.open(folder / "data"))
        self.actions = FakeActions()
        self.recorder = CallRecorder(journal, self.sealer, clock)
        self.applied: list[str] = []
        self.pipeline = Pipeline(
            registry=self.registry,
            policies=self.policies,
            journal=journal,
            sealer=self.sealer,
            actions=self.actions,
            limiter=RateLimiter(ProcessRateLimits(clock)),
            recorder=self.recorder,
            bindings={
                "shop.add@1.0.0": Command(self._add),
                "shop.few@1.0.0": Command(self._add),
                "shop.look@1.0.0": Query(self._look),
                "shop.feel@1.0.0": Query(self._feel),
            },
            direct=Direct(self._no_direct, self._no_direct),
        )

    @classmethod
    async def open(cls, folder: Path) -> "Desk":
        clock = SettableClock()
        journal = await SqliteJournal.open(folder / "gateway.db", clock=clock, writer="writer-1")
        return cls(folder, journal, clock)

    def _add(self, admitted: Admitted, tx: Tx) -> JsonObject | Refused:
        """Append a fact, then do what ``then`` says."""
        value = admitted.value
        fact = {"fact": value.get("then") or "done"}
        tx.append(NewEntry(EntryType.QUERY_ANSWERED, "acme", fact, actor="handler"))
        match value.get("then"):
            case "raise":
                raise refuse("CONFLICT", "It cannot be done.")
            case "crash":
                raise RuntimeError("boom")
            case "deny":
                raise refuse("FORBIDDEN", "Not you.")
            case "refuse":
                return Refused(problem("PRECONDITION_FAILED", "First the other."))
            case "misfit":
                return {"other": 1}
        self.applied.append(value["text"])
        return {"id": str(len(self.applied)), "text": value["text"]}

    def _look(self, admitted: Admitted, records: Records) -> JsonObject:
        return {"id": "1", "text": admitted.value["text"]}

    def _feel(self, admitted: Admitted, records: Records) -> JsonObject:
        return {"id": "1", "mood": admitted.value["text"]}

    async def _no_direct(self, admitted: Admitted, *_: str) -> JsonObject:
        raise AssertionError("no action command is called here")

    async def call(
        self, who: Principal, key: str, value: Any, idempotency_key: str | None = None
    ) -> JsonObject:
        """One governed call of ``shop.<key>``."""
        found = self.registry.operations[f"shop.{key}@1.0.0"]
        return await self.pipeline.call(Call(found, value, who, idempotency_key))

    async def entries(self, *kinds: EntryType) -> list[Entry]:
        """Everything on the chains of workspaces, once what is queued is durable."""
        await self.journal.write(lambda _: None)
        with closing(sqlite3.connect(self.folder / "gateway.db")) as connection:
            rows = connection.execute(
                "select position, chain, seq, at, type, workspace, execution_id, actor, body,"
                " previous, hash from entry order by position"
            ).fetchall()
        found = [Entry(*row) for row in rows]
        read = [
            entry._replace(type=EntryType(entry.type), body=decode(entry.body)) for entry in found
        ]
        return [entry for entry in read if not kinds or entry.type in kinds]

    async def facts(self) -> list[str]:
        """What the command's handler appended that became durable."""
        found = await self.entries(EntryType.QUERY_ANSWERED)
        return [entry.body["fact"] for entry in found if entry.actor == "handler"]
