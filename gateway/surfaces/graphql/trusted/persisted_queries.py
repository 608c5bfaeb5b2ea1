"""Automatic persisted queries: texts that clients themselves put under their SHA-256.

The protocol is Apollo's: a client sends the hash; where it is not known (PERSISTED_QUERY_NOT_FOUND)
it sends hash and text, and from then on the hash alone. This saves bytes and makes nothing safer,
so it has nothing to do with trust. What is kept is bounded, and only valid documents are.
"""

import sys

from gateway.surfaces.graphql.kept import KeptBySize

_BYTES_AN_ENTRY = 300
"""What an entry takes beside its text."""


class PersistedQueries:
    """The texts that were used last, by the hexadecimal digits of their SHA-256."""

    def __init__(self, most_bytes: int) -> None:
        self._texts: KeptBySize[str] = KeptBySize(most_bytes)

    @property
    def kept_bytes(self) -> int:
        """The estimated size of the texts that are kept."""
        return self._texts.bytes

    def get(self, digits: str) -> str | None:
        """The text of this hash, if it is kept."""
        return self._texts.get(digits)

    def keep(self, digits: str, text: str) -> None:
        """Keep a text; ``digits`` were compared with it. Those used longest ago make room."""
        self._texts.put(digits, text, sys.getsizeof(text) + _BYTES_AN_ENTRY)
