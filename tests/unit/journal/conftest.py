"""A journal with checkpoints, and ways to tamper with its files."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.journal import Checkpointer, SqliteJournal
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.model.system import SystemClock
from tests.contract.journal_story import SteppingClock, Story, call


class KeySigner:
    """A signer with a fresh key."""

    def __init__(self, key_id: str = "k1") -> None:
        self.key_id = key_id
        self._key = Ed25519PrivateKey.generate()

    @property
    def public_key_pem(self) -> str:
        public = self._key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class Record:
    """A data folder: filled by a journal, then tampered with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "gateway.db"
        self.file = folder / "checkpoints.jsonl"
        self.signer = KeySigner()

    async def opened(self) -> SqliteJournal:
        return await SqliteJournal.open(self.path, clock=SteppingClock(), writer="w")

    async def session(self, fill: Callable[[SqliteJournal, Checkpointer], Awaitable[None]]) -> None:
        """Opens the journal, lets ``fill`` use it, signs a last checkpoint and closes."""
        journal = await self.opened()
        checkpointer = Checkpointer(journal, self.signer)
        try:
            await fill(journal, checkpointer)
            await checkpointer.stop()
        finally:
            await journal.close()

    async def tell(self, *names: str) -> None:
        """A session for each name: a whole run of two steps, a call, and a checkpoint."""
        for name in names:

            async def fill(journal: SqliteJournal, _: Checkpointer, name: str = name) -> None:
                for entry in [*Story(name).whole("x", "y"), call(None)]:
                    await journal.write(lambda tx, entry=entry: tx.append(entry))

            await self.session(fill)

    def sql(self, command: str, *parameters: Any) -> list[Any]:
        """What somebody with a SQLite shell can do."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(command, parameters).fetchall()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path)


@pytest.fixture
async def journal(database_url: str, tmp_path: Path) -> AsyncIterator[PostgresJournal]:
    """A record on PostgreSQL, for the tests that are of that alone."""
    create_schema(database_url)
    opened = await PostgresJournal.open(database_url, data_dir=tmp_path, clock=SystemClock())
    yield opened
    await opened.close()
