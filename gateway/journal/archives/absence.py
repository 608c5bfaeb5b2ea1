"""Which entries of a stretch are not in the database: one bit for each position."""

import base64
import binascii
import zlib
from collections.abc import Iterable, Iterator


class Absence:
    """The positions of ``first`` to ``last`` whose entries were removed.

    Its text, which an entry of the record holds, is base64 of the zlib stream of the bits, the
    lowest position in the lowest bit of the first byte; it is empty where nothing was removed.
    """

    __slots__ = ("_bits", "first", "last")

    def __init__(self, first: int, last: int, text: str = "") -> None:
        """What ``text`` says of a stretch.

        Raises:
            ValueError: it is no such text for a stretch of this length.
        """
        self.first, self.last = first, last
        size = (last - first + 8) // 8
        self._bits = bytearray(_unpacked(text, size) if text else bytes(size))
        spare = size * 8 - (last - first + 1)
        if self._bits[-1] >> (8 - spare):
            raise ValueError("it speaks of positions behind the stretch")

    def __str__(self) -> str:
        if not any(self._bits):
            return ""
        return base64.b64encode(zlib.compress(bytes(self._bits), 9)).decode()

    def __contains__(self, position: int) -> bool:
        if not self.first <= position <= self.last:
            return False
        place, bit = divmod(position - self.first, 8)
        return bool(self._bits[place] >> bit & 1)

    def __iter__(self) -> Iterator[int]:
        for place, held in enumerate(self._bits):
            if held:
                begin = self.first + place * 8
                yield from (begin + bit for bit in range(8) if held >> bit & 1)

    def __len__(self) -> int:
        return int.from_bytes(self._bits).bit_count()

    def add(self, positions: Iterable[int]) -> None:
        """These positions, which lie within the stretch, are empty from now on."""
        for position in positions:
            place, bit = divmod(position - self.first, 8)
            self._bits[place] |= 1 << bit

    def discard(self, positions: Iterable[int]) -> None:
        """These positions, which lie within the stretch, are filled again."""
        for position in positions:
            place, bit = divmod(position - self.first, 8)
            self._bits[place] &= ~(1 << bit)


def _unpacked(text: str, size: int) -> bytes:
    try:
        stream = zlib.decompressobj()
        bits = stream.decompress(base64.b64decode(text, validate=True), size + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError("it is no list of positions") from error
    if len(bits) != size or not stream.eof:
        raise ValueError("it is of another stretch")
    return bits
