"""Values on the wire: PostgreSQL's text format, to and from Python."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from psycopg.pq.abc import PGresult

from gateway.model.problem import refuse

Row: TypeAlias = tuple[Any, ...]

_BOOL, _BYTEA, _INT8, _INT2, _INT4, _NUMERIC = 16, 17, 20, 21, 23, 1700


def _bytea(stored: bytes) -> bytes:
    return bytes.fromhex(stored[2:].decode("ascii"))


def _bool(stored: bytes) -> bool:
    return stored == b"t"


_READ: Mapping[int, Callable[[bytes], Any]] = {
    _BOOL: _bool,
    _BYTEA: _bytea,
    _INT8: int,
    _INT2: int,
    _INT4: int,
    _NUMERIC: int,  # sums and counts over bigint; nothing here is a fraction
}


def parameter(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it; a tuple is an array.

    Raises:
        ProblemError: VALIDATION_FAILED for text with a NUL character, which it cannot hold.
    """
    if value is None:
        return None
    if isinstance(value, str):
        require_storable(value)
        return value.encode()
    if isinstance(value, int):  # also True and False, which are stored as numbers
        return b"%d" % value
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode("ascii")
    if isinstance(value, tuple):
        return b"{%s}" % b",".join(_element(one) for one in value)
    raise TypeError(f"{type(value).__name__} is no value of a column")


def _element(value: str | int | None) -> bytes:
    """A value within an array: text in quotation marks, for NULL or a comma may be text too."""
    if value is None:
        return b"NULL"
    if isinstance(value, int):
        return b"%d" % value
    require_storable(value)
    return b'"%s"' % value.replace("\\", "\\\\").replace('"', '\\"').encode()


def is_storable(text: str) -> bool:
    """False for text with a NUL character, which PostgreSQL cannot hold."""
    return "\0" not in text


def require_storable(text: str) -> None:
    """Refuse text that PostgreSQL cannot hold.

    Raises:
        ProblemError: VALIDATION_FAILED where there is a NUL character in it.
    """
    if not is_storable(text):
        raise refuse("VALIDATION_FAILED", "A text holds the character U+0000. Leave it out.")


def rows_of(result: PGresult) -> list[Row]:
    """The rows of a result, in order."""
    columns = [
        (place, _READ.get(result.ftype(place), bytes.decode)) for place in range(result.nfields)
    ]
    get = result.get_value
    return [
        tuple(
            [
                None if (stored := get(number, place)) is None else reading(stored)
                for place, reading in columns
            ]
        )
        for number in range(result.ntuples)
    ]
