"""The port behind which checkpoints leave the house: who takes one, and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint on its way out: the signed ``note``, and what it says.

    ``number`` counts the checkpoints of this record, ``text`` is what was signed.
    """

    number: int
    note: str
    text: str
    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What came back: ``answer`` is kept as the receipt, with the ``cosignature`` of a witness (a
    signature line without its line feed), if it is one."""

    answer: JsonObject = field(default_factory=dict)
    cosignature: str | None = None


class AnchorError(Exception):
    """A checkpoint was not taken; the message says why, without anything that the other side said.

    ``retry_after`` are the seconds that it asked to be left alone for.
    """

    def __init__(self, told: str, retry_after: float | None = None) -> None:
        super().__init__(told)
        self.retry_after = retry_after


class Anchor(Protocol):
    """Somewhere outside where a checkpoint is kept.

    Publishing one again must do no harm: a checkpoint is delivered at least once.
    """

    async def publish(self, checkpoint: SignedCheckpoint) -> Taken:
        """Hand over a checkpoint.

        Raises:
            AnchorError: it was not taken, and is to be tried again.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...


class History(Protocol):
    """The tree of the record, as far as anchors need it."""

    async def root(self, size: int) -> bytes | None:
        """The root of the first ``size`` entries; None where there are not so many."""
        ...

    async def proof(self, old: int, new: int) -> Sequence[bytes]:
        """The proof that the tree of ``new`` entries goes on from that of ``old``."""
        ...
