"""Whose signature counts: the keys that were given, and those that they endorse."""

from collections.abc import Sequence

from gateway.journal.checkpoint_lines import Line, signer_among, trusted_key


class Trust:
    """The keys that count from one checkpoint to the next.

    A checkpoint that endorses a successor is the last that its own key may sign, so a key that was
    stolen after it had been rotated signs nothing that is believed. Where all keys that were given
    name the record that they are trusted for, ``origins`` are those names, and no other counts: the
    owner of the key could have begun another record with it.
    """

    def __init__(self, public_keys: Sequence[str]) -> None:
        """``public_keys`` are PEM texts or verifier keys.

        Raises:
            ValueError: one of them is no Ed25519 public key.
        """
        given = [trusted_key(text) for text in public_keys]
        origins = [one.origin for one in given if one.origin is not None]
        self.origins = frozenset(origins if len(origins) == len(given) else ())
        self._now = list(dict.fromkeys(one.public_key for one in given))
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
