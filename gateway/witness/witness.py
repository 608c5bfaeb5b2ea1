"""The rule of a witness: it signs a checkpoint if the log signed it and goes on from the last one.

The protocol is ``add-checkpoint`` of C2SP tlog-witness (https://c2sp.org/tlog-witness), signatures
are ``cosignature/v1`` of C2SP tlog-cosignature. What is remembered is on the disk before it is
signed, so that a witness that is killed never signs two histories.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.model.ports import Clock
from gateway.model.system import signing_key_file
from gateway.transparency import (
    COSIGNATURE,
    NoteError,
    NoteSigner,
    Verifier,
    open_note,
    verify_consistency,
)
from gateway.witness.book import Book, Seen
from gateway.witness.request import MalformedError, Submission, parse_submission

TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"

Logs = Mapping[str, tuple[Verifier, ...]]
"""The keys of the logs that are witnessed, by origin."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers, in the terms of HTTP."""

    status: int
    body: str
    content_type: str = TEXT


class _RefusedError(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Witness:
    """Signs as ``signer`` the checkpoints of ``logs``, and remembers them in ``book``."""

    book: Book
    signer: NoteSigner
    logs: Logs
    clock: Clock

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge a submission, and cosign its checkpoint. It waits for the disk.

        Raises:
            sqlite3.Error: what was seen could not be stored; nothing is signed then.
        """
        try:
            submitted = parse_submission(body)
            self._require_signed(submitted)
            origin = submitted.checkpoint.origin
            self.book.move(origin, lambda last: _judged(submitted, last))
        except MalformedError as error:
            return Answer(400, f"{error}\n")
        except _RefusedError as error:
            return error.answer
        at = int(self.clock.now().timestamp())
        return Answer(200, self.signer.cosignature(submitted.note.text, at).line())

    def _require_signed(self, submitted: Submission) -> None:
        keys = self.logs.get(submitted.checkpoint.origin)
        if keys is None:
            raise _RefusedError(Answer(404, "this log is not witnessed here\n"))
        try:
            open_note(str(submitted.note), keys)
        except NoteError:
            told = "no key that is known of this log signed the checkpoint\n"
            raise _RefusedError(Answer(403, told)) from None


def _judged(submitted: Submission, last: Seen) -> Seen:
    """What is seen from now on.

    Raises:
        _RefusedError: the checkpoint does not go on from the last one.
    """
    now = submitted.checkpoint
    if submitted.old > now.size:
        raise _RefusedError(Answer(400, "the old size is larger than the checkpoint's\n"))
    if submitted.old != last.size:
        raise _RefusedError(Answer(409, f"{last.size}\n", SIZE))
    if now.size == last.size and now.root != last.root:
        _log.error("%s signed two trees of %d leaves: it has forked", now.origin, now.size)
        raise _RefusedError(Answer(409, f"{last.size}\n", SIZE))
    if not verify_consistency(last.size, now.size, last.root, now.root, submitted.proof):
        told = "%s proves no way from its tree of %d leaves to that of %d"
        _log.error(told, now.origin, last.size, now.size)
        raise _RefusedError(Answer(422, "the consistency proof does not hold\n"))
    return Seen(now.size, now.root, str(submitted.note))


def trusted_logs(keys: Iterable[str]) -> Logs:
    """The logs of some verifier keys; a log is known by the name of its key.

    Raises:
        NoteError: one of them is no key of a log.
    """
    found: dict[str, tuple[Verifier, ...]] = {}
    for text in keys:
        key = Verifier.parse(text)
        if key.algorithm == COSIGNATURE:
            raise NoteError(f"{key.name} is the key of a witness and not of a log")
        found[key.name] = (*found.get(key.name, ()), key)
    return found


def open_witness(folder: Path, name: str, logs: Logs, clock: Clock) -> Witness:
    """The witness of a state folder; its key and its memory are created where they are missing.

    Raises:
        ProblemError: KEYS_UNUSABLE.
        NoteError: ``name`` is no name of a key.
        sqlite3.Error: its memory cannot be read.
    """
    key = signing_key_file(folder / "witness-signing.pem")
    verifier = Verifier(name, key.public_key().public_bytes_raw(), COSIGNATURE)
    return Witness(Book(folder / "witness.db"), NoteSigner(verifier, key.sign), logs, clock)
