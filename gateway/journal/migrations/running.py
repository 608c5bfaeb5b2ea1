"""Running Alembic's revisions on a connection, within the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.ddl.sqlite import SQLiteImpl
from sqlalchemy import Column, Connection, Dialect, MetaData, Table
from sqlalchemy.types import TypeDecorator, TypeEngine

from gateway.journal.dialects import WHOLE
from gateway.journal.schema_version import is_outdated, require_version
from gateway.journal.tables import SCHEMA_VERSION

FOLDER = Path(__file__).parent
"""Where Alembic finds ``env.py`` and the revisions."""

FOLD_ANEW = "fold_anew"
"""The attribute of Alembic's configuration by which a revision asks for what only code can do:
folding the projections and the tree anew from the entries."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration found and left: versions of the tables; ``before`` is None where there were
    none."""

    before: int | None
    after: int = SCHEMA_VERSION


def is_behind(found: Sequence[int] | None, database: str) -> bool:
    """Whether revisions are to be run: on no tables (None), or on older ones.

    Raises:
        ProblemError: DATABASE_UNKNOWN_VERSION.
    """
    if found is None or is_outdated(found):
        return True
    require_version(found, database)
    return False


def run_revisions(connection: Connection, to: str = "head") -> bool:
    """Run every revision up to ``to`` that the database lacks; returns whether one of them asks for
    folding anew. The transaction is the caller's."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return FOLD_ANEW in config.attributes


def configuration() -> Config:
    """Alembic's configuration; there is no file of it."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


# --- the version, which stands in a table of our own as a whole number


class _Version(TypeDecorator[str]):
    """A whole number in the database, and to Alembic the text that revisions have as their id."""

    impl = WHOLE
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(value)


def _version_table(version_table: str) -> Table:
    stored: TypeEngine[str] = _Version()
    number = Column(
        *("schema_version", stored), key="version_num", primary_key=True, autoincrement=False
    )
    return Table(version_table, MetaData(), number)


class _OnSqlite(SQLiteImpl):
    __dialect__ = "sqlite"

    def version_table_impl(self, *, version_table: str, **_: Any) -> Table:
        return _version_table(version_table)


class _OnPostgres(PostgresqlImpl):
    __dialect__ = "postgresql"

    def version_table_impl(self, *, version_table: str, **_: Any) -> Table:
        return _version_table(version_table)
