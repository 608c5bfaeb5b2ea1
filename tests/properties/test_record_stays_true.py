"""Whatever is rightly done to a record and its keys, it verifies, and says what it should.

Entries, checkpoints, erasures, the rotation of every layer of keys, and entries that are archived
and put back, in any order. What a person's key sealed opens until that person is erased, and never
again. Where everything is put back, the record is what it was.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import (
    Archiving,
    Checkpointer,
    Returning,
    SqliteJournal,
    Until,
    Verification,
    read_record,
    rebuild_record,
    verify_record,
)
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError, Owner
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, Keyring, KeyringSealer, KeyRotation, rotate_key
from tests.contract.journal_story import Story
from tests.properties.amounts import examples

PEOPLE = ["ada", "bob", "cy"]
STEPS = [
    *("tell", "checkpoint", "erase", "signing key", "root key", "workspace keys", "data keys"),
    *("run", "policy", "archive", "put back"),
]


class Installation:
    """A record and its keys; everything is closed between two steps."""

    def __init__(self, folder: Path) -> None:
        self.database, self.key_dir = folder / "data" / "gateway.db", folder / "keys"
        self.database.parent.mkdir()
        self.first_key = CheckpointKeys(self.key_dir).current().public_key_pem
        self.kept: list[tuple[str, JsonObject]] = []
        self.erased: list[JsonObject] = []
        self.archive = folder / "archive"
        self.runs = 0

    def take(self, step: str, person: str) -> None:
        if step == "signing key":
            rotate_key(self.database, CheckpointKeys(self.key_dir), SystemClock())
        elif step == "archive":
            self._archive()
        elif step == "put back":
            self.put_back()
        elif step in ("root key", "workspace keys", "data keys"):
            self._rotate(step)
        else:
            asyncio.run(self._serving(step, person))

    def _rotate(self, step: str) -> None:
        rotation = KeyRotation(self.key_dir, "file", SystemClock())
        if step == "root key":
            rotation.root("file")
        for workspace in rotation.workspaces():
            if step == "workspace keys":
                rotation.workspace(workspace)
            elif step == "data keys":
                rotation.data(workspace)
        rotation.close()

    def _archive(self) -> None:
        signer = CheckpointKeys(self.key_dir).current()
        archiving = Archiving(self.database, self.archive, signer, SystemClock())
        archiving.run(Until(through=10_000))

    def put_back(self) -> None:
        signer = CheckpointKeys(self.key_dir).current()
        files = sorted(self.archive.glob("*"))
        for chosen in (files[-1:], files):  # an execution may reach into several
            Returning(self.database, signer, SystemClock()).run(chosen)

    async def _serving(self, step: str, person: str) -> None:
        keyring = Keyring.open(self.key_dir)
        journal = await SqliteJournal.open(
            self.database, clock=SystemClock(), writer="w", before_commit=keyring.data.settle
        )
        taken: dict[str, Callable[[], Awaitable[object]]] = {
            "tell": lambda: self._tell(journal, keyring, person),
            "erase": lambda: self._erase(journal, keyring, person),
            "run": lambda: self._run(journal, person),
            "policy": lambda: self._activate(journal, person),
            "checkpoint": Checkpointer(journal, keyring.signer).checkpoint,
        }
        await taken[step]()
        await journal.close()
        keyring.data.close()

    async def _tell(self, journal: SqliteJournal, keyring: Keyring, person: str) -> None:
        owner = Owner("acme", f"person/{person}")
        sealed = KeyringSealer(keyring).seal(owner, "a.b@1.0.0", "input.name", person)
        await journal.write(lambda tx: tx.append(_entry({"name": sealed})))
        self.kept.append((person, sealed))

    async def _erase(self, journal: SqliteJournal, keyring: Keyring, person: str) -> None:
        await journal.write(lambda tx: tx.append(_entry({"erased": True})))
        keys = keyring.data.keys_of(Owner("acme", f"person/{person}"))
        keyring.data.destroy("acme", keys, "asked for")
        self.erased += [sealed for name, sealed in self.kept if name == person]
        self.kept = [(name, sealed) for name, sealed in self.kept if name != person]

    async def _run(self, journal: SqliteJournal, person: str) -> None:
        """A run that ends, but for those of cy, which go on."""
        self.runs += 1
        entries = Story(f"r{self.runs}", subject=person).whole("x", "y")
        for entry in entries[: -1 if person == "cy" else None]:
            await journal.write(lambda tx, entry=entry: tx.append(entry))

    async def _activate(self, journal: SqliteJournal, person: str) -> None:
        entry = NewEntry(EntryType.POLICY_ACTIVATED, "acme", {"revision": f"sha256:{person}"})
        await journal.write(lambda tx: tx.append(entry))

    def check(self) -> None:
        self._verify()
        rebuild_record(self.database, SystemClock())
        self._verify()
        self._check_keys()

    def _verify(self) -> None:
        """It verifies without its archive and with it."""
        keys = [self.first_key]
        assert verify_record(self.database, keys).findings == ()
        report = Verification(self.database, keys, archive=self.archive).run()
        assert report.findings == ()
        assert report.entries + report.archived == self._last_position()

    def _last_position(self) -> int:
        return read_record(self.database, lambda records: records.last_position())

    def _check_keys(self) -> None:
        keyring = Keyring.open(self.key_dir)
        sealer = KeyringSealer(keyring)
        assert [sealer.unseal("acme", sealed) for _, sealed in self.kept] == [
            name for name, _ in self.kept
        ]
        for sealed in self.erased:
            with pytest.raises(ErasedError):
                sealer.unseal("acme", sealed)
        keyring.data.close()


def _entry(body: JsonObject) -> NewEntry:
    return NewEntry(EntryType.CALL_DENIED, "acme", body)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(PEOPLE)), max_size=10))
def test_any_sequence_of_what_is_right_keeps_the_record_true(steps: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        for step, person in [("tell", "ada"), *steps]:
            installation.take(step, person)
        installation.check()
        installation.put_back()
        assert verify_record(installation.database, [installation.first_key]).archived == 0
        installation.check()
