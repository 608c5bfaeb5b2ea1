"""The key store in tables of PostgreSQL, which several processes share.

Changes come one after the other, by a lock, as in SQLite. A destroyed key is overwritten with NULL
at once; the earlier version of its row is removed from the table by a VACUUM before the destruction
counts as done. Write-ahead log, replicas and backups of the database still hold what was written
there, for as long as they are kept: docs/keys.md says how to bound that.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, LiteralString

import psycopg

from gateway.model.problem import ProblemError, refuse
from gateway.model.system import unusable_key
from gateway.postgres import Connection, SharedLock, database_of
from gateway.postgres.connection import Session
from gateway.postgres.locks import PROGRAM
from gateway.privacy.key_rows import DataKeyRow, SigningKeyRow
from gateway.privacy.key_store import VERSION, Destroyed, KeyStore
from gateway.privacy.postgres_key_tables import SCHEMA, TABLES

MOST_AT_ONCE = 10_000
"""How many destroyed keys are told by name; of more it is said that it may have been any."""

_PATIENCE = 10.0
"""Seconds in which what was overwritten must have left the tables."""

_STANDSTILL = "60s"
"""For how long a change may stand still: a key service may take half of that. One that was cut off
holds the lock of all changes, and its server may never learn that nobody is there."""

_SILENCE = 15.0
"""Seconds of silence after which a session counts as lost: more than a change waits for others."""

_CLEANING = 300.0
"""Those of a session that vacuums, which takes long where keys are many. The server goes on with
what it has begun, so that whoever asks again is sooner done."""

_CHANGE: LiteralString = f"SELECT pg_advisory_xact_lock({PROGRAM}, {SharedLock.KEYS_CHANGE:d})"
_ADDED: LiteralString = (
    "INSERT INTO data_key (id, workspace, subject, lifetime, wrapped, workspace_key, created_at,"
    " seals_until, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


_WITH_SECRETS: tuple[LiteralString, ...] = (
    *("data_key", "workspace_key", "commitment_key", "signing_key", "meta"),
)
_ROTATED: LiteralString = (
    "UPDATE meta SET value = (convert_from(value, 'UTF8')::bigint + 1)::text::bytea"
    " WHERE name = 'rotations'"
)
"""Said before a rotation begins, since it may break off at any point."""


class PostgresKeyStore(KeyStore):
    """A key store in the database ``url``, whose tables are made where they are missing.

    With ``alone`` it can be opened only while nobody else has it open, for rotation.
    """

    is_shared = True

    def __init__(self, url: str, *, alone: bool = False) -> None:
        """Open the store.

        Raises:
            ProblemError: KEYS_UNUSABLE, also where somebody else has it open and may not;
                SERVICE_UNAVAILABLE where the database cannot be asked.
        """
        self.place = f"{database_of(url)}, schema {SCHEMA}"
        self._url = url
        self._alone = alone
        self._rotations: int | None = None
        settings = {"search_path": SCHEMA, "synchronous_commit": "on", "lock_timeout": "10s"}
        settings["idle_in_transaction_session_timeout"] = _STANDSTILL
        # Whoever is alone rewrites tables, which takes as long as it takes.
        silence = None if alone else _SILENCE
        self.connection = Connection(url, "the key store", self._opened, settings, silence)
        self.lock = self.connection.lock
        try:
            self.connection.rows("SELECT 1")
        except ProblemError as error:
            if error.problem.code != "SERVICE_UNAVAILABLE":
                raise
            raise refuse("SERVICE_UNAVAILABLE", f"{self.place}: {error.problem.detail}") from error

    def _opened(self, session: Session) -> None:
        """Make a session ready: with the tables, and with the lock of whoever uses them.

        A session that replaces a lost one must find the keys as they were: a rotation, which waits
        for nobody that is cut off, may have destroyed what this process still knows.
        """
        _create(session, self.place)
        self._take_part(session)
        rotations = _number(session, "rotations")
        if self._rotations is not None and rotations != self._rotations:
            told = "had its keys rotated while this process was cut off from it. Start it anew"
            raise unusable_key(self.place, told)
        self._rotations = rotations

    def _take_part(self, session: Session) -> None:
        alone: LiteralString = "" if self._alone else "_shared"
        asked: LiteralString = f"SELECT pg_try_advisory_lock{alone}(%s, %s)"
        row = session.execute(asked, (PROGRAM, int(SharedLock.KEYS_IN_USE))).fetchone()
        if row is not None and row[0]:
            if self._alone:
                session.execute(_ROTATED)
            return
        if self._alone:
            told = "is in use. Stop every gateway and worker that has it open, then try again"
        else:
            told = "has its keys rotated just now. Start again when that is done"
        raise unusable_key(self.place, told)

    def close(self) -> None:
        """See ``KeyStore``."""
        self.connection.close()

    def transaction(self) -> AbstractContextManager[None]:
        """See ``KeyStore``."""
        return self.connection.transaction(_CHANGE)

    # --- data keys

    def add_data_keys(self, rows: Sequence[DataKeyRow]) -> None:
        """See ``KeyStore``. Safe to repeat, as after a commit of unknown outcome."""
        self._many(f"{_ADDED} ON CONFLICT (id) DO NOTHING", rows)

    def keep_data_keys(self, rows: Iterable[DataKeyRow]) -> None:
        """See ``KeyStore``."""
        wrapped_anew: LiteralString = (
            " ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped,"
            " workspace_key = excluded.workspace_key, seals_until = excluded.seals_until"
            " WHERE data_key.destroyed_at IS NULL AND excluded.wrapped IS NOT NULL"
        )
        self._many(f"{_ADDED}{wrapped_anew}", rows)

    def _many(self, sql: LiteralString, rows: Iterable[DataKeyRow]) -> None:
        given = [
            (
                *(row.id, row.workspace, row.subject, row.lifetime, row.wrapped),
                *(row.workspace_key, row.created_at, row.seals_until, row.expires_at),
            )
            for row in rows
        ]
        self.connection.run(lambda session: session.cursor().executemany(sql, given))

    def destroy(self, keys: Sequence[tuple[str, str]], at: str, reason: str) -> int:
        """See ``KeyStore``."""
        key_ids, workspaces = [one[0] for one in keys], [one[1] for one in keys]
        gone = self.connection.change(
            "UPDATE data_key SET wrapped = NULL, workspace_key = NULL, destroyed_at = %s,"
            " reason = %s, destruction = nextval('destruction')"
            " WHERE id = ANY(%s) AND destroyed_at IS NULL",
            (at, reason, key_ids),
        )
        self.connection.change(
            "INSERT INTO data_key (id, workspace, created_at, destroyed_at, reason, destruction)"
            " SELECT id, workspace, %s, %s, %s, nextval('destruction')"
            " FROM unnest(%s::text[], %s::text[]) AS key (id, workspace)"
            " ON CONFLICT (id) DO NOTHING",
            (at, at, reason, key_ids, workspaces),
        )
        return gone

    def not_destroyed(self, key_ids: Sequence[str]) -> list[str]:
        """See ``KeyStore``."""
        rows = self.connection.rows(
            "SELECT key FROM unnest(%s::text[]) AS key WHERE NOT EXISTS"
            " (SELECT 1 FROM data_key WHERE id = key AND destroyed_at IS NOT NULL)",
            (list(key_ids),),
        )
        return [row[0] for row in rows]

    def unknown(self, key_ids: Sequence[str]) -> list[str]:
        """See ``KeyStore``."""
        rows = self.connection.rows(
            "SELECT key FROM unnest(%s::text[]) AS key WHERE NOT EXISTS"
            " (SELECT 1 FROM data_key WHERE id = key)",
            (list(key_ids),),
        )
        return [row[0] for row in rows]

    def destroyed_since(self, mark: int) -> Destroyed:
        """See ``KeyStore``. Numbers are given under the lock of changes, so none comes late."""
        rows = self.connection.rows(
            "SELECT destruction, id FROM data_key WHERE destruction > %s"
            " ORDER BY destruction LIMIT %s",
            (mark, MOST_AT_ONCE + 1),
        )
        if len(rows) <= MOST_AT_ONCE:
            return Destroyed(rows[-1][0] if rows else mark, [row[1] for row in rows])
        (last,) = self._one("SELECT max(destruction) FROM data_key WHERE destruction IS NOT NULL")
        return Destroyed(last, None)

    # --- keys that sign

    def signing_keys(self) -> list[SigningKeyRow]:
        """See ``KeyStore``."""
        rows = self.connection.rows(
            "SELECT purpose, id, role, public, wrapped, root_key, created_at FROM signing_key"
            " ORDER BY created_at DESC, id"
        )
        return [SigningKeyRow(*row) for row in rows]

    def keep_signing_key(self, row: SigningKeyRow) -> None:
        """See ``KeyStore``."""
        self.connection.change(
            "INSERT INTO signing_key (purpose, id, role, public, wrapped, root_key, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (purpose, id) DO UPDATE SET"
            " role = excluded.role, wrapped = excluded.wrapped, root_key = excluded.root_key",
            (
                *(row.purpose, row.id, row.role, row.public),
                *(row.wrapped, row.root_key, row.created_at),
            ),
        )

    # --- leaving nothing behind

    def rewrite(self) -> None:
        """See ``KeyStore``."""
        for table in _WITH_SECRETS:
            self.connection.rows(f"VACUUM FULL {table}")

    def forget_log(self) -> None:
        """Remove earlier versions of rows, in which destroyed keys still stand; see ``KeyStore``.

        In a session of its own, so that nobody who seals or opens waits for it.
        """
        settings = {"search_path": SCHEMA}
        cleaner = Connection(self._url, "the key store", settings=settings, silence=_CLEANING)
        try:
            _wait_until(lambda: _is_clean(cleaner))
        finally:
            cleaner.close()

    def _all(self, sql: LiteralString, *given: object) -> list[Any]:
        return self.connection.rows(sql.replace("?", "%s"), given)

    def _change(self, sql: LiteralString, *given: object) -> int:
        return self.connection.change(sql.replace("?", "%s"), given)


def _create(session: Session, place: str) -> None:
    """Create the tables where there are none; of several processes at once one does."""
    try:
        with session.transaction():
            session.execute(_CHANGE)
            known = session.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.meta",)).fetchone()
            if known is None or known[0] is None:
                session.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
                session.execute(TABLES)
                noted = "INSERT INTO meta VALUES ('version', %s), ('rotations', '0')"
                session.execute(noted, (str(VERSION).encode(),))
    except psycopg.errors.InsufficientPrivilege as error:
        told = "has no tables, and this user may not create them. Let it, or create the schema"
        raise unusable_key(place, f"{told} with the user that owns the database") from error
    if _number(session, "version") != VERSION:
        raise unusable_key(place, "has another version. Start the release that wrote it")


def _number(session: Session, name: str) -> int:
    row = session.execute("SELECT value FROM meta WHERE name = %s", (name,)).fetchone()
    return int(row[0]) if row is not None else 0


def _is_clean(cleaner: Connection) -> bool:
    """Vacuum; returns whether no earlier version of a row is left.

    One stays while any transaction of the database began before it was overwritten.
    """
    cleaner.rows("VACUUM (INDEX_CLEANUP ON) data_key")
    ((dead,),) = cleaner.rows(
        "SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = %s AND relname = 'data_key'",
        (SCHEMA,),
    )
    return bool(dead == 0)


def _wait_until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_done():
        if time.monotonic() > deadline:
            told = "a transaction of the database that began before keeps them"
            raise TimeoutError(f"destroyed keys could not be removed: {told}")
        time.sleep(0.05)
