"""Whose signature counts: the keys that were given, and those that they endorse."""

from collections.abc import Sequence

from gateway.journal.checkpoint_lines import Line, public_key_of, signer_among


class Trust:
    """The keys that count from one checkpoint to the next.

    A checkpoint that endorses a successor is the last that its own key may sign, so a key that was
    stolen after it had been rotated signs nothing that is believed.
    """

    def __init__(self, public_keys: Sequence[str]) -> None:
        """``public_keys`` are PEM texts or verifier keys.

        Raises:
            ValueError: one of them is no Ed25519 public key.
        """
        self._now = list(dict.fromkeys(map(public_key_of, public_keys)))
        self._ever = list(self._now)

    def signer(self, line: Line) -> bytes | None:
        """The key that signed the next checkpoint, None where no trusted one did."""
        return signer_among(line, self._now)

    def ever_signer(self, line: Line) -> bytes | None:
        """The key that signed it, of all that were trusted at any time."""
        return signer_among(line, self._ever)

    def follow(self, line: Line, signer: bytes) -> None:
        """Go on to whatever comes after a checkpoint that ``signer`` signed."""
        if line.successor is None:
            return
        following = line.successor.public_key
        self._now = [key for key in self._now if key not in {signer, following}] + [following]
        self._ever = list(dict.fromkeys([*self._ever, following]))
