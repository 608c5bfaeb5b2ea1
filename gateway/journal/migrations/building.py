"""What revisions are written with: tables and indexes in the few kinds of column that there are.

A revision says what its tables were when it was written and takes nothing from ``journal.tables``,
which goes on changing. These forms are compatibility data: a revision must always give the same.
"""

from typing import Any

from alembic import context, op
from sqlalchemy import Column, LargeBinary
from sqlalchemy import text as sql
from sqlalchemy.schema import SchemaItem

from gateway.journal.dialects import TEXT, WHOLE
from gateway.journal.migrations.running import FOLD_ANEW


def text_key(*names: str) -> list[Column[Any]]:
    """Columns of text in the primary key."""
    return [Column(name, TEXT, nullable=False, primary_key=True) for name in names]


def whole_key(*names: str) -> list[Column[Any]]:
    """Columns of whole numbers in the primary key."""
    return [Column(name, WHOLE, primary_key=True, autoincrement=False) for name in names]


def text(*names: str) -> list[Column[Any]]:
    """Columns of text."""
    return [Column(name, TEXT, nullable=False) for name in names]


def text_or_null(*names: str) -> list[Column[Any]]:
    """Columns of text that may be null."""
    return [Column(name, TEXT, nullable=True) for name in names]


def whole(*names: str) -> list[Column[Any]]:
    """Columns of whole numbers."""
    return [Column(name, WHOLE, nullable=False) for name in names]


def whole_or_null(*names: str) -> list[Column[Any]]:
    """Columns of whole numbers that may be null."""
    return [Column(name, WHOLE, nullable=True) for name in names]


def octets(*names: str) -> list[Column[Any]]:
    """Columns of bytes."""
    return [Column(name, LargeBinary, nullable=False) for name in names]


def create(name: str, *items: SchemaItem, **options: Any) -> None:
    """Create a table where it is missing; ``options`` are those of SQLAlchemy's ``Table``."""
    op.create_table(name, *items, if_not_exists=True, **options)


def index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    """Create an index where it is missing; ``where`` is the condition of a partial one.

    A column may be followed by ``DESC``. SQLite prefers the index that was created last among those
    that would serve, so the indexes of a table are created in the order of their names.
    """
    condition = sql(where) if where else None
    op.create_index(
        name,
        table,
        [sql(column) if " " in column else column for column in columns],
        unique=unique,
        if_not_exists=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def replace(name: str, copied: str, *items: SchemaItem, **options: Any) -> None:
    """Give a table other columns, in place of adding them at its end with a default.

    ``copied`` is what selects the new rows from ``earlier``, the table as it was. Its indexes are
    gone with it: create all of them anew. Whoever uses the table meanwhile waits.
    """
    if op.get_bind().dialect.name == "postgresql":  # on SQLite nobody else writes
        op.execute(sql(f'LOCK TABLE "{name}" IN ACCESS EXCLUSIVE MODE'))
    op.execute(sql(f'CREATE TABLE earlier AS SELECT * FROM "{name}"'))  # noqa: S608 - a revision's own
    op.drop_table(name)
    op.create_table(name, *items, **options)
    op.execute(sql(f'INSERT INTO "{name}" {copied}'))
    op.drop_table("earlier")


def fold_anew() -> None:
    """Have the projections and the tree folded anew from the entries, once all revisions ran.

    For SQLite alone. It reads the whole record: where a column can be filled in by SQL, do that.
    """
    context.config.attributes[FOLD_ANEW] = True
