"""A real record whose checkpoints are anchored, and which may be told otherwise."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.anchoring.anchor import SignedCheckpoint
from gateway.anchoring.history import JournalHistory, next_after
from gateway.journal import Checkpointer, SqliteJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointSigner

CLOCK = SystemClock()


@dataclass
class AnchorWorld:
    """A record that grows, and its checkpoints."""

    folder: Path
    journal: SqliteJournal
    checkpointer: Checkpointer
    key: Ed25519PrivateKey
    told: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    async def open(cls, folder: Path, key: Ed25519PrivateKey | None = None) -> "AnchorWorld":
        key = key or Ed25519PrivateKey.generate()
        journal = await SqliteJournal.open(folder / "gateway.db", clock=CLOCK, writer="w")
        told: list[Callable[[], None]] = []

        def signed() -> None:
            for one in told:
                one()

        checkpointer = Checkpointer(journal, CheckpointSigner(key), 3600, signed)
        return cls(folder, journal, checkpointer, key, told)

    @property
    def history(self) -> JournalHistory:
        return JournalHistory(self.journal)

    async def grow(self, count: int = 3, what: str = "") -> SignedCheckpoint:
        """Record some entries and sign a checkpoint over them."""

        def unit(tx: Tx) -> None:
            for number in range(count):
                body = {"contract": f"{what}{number}"}
                tx.append(NewEntry(EntryType.WEBHOOK_DEAD, "acme", body))

        await self.journal.write(unit)
        number = await self.checkpointer.checkpoint()
        assert number is not None
        return await self.checkpoint(number)

    async def checkpoint(self, number: int) -> SignedCheckpoint:
        found = await self.journal.read(lambda records: next_after(records, number - 1))
        assert found is not None
        return found

    async def copy(self, folder: Path) -> "AnchorWorld":
        """The record as it is now, to be told otherwise from here on."""
        copied(self.folder, folder)
        return await self.open(folder, self.key)

    async def close(self) -> None:
        await self.journal.close()


def copied(source: Path, folder: Path) -> None:
    folder.mkdir()
    shutil.copy(source / "checkpoints.jsonl", folder)
    with (
        closing(sqlite3.connect(source / "gateway.db")) as origin,
        closing(sqlite3.connect(folder / "gateway.db")) as target,
    ):
        origin.backup(target)
