"""A witness, asked to cosign (C2SP tlog-witness, https://c2sp.org/tlog-witness)."""

import base64
import logging
import re
from datetime import UTC, datetime

from gateway.anchoring.anchor import AnchorError, History, SignedCheckpoint, Taken
from gateway.anchoring.exchange import Exchange, Reply
from gateway.anchoring.targets import WitnessTarget
from gateway.transparency import NoteError, Signature, Verifier, parse_note

_ROUNDS = 4
"""How often a witness may name another size in one attempt: others may submit as well."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
_CONFLICT, _UNPROCESSABLE = 409, 422
_WHY = {
    400: "takes the request for malformed",
    403: "does not know the key that signs our checkpoints",
    404: "does not know this log",
    413: "finds the request too large",
}

_log = logging.getLogger(__name__)


class Cosigner:
    """Has a witness cosign checkpoints, and verifies what it gives."""

    def __init__(self, target: WitnessTarget, exchange: Exchange, history: History) -> None:
        self._target = target
        self._exchange = exchange
        self._history = history
        self._size = 0  # what the witness has; it says so itself where that is wrong

    async def publish(self, checkpoint: SignedCheckpoint) -> Taken:
        """Have the checkpoint cosigned. One that the witness has gone beyond is only told so.

        Raises:
            AnchorError: the witness did not cosign it.
        """
        for _ in range(_ROUNDS):
            if self._size > checkpoint.size:
                return await self._overtaken(checkpoint)
            reply = await self._submit(checkpoint)
            if reply.is_success:
                signature, at = cosignature_in(reply.body, checkpoint.text, self._target.key)
                self._size = checkpoint.size
                return Taken({"at": at}, signature.line().removesuffix("\n"))
            self._heed(reply)
        raise AnchorError("The witness names another size each time.")

    async def close(self) -> None:
        """Close all connections."""
        await self._exchange.close()

    async def _submit(self, checkpoint: SignedCheckpoint) -> Reply:
        proof = await self._history.proof(self._size, checkpoint.size)
        lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
        body = f"old {self._size}\n{lines}\n{checkpoint.note}".encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        return await self._exchange.post(f"{self._target.url}/add-checkpoint", body, headers)

    def _heed(self, reply: Reply) -> None:
        """Go on from the size that the witness names, or tell why it refuses.

        Raises:
            AnchorError: it refuses.
        """
        if reply.status == _UNPROCESSABLE:
            raise self._split(f"has seen another tree of {self._size} entries than ours")
        if reply.status != _CONFLICT:
            why = _WHY.get(reply.status, f"answered {reply.status}")
            raise AnchorError(f"The witness {why}.")
        named = _SIZE.fullmatch(reply.body)
        if named is None:
            raise AnchorError("The witness answered 409 without a size.")
        if int(named[1]) == self._size:
            raise self._split(f"has seen another tree of {self._size} entries than ours")
        self._size = int(named[1])

    async def _overtaken(self, checkpoint: SignedCheckpoint) -> Taken:
        """The witness has signed a later checkpoint of ours, and signs no earlier one."""
        size = self._size
        if await self._history.root(size) is None:
            raise self._split(f"has signed {size} entries and the record has fewer: some were lost")
        told = "witness %s has gone beyond checkpoint %d: it has signed %d entries"
        _log.warning(told, self._target.id, checkpoint.number, size)
        return Taken({"overtakenAt": size})

    def _split(self, told: str) -> AnchorError:
        """What nobody should sleep through: there are two histories of one record."""
        _log.error("witness %s %s", self._target.id, told)
        self._size = 0
        return AnchorError(f"The witness {told}.")


def cosignature_in(lines: bytes, text: str, key: Verifier) -> tuple[Signature, int]:
    """The cosignature of ``key`` over ``text`` among signature lines, and its time (seconds since
    1970). Those of other keys are ignored.

    Raises:
        AnchorError: there is none that holds.
    """
    try:
        note = parse_note(f"{text}\n".encode() + lines)
    except NoteError as error:
        raise AnchorError(f"The witness answered with no signature lines ({error}).") from None
    for signature in note.signatures if note.text == text else ():
        if key.wrote(signature):
            try:
                at = key.check(text, signature)
            except NoteError as error:
                raise AnchorError(f"The witness gave a false cosignature: {error}.") from None
            if at is not None:
                _require_calendar(at)
                return signature, at
    raise AnchorError("The witness answered without a cosignature of its key.")


def _require_calendar(at: int) -> None:
    """Refuse a time that cannot be shown as a date: nobody could ask for the checkpoint then."""
    try:
        datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        told = f"The witness gave a cosignature of a time beyond all calendars ({at} s since 1970)."
        raise AnchorError(told) from None
