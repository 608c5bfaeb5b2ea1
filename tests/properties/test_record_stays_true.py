"""Whatever is rightly done to a record and its keys, it verifies, and says what it should.

Entries, checkpoints, erasures and the rotation of every layer of keys, in any order. What a
person's key sealed opens until that person is erased, and never again.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import Checkpointer, SqliteJournal, verify_record
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError, Owner
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, Keyring, KeyringSealer, KeyRotation, rotate_key

PEOPLE = ["ada", "bob", "cy"]
STEPS = ["tell", "checkpoint", "erase", "signing key", "root key", "workspace keys", "data keys"]


class Installation:
    """A record and its keys; everything is closed between two steps."""

    def __init__(self, folder: Path) -> None:
        self.database, self.key_dir = folder / "data" / "gateway.db", folder / "keys"
        self.database.parent.mkdir()
        self.first_key = CheckpointKeys(self.key_dir).current().public_key_pem
        self.kept: list[tuple[str, JsonObject]] = []
        self.erased: list[JsonObject] = []

    def take(self, step: str, person: str) -> None:
        if step == "signing key":
            rotate_key(self.database, CheckpointKeys(self.key_dir), SystemClock())
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

    async def _serving(self, step: str, person: str) -> None:
        keyring = Keyring.open(self.key_dir)
        journal = await SqliteJournal.open(
            self.database, clock=SystemClock(), writer="w", before_commit=keyring.data.settle
        )
        taken: dict[str, Callable[[], Awaitable[object]]] = {
            "tell": lambda: self._tell(journal, keyring, person),
            "erase": lambda: self._erase(journal, keyring, person),
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

    def check(self) -> None:
        report = verify_record(self.database, [self.first_key])
        assert report.findings == ()
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


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(PEOPLE)), max_size=10))
def test_any_sequence_of_what_is_right_keeps_the_record_true(steps: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        for step, person in [("tell", "ada"), *steps]:
            installation.take(step, person)
        installation.check()
