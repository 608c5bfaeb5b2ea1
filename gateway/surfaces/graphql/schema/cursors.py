"""Cursors as clients hold them: opaque, of one version, of one list, and read strictly."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from gateway.model.problem import Issue, ProblemError, invalid

VERSION = 1
"""The form of what stands in a cursor; another one gets another number."""

LONGEST = 4096
"""How many characters a cursor may have."""

_WRITTEN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Cursors:
    """The cursors of the list that the contract ``key`` is, in any of its versions.

    A cursor is the base64url form (RFC 4648, section 5, without padding) of its version, a mark of
    the list and a place in it. The mark keeps a cursor from being taken for one of another list. It
    is no signature: a place allows nothing that a caller could not ask for without it.
    """

    __slots__ = ("_head",)

    def __init__(self, key: str) -> None:
        self._head = bytes([VERSION]) + sha256(key.encode()).digest()[:3]

    def write(self, place: str) -> str:
        """The cursor of a place."""
        return urlsafe_b64encode(self._head + place.encode()).decode().rstrip("=")

    def read(self, cursor: str, argument: str) -> str:
        """The place that a cursor stands for; ``argument`` is the one that it came by.

        Raises:
            ProblemError: VALIDATION_FAILED for what this list never gave.
        """
        if len(cursor) > LONGEST or not _WRITTEN.fullmatch(cursor):
            raise not_a_cursor(argument)
        try:
            found = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            place = found[len(self._head) :].decode()
        except ValueError:  # no base64, or no UTF-8
            raise not_a_cursor(argument) from None
        if not found.startswith(self._head) or self.write(place) != cursor:
            raise not_a_cursor(argument)
        return place


def not_a_cursor(argument: str) -> ProblemError:
    """VALIDATION_FAILED for a cursor that its list never gave."""
    told = "must be a cursor that this field gave; leave it out to begin at the front"
    return invalid([Issue(f"/{argument}", "INVALID_FORMAT", told)])
