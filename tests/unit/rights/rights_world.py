"""Rights of people on a real record with real keys, which can be restarted and restored."""

import shutil
from pathlib import Path

from gateway.journal import SqliteJournal, rebuild_matches
from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError, each_envelope
from gateway.model.ports import Tx
from gateway.model.principal import Principal
from gateway.model.rights import Erasure, ErasureStatus, Hold
from gateway.model.time import stamp
from gateway.privacy import Keyring, KeyringSealer
from gateway.rights import (
    NOTHING,
    Looked,
    Named,
    Pace,
    Retention,
    RetentionRule,
    being_carried_out,
    open_rights,
)
from gateway.rights.search import Sealed, read_envelope
from tests.unit.runtime.loop_world import (
    FILES,
    WORKSPACE,
    LoopWorld,
    SettableClock,
    contract,
    person,
    step,
    write_contracts,
)

PETRA = person("petra", "privacy-officer")
PAUL = person("paul", "privacy-officer")
MAIL = contract(
    "mail",
    "input: {id: ID!, email: EmailAddress!, body: String!}\noutput: {id: ID!, echo: String}\n"
    "policy: {auth: user, pii: [email, body, echo], subject: email}\n",
)
"""A contract whose PII is a person's."""

FIND = contract(
    "find", "input: {id: ID!}\noutput: {id: ID!, echo: String}\npolicy: {auth: user, pii: [echo]}\n"
)
"""A contract that answers with PII which its input does not name."""

CONTRACTS = FILES | {"mail.yaml": MAIL, "find.yaml": FIND}


class RightsWorld:
    """One gateway's record and keys in ``folder``; ``rules`` are those of retention,
    ``leap`` how many days may pass while it does not run."""

    def __init__(
        self,
        folder: Path,
        clock: SettableClock | None = None,
        rules: tuple[RetentionRule, ...] = (),
        leap: float = 100.0,
    ) -> None:
        self.folder = folder
        self.clock = clock or SettableClock()
        self.rules = rules
        self.leap = leap
        self.starts = 0

    @property
    def data(self) -> Path:
        return self.folder / "record"

    @property
    def key_dir(self) -> Path:
        return self.folder / "record-keys"

    async def start(self) -> "RightsWorld":
        """Start as a process does: open keys and record, and make them agree."""
        self.starts += 1
        self.key_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keyring = Keyring.open(self.key_dir, clock=self.clock)
        registry = write_contracts(self.folder / "schema", CONTRACTS)
        self.retention = Retention(self.rules, registry)
        self.journal = await SqliteJournal.open(
            self.data / "gateway.db", clock=self.clock, writer="writer-1"
        )
        scratch = self.folder / f"start-{self.starts}-{self.clock.moment.timestamp()}"
        self.world = LoopWorld(scratch, self.journal, self.clock, registry)
        self.sealer = KeyringSealer(self.keyring, self.retention.lifetime)
        self.world.sealer = self.sealer
        await self.world.decide_by(VERDICT)
        path = self.data / "gateway.db"
        loop, ids = self.world.loop, self.world.ids
        pace = Pace(60, self.leap)
        self.rights = await open_rights(loop, self.keyring, self.retention, ids, path, pace)
        return self

    async def stop(self) -> None:
        await self.journal.close()
        self.keyring.data.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    # --- what people do

    def named(self, name: str) -> Named:
        found = self.rights.desk.person(WORKSPACE, name)
        assert found is not None
        return found

    async def mail(self, *names: str, run: bool = True) -> str:
        """A run that writes to people; returns its execution."""
        steps = [
            step(f"s{index}", "mail", email=name, body=f"Dear {name}")
            for index, name in enumerate(names)
        ]
        execution_id = await self.world.begin(*steps)
        if run:
            await self.world.advance(execution_id)
        return execution_id

    async def ask(self, named: Named, who: Principal = PETRA) -> str:
        desk = self.rights.desk
        asked = await self.journal.write(
            lambda tx: desk.ask(tx, who, named, "subject_request", "please")
        )
        return asked.id

    async def approve(self, erasure_id: str, who: Principal = PAUL) -> Erasure:
        desk = self.rights.desk
        return await self.journal.write(lambda tx: desk.approve(tx, who, erasure_id, "ok"))

    async def erase(self, named: Named) -> Erasure:
        """Ask, approve and sweep; returns the erasure as it then stands."""
        erasure_id = await self.ask(named)
        await self.approve(erasure_id)
        await self.rights.sweeper.sweep()
        return await self.erasure(erasure_id)

    async def erasure(self, erasure_id: str) -> Erasure:
        found = await self.journal.read(lambda records: records.erasure(WORKSPACE, erasure_id))
        assert found is not None
        return found

    async def look(self, named: Named) -> Looked:
        """What erasures take that are being carried out, as whoever places a hold looks first."""
        begun = await self.journal.read(lambda records: being_carried_out(records, WORKSPACE))
        return self.rights.lateness.look(named.subject, begun)

    async def hold(self, named: Named, looked: Looked = NOTHING) -> Hold:
        desk = self.rights.desk

        def unit(tx: Tx) -> Hold:
            return desk.place(tx, PETRA, named, "Case 1", "because", None, looked)

        return await self.journal.write(unit)

    async def lift(self, hold_id: str) -> None:
        desk = self.rights.desk
        await self.journal.write(lambda tx: desk.lift(tx, PETRA, hold_id, "over"))

    async def active_holds(self) -> list[Hold]:
        now = stamp(self.clock.now())
        return await self.journal.read(lambda records: records.active_holds(WORKSPACE, now))

    # --- what is left

    async def envelopes(self) -> list[tuple[str | None, JsonObject, Sealed]]:
        """Every envelope of the record, with its execution."""
        entries = await self.journal.read(lambda records: records.entries_after(0, 1_000_000))
        return [
            (entry.execution_id, envelope, sealed)
            for entry in entries
            for envelope in each_envelope(entry.body)
            if (sealed := read_envelope(envelope)) is not None
        ]

    def is_readable(self, envelope: JsonObject) -> bool:
        try:
            self.sealer.unseal(WORKSPACE, envelope)
        except ValueError:
            return False
        return True

    def is_erased(self, envelope: JsonObject) -> bool:
        try:
            self.sealer.unseal(WORKSPACE, envelope)
        except ErasedError:
            return True
        except ValueError:
            return False
        return False

    async def texts(self) -> list[str]:
        """Every value that can still be read."""
        found = [envelope for _, envelope, _ in await self.envelopes()]
        return [str(self.sealer.unseal(WORKSPACE, one)) for one in found if self.is_readable(one)]

    def matches(self) -> list[str]:
        """What differs between tables and entries."""
        return rebuild_matches(self.data / "gateway.db")

    # --- backups; the world is stopped

    def back_up(self, what: Path, name: str) -> Path:
        kept = self.folder / name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(what, kept)
        return kept

    def restore(self, kept: Path, what: Path) -> None:
        shutil.rmtree(what)
        shutil.copytree(kept, what)

    def restore_keys_beside_tombstones(self, kept: Path) -> None:
        """The key store as it was, while the tombstones stay as they are."""
        for path in self.key_dir.glob("keys.db*"):
            path.unlink()
        for path in kept.glob("keys.db*"):
            shutil.copy(path, self.key_dir / path.name)


VERDICT = "p, 910, *, *, *, *, true, autonomous, -, -, -, -\n"


def done(erasure: Erasure) -> bool:
    return erasure.status is ErasureStatus.ERASED
