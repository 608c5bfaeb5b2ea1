"""A transparency log in memory, and a forked one: what witnesses and anchors are shown in tests."""

import base64
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.transparency import (
    Checkpoint,
    Frontier,
    NoteSigner,
    Verifier,
    complete_root,
    consistency_proof,
    leaf_hash,
    sign_note,
)

ORIGIN = "gateway.example.com/acme"


@dataclass
class SmallLog:
    """A log of ``leaves``, in which every tree is computed from the leaves."""

    origin: str = ORIGIN
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    leaves: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, salt: str = "") -> "SmallLog":
        log = cls()
        log.grow(count, salt)
        return log

    def grow(self, count: int, salt: str = "") -> None:
        start = len(self.leaves)
        self.leaves += [f"{salt}{number}".encode() for number in range(start, start + count)]

    def forked(self, at: int, count: int) -> "SmallLog":
        """A log under the same key that tells another story after ``at`` leaves."""
        other = SmallLog(self.origin, self.key, self.leaves[:at])
        other.grow(count - at, "forked ")
        return other

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.origin, self.key.public_key().public_bytes_raw())

    def node(self, level: int, index: int) -> bytes:
        first = index << level
        return complete_root([leaf_hash(one) for one in self.leaves[first : first + (1 << level)]])

    def root(self, size: int) -> bytes:
        tree = Frontier()
        for leaf in self.leaves[:size]:
            tree.append(leaf_hash(leaf))
        return tree.root()

    def text(self, size: int, *extensions: str) -> str:
        return str(Checkpoint(self.origin, size, self.root(size), extensions))

    def note(self, size: int, *extensions: str) -> str:
        return sign_note(self.text(size, *extensions), NoteSigner(self.verifier, self.key.sign))

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(old, new, self.node)

    def submission(self, old: int, new: int) -> bytes:
        """What is posted to a witness that has signed ``old`` leaves."""
        lines = [base64.b64encode(one).decode() + "\n" for one in self.proof(old, new)]
        return f"old {old}\n{''.join(lines)}\n{self.note(new)}".encode()
