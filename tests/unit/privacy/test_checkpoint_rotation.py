"""Rotating the key of checkpoints: whoever trusts the first one follows, and no crash harms."""

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.journal import Checkpointer, FindingKind, FolderLock, SqliteJournal, verify_record
from gateway.journal.checkpoint_lines import parsed_line
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, CheckpointSigner, finish_rotation, rotate_key
from tests.contract.journal_story import call
from tests.forking import run_to_end

KILLED = """
import os, sys
from pathlib import Path
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, rotate_key

sync, left = os.fsync, int(sys.argv[2])


def fsync(descriptor):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
    sync(descriptor)


os.fsync = fsync
folder = Path(sys.argv[1])
rotate_key(folder / "gateway.db", CheckpointKeys(folder / "keys"), SystemClock())
"""


class Installation:
    """A data folder with a record and keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "gateway.db"
        self.keys = CheckpointKeys(folder / "keys")

    def serve(self, signer: CheckpointSigner | None = None) -> None:
        """Record something, with a checkpoint at the end."""
        finish_rotation(self.database, self.keys)
        used = signer or self.keys.current()

        async def session() -> None:
            journal = await SqliteJournal.open(self.database, clock=SystemClock(), writer="w")
            try:
                await journal.write(lambda tx: tx.append(call(None)))
                await Checkpointer(journal, used).checkpoint()
            finally:
                await journal.close()

        asyncio.run(session())

    def rotate(self) -> int:
        return rotate_key(self.database, self.keys, SystemClock()).number

    def kinds(self, *keys: str) -> set[FindingKind]:
        return {finding.kind for finding in verify_record(self.database, keys).findings}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_the_first_key_vouches_for_all_that_follows(installation: Installation) -> None:
    installation.serve()
    first = installation.keys.current()
    assert installation.rotate() == 2
    installation.serve()
    second = installation.keys.current()
    assert installation.rotate() == 4
    installation.serve()
    third = installation.keys.current()

    assert len({first.key_id, second.key_id, third.key_id}) == 3
    for key in (first, second, third):
        assert installation.kinds(key.public_key_pem) == set()
    stranger = CheckpointKeys(installation.folder / "other").current()
    assert installation.kinds(stranger.public_key_pem) == {FindingKind.CHECKPOINT_FORGED}
    names = [path.name for path in installation.keys.public_files()]
    earlier = sorted(f"checkpoint-signing.{one.key_id}.pub.pem" for one in (first, second))
    assert names == ["checkpoint-signing.pub.pem", *earlier]


def test_a_key_that_was_rotated_signs_no_more(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for a gateway that still has it, nor for a thief who writes into the record."""
    installation.serve()
    first = installation.keys.current()
    installation.rotate()

    with pytest.raises(ProblemError, match="KEYS_UNUSABLE"):
        installation.serve(first)
    installation.serve()
    with pytest.raises(ProblemError, match="rotated meanwhile"):
        installation.serve(first)
    assert installation.kinds(first.public_key_pem) == set()

    monkeypatch.setattr("gateway.journal.signing._require_endorsed", lambda *_: None)
    installation.serve(first)  # a thief asks nobody: verification tells
    assert installation.kinds(first.public_key_pem) == {FindingKind.CHECKPOINT_FORGED}


def test_nothing_is_rotated_beside_a_server(installation: Installation) -> None:
    installation.serve()
    before = installation.keys.current().key_id

    with FolderLock(installation.folder), pytest.raises(ProblemError, match="DATA_DIR_IN_USE"):
        installation.rotate()

    assert installation.keys.current().key_id == before
    assert not installation.keys.is_rotating()


def test_an_empty_record_can_endorse_nobody(installation: Installation) -> None:
    async def session() -> None:
        opened = SqliteJournal.open(installation.database, clock=SystemClock(), writer="w")
        await (await opened).close()

    asyncio.run(session())
    before = installation.keys.current().key_id

    with pytest.raises(ProblemError, match="JOURNAL_DAMAGED"):
        installation.rotate()
    assert installation.keys.current().key_id == before
    installation.serve()
    assert installation.rotate() == 2


def test_what_came_since_the_last_checkpoint_is_covered_by_the_endorsement(
    installation: Installation,
) -> None:
    installation.serve()
    installation.rotate()
    lines = (installation.folder / "checkpoints.jsonl").read_text().splitlines()
    last = parsed_line(lines[-1])

    assert last.successor is not None
    assert last.position == 1
    assert last.checkpoint is not None
    assert last.successor.name == last.checkpoint.origin


@pytest.mark.parametrize("at", range(1, 12))
def test_a_rotation_that_is_killed_anywhere_leaves_a_usable_state(
    installation: Installation, at: int
) -> None:
    installation.serve()
    first = installation.keys.current()
    command = [sys.executable, "-c", KILLED, str(installation.folder), str(at)]
    done = run_to_end(command)
    assert done.returncode == (9 if at < 10 else 0)

    installation.serve()
    assert installation.kinds(first.public_key_pem) == set()
    installation.rotate()
    installation.serve()

    assert installation.kinds(first.public_key_pem) == set()
    assert installation.keys.current().key_id != first.key_id
    assert not installation.keys.is_rotating()
