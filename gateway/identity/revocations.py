"""Tokens that are believed no more, whatever their signatures say: a file that operators keep.

A line revokes ``token ID``, the one of this ``jti``, or ``before MOMENT SUBJECT``, all that were
issued to a subject before then and those that do not say when they were. ``#`` begins a remark.
"""

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from gateway.identity.claims import fault_of_subject
from gateway.model.ports import Clock
from gateway.model.principal import Principal
from gateway.model.problem import Issue, refused_files
from gateway.model.system import form_of
from gateway.model.time import parse

MAX_BYTES = 4 * 1024 * 1024
"""The largest file that is read."""

_LOOK_EVERY = 1.0  # seconds
_SETTLES = 5.0
"""Seconds for which a file has to stay as it is before what it no longer says is believed again:
somebody may be writing it in place, and half of it be there."""

_LOOKS = 5
"""How often a file is read that is written meanwhile."""

_INVALID = "REVOCATIONS_INVALID"
_SYNTAX = "write 'token ID', or 'before 2026-03-01T09:30:00Z SUBJECT'"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Revocations:
    """What is revoked: ``tokens`` by their names, and for each subject in ``before`` what was
    issued before that moment, in seconds since 1970."""

    tokens: frozenset[str]
    before: Mapping[str, float]

    def cover(self, principal: Principal, issued: float | None) -> bool:
        """True for a token that is revoked; ``issued`` is in seconds since 1970, if it is known."""
        if principal.session in self.tokens:
            return True
        moment = self.before.get(principal.subject)
        return moment is not None and (issued is None or issued < moment)


class RevocationFile:
    """The revocations of a file, which is looked at again at most once a second.

    While it cannot be read, or a line of it, what it said before stays revoked beside what it says;
    so does what it says no longer, until it was not written for ``_SETTLES``.

    Raises:
        ProblemError: REVOCATIONS_INVALID.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._looked_at = clock.now().timestamp()
        self._form = form_of(path)
        self._changed_at = self._looked_at
        self._is_settled = True
        self._trouble = ""
        self._known = read_revocations(path)

    def cover(self, principal: Principal, issued: float | None) -> bool:
        """See ``Revocations``."""
        now = self._clock.now().timestamp()
        if abs(now - self._looked_at) >= _LOOK_EVERY:
            self._looked_at = now
            self._look(now)
        return self._known.cover(principal, issued)

    def _look(self, now: float) -> None:
        form = form_of(self._path)
        if form == self._form and not self._trouble and self._is_settled:
            return
        if form != self._form or now < self._changed_at:  # where the clock went back, wait anew
            self._changed_at = now
        found, issues = _read(self._path)
        told = issues[0].message if issues else ""
        if told and told != self._trouble:
            _log.error("Not all revoked tokens can be read at %s: %s", issues[0].path, told)
        self._form, self._trouble = form, told
        is_new = now - self._changed_at < _SETTLES
        was_settled = self._is_settled
        self._is_settled = bool(issues) or not (is_new and _takes_back(self._known, found))
        if was_settled and not self._is_settled:
            _log.warning(
                "%s revokes less than before; all of it stays revoked until the file was not"
                " written for %g seconds",
                self._path.name,
                _SETTLES,
            )
        keep = issues or not self._is_settled
        self._known = _joined(self._known, found) if keep else found


def read_revocations(path: Path) -> Revocations:
    """All that a file revokes.

    Raises:
        ProblemError: REVOCATIONS_INVALID with every line that cannot be read.
    """
    found, issues = _read(path)
    if issues:
        title = "The file of revoked tokens cannot be honoured"
        raise refused_files(_INVALID, title, "the file of revoked tokens", issues, 100)
    return found


def _read(path: Path) -> tuple[Revocations, list[Issue]]:
    """What can be read of a file, and what is wrong with the rest."""
    try:
        content = _content(path)
    except OSError as error:
        why = f"the file cannot be read ({error.strerror}); check that it is there and open to you"
        return _NOTHING, [Issue(path.name, _INVALID, why)]
    if content is None:
        return _NOTHING, [Issue(path.name, _INVALID, "the file is written all the time; try again")]
    if len(content) > MAX_BYTES:
        told = f"the file is larger than {MAX_BYTES} bytes; take out tokens that have expired"
        return _NOTHING, [Issue(path.name, _INVALID, told)]
    tokens: set[str] = set()
    before: dict[str, float] = {}
    issues = [
        Issue(f"{path.name}:{number}", _INVALID, told)
        for number, line in enumerate(content.split(b"\n"), 1)
        if (told := _take(line, tokens, before))
    ]
    return Revocations(frozenset(tokens), before), issues


def _content(path: Path) -> bytes | None:
    """What is in a file, or its beginning; None where it was written whenever it was read.

    Raises:
        OSError: it cannot be read.
    """
    for _ in range(_LOOKS):
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            content = file.read(MAX_BYTES + 1)
            after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            return content
    return None


def _take(line: bytes, tokens: set[str], before: dict[str, float]) -> str:
    """Take a line; what is wrong with it, or nothing."""
    try:
        text = line.decode().strip()
        if not text or text.startswith("#"):
            return ""
        kind, _, rest = text.partition(" ")
        if kind == "token":
            tokens.add(_name(rest))
        elif kind == "before":
            at, _, subject = rest.lstrip().partition(" ")
            name, moment = _name(subject), parse(at).timestamp()
            before[name] = max(moment, before.get(name, moment))
        else:
            return _SYNTAX
    except (ValueError, OverflowError):
        return _SYNTAX
    return ""


def _name(text: str) -> str:
    name = text.strip()
    if fault_of_subject(name):
        raise ValueError
    return name


def _takes_back(before: Revocations, after: Revocations) -> bool:
    """Whether something that was revoked before is no longer."""
    return _joined(before, after) != after


def _joined(one: Revocations, other: Revocations) -> Revocations:
    before = dict(one.before)
    for subject, moment in other.before.items():
        before[subject] = max(moment, before.get(subject, moment))
    return Revocations(one.tokens | other.tokens, before)


_NOTHING = Revocations(frozenset(), {})


def add_revocations(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a file, all of them or none, durably; what others add meanwhile stays, and
    nobody reads half a line, which may name somebody else, for longer than it takes to write it.

    Raises:
        ValueError: a line revokes nothing.
        OSError: the file cannot be written.
    """
    written = list(lines)
    if any(_take(line.encode(), set(), {}) or "\n" in line for line in written):
        raise ValueError(_SYNTAX)
    with path.open("ab+", buffering=0) as file:
        with suppress(OSError):  # a file system without locks; most add nothing at the same time
            fcntl.flock(file, fcntl.LOCK_EX)
        _append(file, b"".join((_to_begin(file.fileno()), *_ended(written))))
        os.fsync(file.fileno())


def _append(file: FileIO, content: bytes) -> None:
    """Append all of it; where that fails, as on a full disk, none is left."""
    before, done = os.fstat(file.fileno()).st_size, 0
    try:
        while done < len(content):
            done += file.write(content[done:])
    except OSError:
        if os.fstat(file.fileno()).st_size == before + done:
            file.truncate(before)
        raise


def _to_begin(descriptor: int) -> bytes:
    """What ends a last line that somebody left without an end."""
    size = os.fstat(descriptor).st_size
    return b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""


def _ended(lines: Iterable[str]) -> Iterator[bytes]:
    return (f"{line}\n".encode() for line in lines)
