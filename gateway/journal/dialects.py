"""The databases that the record is written for, as SQLAlchemy compiles statements for them."""

from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

SQLITE: Dialect = sqlite.dialect(paramstyle="qmark")
"""SQLite, with ``?`` for each parameter."""

POSTGRES: Dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # so in SQLAlchemy
"""PostgreSQL, with ``$1`` to ``$n``, as libpq takes them: a name that repeats has one number."""

TEXT: TypeEngine[Any] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text in the order of its bytes."""


class _Json(Text):
    """Text that is known to be JSON."""


JSON: TypeEngine[Any] = _Json().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""JSON as text, of any length."""

WHOLE: TypeEngine[Any] = Integer().with_variant(BigInteger(), "postgresql")
"""A whole number of 64 bits."""


def holds_json(kind: TypeEngine[Any]) -> bool:
    """True for the type of a column that is declared as ``JSON``."""
    return isinstance(kind, _Json)
