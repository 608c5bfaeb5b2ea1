"""Heads that come again: a caller sends the same headers with each request of a connection.

What is parsed once need not be parsed again. A head is known by its bytes, all of which must be the
same but for the number in ``content-length``, so that nothing in it can mean anything else.
"""

from typing import Any

from starlette.types import Scope

_KNOWN = "gateway.known_head"
"""The key of a known head in the ASGI scope of a request."""

_STATE = "state"

_END = b"\r\n\r\n"
_LENGTH = b"content-length"
_MOST_DIGITS = 9
_LONGEST = 4096
"""The bytes of a head that is worth keeping: a connection keeps it as long as it is there."""

_UNUSUAL = frozenset({b"transfer-encoding", b"expect"})

_Headers = list[tuple[bytes, bytes]]


class KnownHead:
    """The head of a POST on a connection that is kept: how it is written, and the ASGI ``scope``
    that it opens. ``place`` is that of ``content-length`` among its headers."""

    __slots__ = (
        *("_after", "_at", "_before", "_dicts", "_digits", "_found", "_headers", "_place"),
        "_scope",
    )

    def __init__(self, before: bytes, after: bytes, scope: Scope, place: int) -> None:
        self._before = before
        self._after = after
        self._at = len(before)
        self._place = place
        self._headers: _Headers = [*scope["headers"]]
        self._digits = self._headers[place][1]
        self._found: dict[str, Any] = {}
        self._scope: Scope = {**scope, _STATE: None, _KNOWN: self}
        self._dicts = [
            (name, {**value}) for name, value in self._scope.items() if type(value) is dict
        ]

    def body_in(self, data: bytes) -> bytes | None:
        """The body of the request that ``data`` is, head and body, if it has this head."""
        if not data.startswith(self._before):
            return None
        end = data.find(b"\r", self._at, self._at + _MOST_DIGITS + 1)
        if end < 0 or not data.startswith(self._after, end):
            return None
        digits, start = data[self._at : end], end + len(self._after)
        if not digits.isdigit() or int(digits) != len(data) - start:
            return None
        if digits != self._digits:
            self._digits = digits
            self._headers = [*self._headers]
            self._headers[self._place] = (_LENGTH, digits)
        return data[start:]

    def scope(self, state: dict[str, Any]) -> Scope:
        """The ASGI scope of the request whose body was found last: what an application changes in
        it is of no concern to the next."""
        scope = {**self._scope, "headers": [*self._headers], _STATE: state}
        for name, value in self._dicts:
            scope[name] = {**value}
        return scope

    def found(self, headers: object) -> dict[str, Any] | None:
        """What was found of the head, to be added to, unless its headers were changed since."""
        return self._found if headers == self._headers else None


def found_before(scope: Scope) -> dict[str, Any] | None:
    """What an application found of the head of this request when it came before, by names of its
    own, and may add to. None where the head is not known. The length of the body is another."""
    known: KnownHead | None = scope.get(_KNOWN)
    return known.found(scope["headers"]) if known is not None else None


def known_head(data: bytes, url: bytes, scope: Scope) -> KnownHead | None:
    """The head that ``data`` begins with, if it is usual, and so written that reading its lines one
    by one gives just the ``url`` and the headers (names in lower case) that a parser found."""
    headers: _Headers = scope["headers"]
    names = [name for name, _ in headers]
    if not 0 <= data.find(_END) < _LONGEST:
        return None
    if names.count(_LENGTH) != 1 or not _UNUSUAL.isdisjoint(names):
        return None
    first, *lines = data.partition(_END)[0].split(b"\r\n")
    if first != b"POST %b HTTP/1.1" % url or [_field(line) for line in lines] != headers:
        return None
    place = names.index(_LENGTH)
    line, digits = lines[place], headers[place][1]
    if not digits or not line.endswith(digits):
        return None
    before = b"\r\n".join([first, *lines[:place], line[: -len(digits)]])
    after = b"\r\n".join([b"", *lines[place + 1 :]]) + _END
    return KnownHead(before, after, scope, place)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")
