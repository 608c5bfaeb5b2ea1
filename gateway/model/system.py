"""What the gateway asks of the operating system: the time, fresh ids and files for its keys."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.model.entropy import random_bytes
from gateway.model.problem import Issue, Problem, ProblemError

_TAIL_BITS = 62
_COUNTER_BITS = 12
_COUNTER_MASK = (1 << _COUNTER_BITS) - 1
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAX_KEY_BYTES = 65_536
_DRAFT = "[0-9a-f]" * 16


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


class RandomIds:
    """Ids that are UUIDs of version 7 (RFC 9562, section 5.7), written as 32 hex digits.

    They begin with the milliseconds since 1970, so that later ids sort after earlier ones and
    land at the end of an index. Within this object they rise strictly, whatever the clock does
    and whichever thread asks: the 12 bits after the time count on from a random start, and carry
    into the time when they are used up (RFC 9562, section 6.2, method 1).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str) -> str:
        """A new id ``<prefix>_<32 hex digits>``."""
        random = int.from_bytes(random_bytes(10))
        head = self._next(random >> 64)
        moment, counter = head >> _COUNTER_BITS, head & _COUNTER_MASK
        tail = random & ((1 << _TAIL_BITS) - 1)
        value = moment << 80 | 0x7 << 76 | counter << 64 | 0b10 << _TAIL_BITS | tail
        return f"{prefix}_{value:032x}"

    def _next(self, random: int) -> int:
        """The next time and counter as one number: above every earlier one."""
        # A start in the lower half of the counter leaves room to count on within a millisecond.
        start = random & (_COUNTER_MASK >> 1)
        fresh = (time.time_ns() // 1_000_000) << _COUNTER_BITS | start
        with self._lock:
            is_later = fresh >> _COUNTER_BITS > self._last >> _COUNTER_BITS
            self._last = fresh if is_later else self._last + 1
            return self._last


def key_file(path: Path, make: Callable[[], bytes], *, secret: bool = True) -> bytes:
    """The content of a key file, which is created with what ``make`` gives where it is missing.

    The file is only for its owner (0600), and so is its folder (0700); a file that is not
    ``secret`` may be opened to others later. It appears complete or not at all, and of several
    processes that create it at once one wins and all read the same. What a crash left of a draft
    is removed: it may be the key itself, and would outlive it.

    Raises:
        ProblemError: KEYS_UNUSABLE when it cannot be read or made, or is open to other users.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_open(path.parent, path.parent.stat().st_mode, "700")
        if not path.exists():
            _publish(path, make())
        _remove_drafts(path)
        with path.open("rb") as file:
            if secret:
                _refuse_open(path, os.fstat(file.fileno()).st_mode, "600")
            return file.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise unusable_key(
            path,
            f"cannot be used ({error.strerror or error}). Give the user that runs the gateway"
            " read and write access to it and to its folder, and room on its disk",
        ) from error


def replace_key_file(draft: Path, path: Path) -> None:
    """Put the key file ``draft`` in the place of ``path``, at once and durably.

    Raises:
        ProblemError: KEYS_UNUSABLE when the folder cannot be written.
    """
    with _writable(path):
        draft.replace(path)
        sync_folder(path.parent)


def remove_key_file(path: Path) -> None:
    """Remove a key file, durably; one that is missing is no problem.

    Raises:
        ProblemError: KEYS_UNUSABLE when the folder cannot be written.
    """
    with _writable(path):
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable_key(
            path,
            f"cannot be replaced ({error.strerror or error}). Give the user that runs the gateway"
            " write access to its folder, and room on its disk",
        ) from error


def signing_key_file(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 private key in a key file (PKCS #8 in PEM), which is created if missing.

    Raises:
        ProblemError: KEYS_UNUSABLE, as for ``key_file``, or when it holds no such key.
    """
    text = key_file(path, _new_signing_key)
    with contextlib.suppress(ValueError, TypeError):
        key = load_pem_private_key(text, password=None)
        if isinstance(key, Ed25519PrivateKey):
            return key
    raise unusable_key(
        path,
        "does not hold an unencrypted Ed25519 private key in PEM form. Restore it from a backup,"
        " or move it away to begin with a new key",
    )


def unusable_key(path: Path | str, finding: str) -> ProblemError:
    """KEYS_UNUSABLE for a key file or store; ``finding`` says what is wrong and what to do."""
    told = f"{path} {finding}."
    issue = Issue(str(path), "KEYS_UNUSABLE", told)
    return ProblemError(
        Problem(
            "KEYS_UNUSABLE", "A key file cannot be used", 500, told, "internal", issues=(issue,)
        )
    )


def _new_signing_key() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _refuse_open(path: Path, mode: int, wanted: str) -> None:
    if mode & _OTHERS:
        raise unusable_key(
            path,
            f"is open to other users of this machine (mode {stat.S_IMODE(mode):04o}). If nobody"
            f" else can have read it, run: chmod {wanted} {path}",
        )


def _publish(path: Path, content: bytes) -> None:
    """Put a complete file in place unless one is there; a link, unlike a rename, replaces none."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError, FileNotFoundError):  # somebody was faster
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _remove_drafts(path: Path) -> None:
    """Remove the drafts of a key file that is there; whoever still writes one was too slow."""
    for draft in path.parent.glob(f".{path.name}.{_DRAFT}"):
        with contextlib.suppress(OSError):  # who may not write here reads the key all the same
            draft.unlink(missing_ok=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that survives a power cut, as soon as its name does (``sync_folder``).

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_regular(path: Path, most: int) -> bytes:
    """The content of a file, one byte more than ``most`` where it is larger.

    Raises:
        OSError: it cannot be read, or is no regular file: a pipe might never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with path.open("rb") as file:
        return file.read(most + 1)


def form_of(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever a file is written or exchanged; None where there is none to be had."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def behind_links(path: Path) -> Path:
    """Where a path leads; a link at its end stays one where this is written.

    Raises:
        OSError: its links lead in a circle.
    """
    try:
        found = path.resolve()
    except RuntimeError:  # so Python says it up to 3.12
        found = path
    if found.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return found


def leads_nowhere(path: Path) -> bool:
    """True of a link behind which nothing is, or nothing that may be looked at."""
    return os.path.islink(path) and not os.path.exists(path)  # noqa: PTH110, PTH114 (methods raise)


@contextlib.contextmanager
def locked_folder(folder: Path, *, waiting: bool = False) -> Iterator[bool]:
    """Hold a folder against others who change files of it while they hold it. A crash lets it go.

    Args:
        folder: It has to be there.
        waiting: Wait until whoever else holds it lets it go.

    Returns:
        Whether others are held off: false where its file system has no locks.

    Raises:
        BlockingIOError: somebody else holds it.
        OSError: it cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    is_held = True
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waiting else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError:
            is_held = False
        yield is_held
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make new names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
