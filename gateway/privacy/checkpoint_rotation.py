"""Rotating the key that signs checkpoints: the old key endorses the new one in the record itself.

The order is such that a crash leaves a record that goes on: the next key is on the disk before it
is endorsed, and endorsed before it signs. Whoever opens the keys afterwards ends what began.
"""

from dataclasses import dataclass
from pathlib import Path

from gateway.journal import DurableJournal, FolderLock, endorse, endorse_in, is_endorsed
from gateway.model.ports import Clock
from gateway.model.problem import ProblemError
from gateway.privacy.checkpoint_keys import CheckpointKeys, SigningKeys


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation that is over: the keys before and after, as ids, and the number of the checkpoint
    in which the one endorses the other."""

    before: str
    after: str
    number: int


def rotate_key(database: Path, keys: CheckpointKeys, clock: Clock) -> Rotation:
    """Let a new key sign the checkpoints of a record that nobody serves.

    A rotation that broke off is gone on with: its next key is used.

    Raises:
        ProblemError: DATA_DIR_IN_USE beside a server, JOURNAL_DAMAGED when the record is empty or
            is not what the last checkpoint signed, KEYS_UNUSABLE, DATABASE_UNREADABLE,
            DATABASE_UNKNOWN_VERSION.
    """
    with FolderLock(database.parent):
        before, after = keys.current(), keys.next()
        number = endorse(database, before, after.public_key_pem, clock)
        keys.promote()
    return Rotation(before.key_id, after.key_id, number)


async def rotate_shared_key(journal: DurableJournal, keys: SigningKeys) -> Rotation:
    """``rotate_key`` for keys that processes share, which nobody else may have open meanwhile.

    Raises:
        ProblemError: as ``rotate_key``; CONFLICT when another process signed after all.
    """
    before, after = keys.current(), keys.next()
    number = await endorse_in(journal, before, after.public_key_pem)
    keys.promote()
    return Rotation(before.key_id, after.key_id, number)


def finish_rotation(database: Path, keys: CheckpointKeys) -> None:
    """End a rotation that broke off after the next key was endorsed; else change nothing.

    Beside a process that holds the data folder nothing is done: that one has ended it, or is at it.

    Raises:
        ProblemError: KEYS_UNUSABLE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    if not keys.is_rotating() or not database.exists():
        return
    try:
        lock = FolderLock(database.parent)
    except ProblemError as error:
        if error.problem.code == "DATA_DIR_IN_USE":
            return
        raise
    with lock:
        if keys.is_rotating() and is_endorsed(database, keys.next().public_key_pem):
            keys.promote()
