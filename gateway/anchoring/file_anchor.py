"""An append-only file as an anchor: one checkpoint a line, on the disk before it counts.

Each line is a JSON object with ``number`` and the signed ``note``. Nothing that is there is ever
changed, and nothing is appended to what does not go on into our own tree.
"""

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.anchoring.anchor import AnchorError, History, SignedCheckpoint, Taken
from gateway.model.json import decode, encode
from gateway.model.system import sync_folder
from gateway.model.threads import Threads
from gateway.transparency import Checkpoint, parse_note

T = TypeVar("T")

_HOW = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
"""How the file is opened, also to be looked at: after ``chattr +a`` Linux opens it to append,
and to write in no other way."""

_TAIL_BYTES = 256 * 1024
"""How much of the end of the file is looked at; a line is far shorter."""


@dataclass(frozen=True, slots=True)
class _End:
    """How the file ends: its last whole checkpoint with its number, if there is one, and whether a
    line is torn."""

    last: Checkpoint | None
    number: int
    torn: bool


class FileAnchor:
    """Appends to ``path``.

    Whose signature the last checkpoint has does not matter: it must have our root at its size. It
    works in a thread of its own, for a disk that hangs must hold up nothing else.
    """

    def __init__(self, path: Path, history: History) -> None:
        self._path = path
        self._history = history
        self._is_synced = True  # False where what was appended may not be on the disk
        self._thread = Threads(1, "anchor-file")

    async def publish(self, checkpoint: SignedCheckpoint) -> Taken:
        """Append the checkpoint, unless the file has it or a later one of the same tree.

        Raises:
            AnchorError: the file cannot be written, or its last checkpoint is not of our tree.
        """
        end = await self._in_thread(self._end)
        if end.last is not None:
            await self._require_ours(end.last)
            has_it = (end.last.size, end.number) >= (checkpoint.size, checkpoint.number)
            if has_it and self._is_synced:
                await self._in_thread(self._sync_all)  # a process may have ended before it did
                return Taken({"size": end.last.size, "added": False})
        await self._in_thread(partial(self._append, checkpoint, end))
        return Taken({"size": checkpoint.size, "added": True})

    async def close(self) -> None:
        """Wait for nothing: a disk that hangs would hold up the end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _require_ours(self, last: Checkpoint) -> None:
        root = await self._history.root(last.size)
        if root is None:
            told = f"Its last checkpoint is of {last.size} entries, and the record has fewer now"
            raise AnchorError(f"{told}: entries were lost.")
        if root != last.root:
            told = f"Its last checkpoint, of {last.size} entries, is of another history than ours"
            raise AnchorError(f"{told}: one of them was changed.")

    # --- in the thread

    def _end(self) -> _End:
        with self._opened() as descriptor:
            return _end_of(descriptor)

    def _append(self, checkpoint: SignedCheckpoint, end: _End) -> None:
        line = encode({"number": checkpoint.number, "note": checkpoint.note}).encode() + b"\n"
        with self._opened() as descriptor:
            if _end_of(descriptor) != end:
                raise AnchorError("Somebody else wrote to it at the same time.")
            # What a crash left of a line is ended, not removed.
            content = b"\n" + line if end.torn else line
            self._is_synced = False
            if os.write(descriptor, content) != len(content):
                raise AnchorError("It could not be written to the end: its disk is full.")
            self._sync(descriptor)

    def _sync_all(self) -> None:
        with self._opened() as descriptor:
            self._sync(descriptor)

    def _sync(self, descriptor: int) -> None:
        self._is_synced = False
        os.fsync(descriptor)
        self._is_synced = True  # else it is appended anew: nothing makes up for a failed sync

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, locked against others that do as we do.

        Raises:
            AnchorError: it cannot be had.
        """
        try:
            is_new = not self._path.exists()
            descriptor = os.open(self._path, _HOW, 0o644)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise AnchorError("It is no regular file.")
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if is_new:
                    sync_folder(self._path.parent)
                yield descriptor
            finally:
                os.close(descriptor)
        except BlockingIOError:
            raise AnchorError("Somebody else holds it.") from None
        except OSError as error:
            raise AnchorError(f"It cannot be used ({error.strerror}).") from None


def _end_of(descriptor: int) -> _End:
    size = os.fstat(descriptor).st_size
    start = max(size - _TAIL_BYTES, 0)
    tail = os.pread(descriptor, _TAIL_BYTES, start)
    *lines, rest = tail.split(b"\n")
    for line in reversed(lines[1:] if start else lines):
        if (found := _checkpoint(line)) is not None:
            return _End(*found, torn=bool(rest))
    if start or any(lines):
        raise AnchorError("It holds something else than checkpoints.")
    return _End(None, 0, torn=bool(rest))


def _checkpoint(line: bytes) -> tuple[Checkpoint, int] | None:
    """The checkpoint of a line, and its number; None where a crash tore it."""
    try:
        told = decode(line)
        return Checkpoint.parse(parse_note(told["note"]).text), int(told["number"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
