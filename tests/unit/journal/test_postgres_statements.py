"""Every statement of the record, and its tables, on real databases: PostgreSQL and SQLite."""

import gc
import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import ColumnElement, bindparam, literal, select, text

from gateway.dispatch.procrastinate import REMINDER
from gateway.dispatch.procrastinate_tables import create_schema
from gateway.journal import (
    accepting,
    approval_records,
    audit_history,
    continuing,
    homes,
    rights_records,
    sealed_entries,
    tables,
)
from gateway.journal.archives import removal
from gateway.journal.dialects import POSTGRES, SQLITE
from gateway.journal.functions import contains, field, holds, is_json, listed, listed_numbers
from gateway.journal.postgres import batch, foresight, heads, many, named
from gateway.journal.postgres.unit import _TELL_HOLDER
from gateway.journal.refold import _FREE_CLAIMS
from gateway.journal.statement import Statement, creating

_FILTERS = ("status", "execution_id", "risk", "requested_before", "decider")
_ONLY_SQLITE = {accepting._NO_BACKUP, continuing._VERSION}
_ONLY_POSTGRES = {
    _TELL_HOLDER,
    *(batch._INSERT, batch._NOW, heads._STORE),
    *(foresight._CLAIMS, foresight._HEADS, foresight._EXECUTIONS, foresight._THERE),
    *(foresight._STEPS, foresight._PLANS),
    *(named._HEADS, named._EXECUTIONS, named._PLANS),
    *(one.statement for one in many.MANY.values()),
    *(homes.PRESENT_HOME, homes.KEPT_HOME, homes.MOVE_HOME, homes.SERVING),
}
_REMINDER = Statement(text(REMINDER))
_JSON = '{"by":"ann","roles":["a","b"],"n":null,"é":"\\u00fc\\""}'


@pytest.fixture(scope="module")
def server(postgres) -> Iterator[psycopg.Connection]:
    url = postgres.create()
    with psycopg.connect(url, autocommit=True) as connection:
        for command in creating(dialect=POSTGRES):
            connection.execute(command.encode())
        connection.execute(homes.HOME_TABLES.encode())
        create_schema(connection)
        for statement in removal.TEMPORARY:
            connection.execute(statement.postgres.sql.encode())
        yield connection


def every_statement() -> list[Statement]:
    """Those that modules hold, and those that are made when they are first asked for."""
    for texts in range(3):
        audit_history._entries(texts)
    for chosen in (frozenset(), frozenset(_FILTERS), *(frozenset({name}) for name in _FILTERS)):
        approval_records.listing(chosen)
    for listing in (rights_records._ERASURES, rights_records._HOLDS, rights_records._CONSENTS):
        for name in listing._filters:
            listing.of(frozenset({name}))
        listing.of(frozenset())
    gc.unfreeze()  # what was imported too
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, Statement)]
    gc.freeze()  # as it was: the tests that follow do not look through what was imported
    # A rebuild is for SQLite to do, and what makes tables cannot be prepared.
    others = {_FREE_CLAIMS, accepting._HOME, *removal.TEMPORARY, *removal.DROPPING}
    return [one for one in held if one not in others]


def _is_reminder(statement: Statement) -> bool:
    """Whether it is the reminder here, or one that a journal of another test has made of it."""
    return statement.postgres.sql == _REMINDER.postgres.sql


def test_postgres_takes_every_statement(server: psycopg.Connection) -> None:
    statements = [one for one in every_statement() if one not in _ONLY_SQLITE]
    assert len(statements) > 150
    assert _REMINDER in statements

    wrong: list[str] = []
    for number, statement in enumerate(statements):
        form = statement.on(POSTGRES)
        try:
            server.execute(f"PREPARE s{number} AS {form.sql}".encode())
        except psycopg.Error as error:
            wrong.append(f"{error}\n{form.sql}")
    assert wrong == []


def asked_of_many(postgres, rows: str, statement: Statement, asked: str) -> tuple[str, list[Any]]:
    """How PostgreSQL runs a statement where 20,000 ``rows`` are, which its memory does not hold;
    and the first column of what it finds."""
    table = rows.split()[0]
    with psycopg.connect(postgres.create(), autocommit=True) as server:
        for command in creating(dialect=POSTGRES):
            server.execute(command.encode())
        server.execute(f"INSERT INTO {rows} FROM generate_series(1, 20000) AS n".encode())
        server.execute(f"ANALYZE {table}".encode())
        server.execute(b"SET work_mem = '64kB'")
        server.execute(f"PREPARE asked AS {statement.postgres.sql}".encode())
        asking = f"EXECUTE asked('{asked}')"
        plan = "\n".join(line for (line,) in server.execute(f"EXPLAIN {asking}".encode()))
        return plan, [row[0] for row in server.execute(asking.encode())]


def test_entries_at_positions_are_looked_up_by_them(postgres) -> None:
    rows = "entry SELECT n, 'c', n, 2, 'at', 'call.failed', 'w', NULL, 'a', '{}', '', ''"
    plan, found = asked_of_many(postgres, rows, sealed_entries._AT, "[19990, 7, 30000]")
    assert found == [7, 19990]
    assert re.search(r'on entry\b.*\n *Index Cond: \("position" = ', plan), plan


def test_destroyed_keys_are_not_gone_through_for_each_key(postgres) -> None:
    rows = "privacy_condemned SELECT 'key_' || md5(n::text), 'w', 'retention'"
    destroyed = "key_" + hashlib.md5(b"7", usedforsecurity=False).hexdigest()
    asked = f'["key_1", "{destroyed}", "key_2"]'
    plan, found = asked_of_many(postgres, rows, rights_records._UNCONDEMNED, asked)
    assert sorted(found) == ["key_1", "key_2"]
    assert "SubPlan" not in plan, plan
    assert "Anti Join" in plan, plan


def test_sqlite_takes_every_statement() -> None:
    database = sqlite3.connect(":memory:")
    for command in creating(dialect=SQLITE):
        database.execute(command)
    for temporary in removal.TEMPORARY:
        database.execute(temporary.sqlite.sql)
    wrong: list[str] = []
    for statement in {*every_statement()} - _ONLY_POSTGRES:
        if _is_reminder(statement):
            continue
        form = statement.on(SQLITE)
        try:
            database.execute(f"EXPLAIN {form.sql}", [None] * len(form.names))
        except sqlite3.Error as error:
            wrong.append(f"{error}\n{form.sql}")
    database.close()
    assert wrong == []


def test_the_parameters_of_a_statement_are_numbered_as_they_are_bound() -> None:
    for statement in every_statement():
        form = statement.on(POSTGRES)
        assert len(set(form.names)) == len(form.names)
        assert f"${len(form.names) + 1}" not in form.sql
        assert all(f"${number + 1}" in form.sql for number in range(len(form.names)))
        if statement not in _ONLY_POSTGRES:
            assert statement.on(SQLITE).required == form.required


def test_the_tables_order_text_by_its_bytes_and_hold_whole_numbers_of_64_bits(
    server: psycopg.Connection,
) -> None:
    rows = server.execute(
        "SELECT table_name, column_name, data_type, collation_name, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'"
    ).fetchall()
    rows = [row for row in rows if row[0] != "home" and not row[0].startswith("procrastinate_")]
    assert {row[0] for row in rows} == set(tables.metadata.tables)
    kinds = {("text", "C", None), ("bigint", None, None), ("bytea", None, None)}
    assert {row[2:] for row in rows} == kinds


_document = bindparam("document")
_asked = (
    (field(_document, "by"), {}),
    (field(_document, "roles"), {}),
    (field(_document, "n"), {}),
    (field(_document, "missing"), {}),
    (is_json(_document), {}),
    (contains(_document, bindparam("part")), {"part": '"by":'}),
    (contains(_document, bindparam("part")), {"part": "BY"}),
)
_lists = (
    (holds(_document, "", "one"), {"document": '["ann","bob"]', "one": "bob"}),
    (holds(_document, "", "one"), {"document": '["ann","bob"]', "one": "bo"}),
    (holds(_document, "by", "one"), {"document": '[{"by":"ann"},{"by":"ü"}]', "one": "ü"}),
    (holds(_document, "by", "one"), {"document": "[]", "one": "ü"}),
    (literal("b").in_(listed("texts")), {"texts": '["a","b"]'}),
    (literal(7).in_(listed_numbers("numbers")), {"numbers": "[1,70,7]"}),
    (is_json(_document), {"document": '{"by":'}),
)


@pytest.mark.parametrize(
    ("element", "values"),
    [*((one, {"document": _JSON, **more}) for one, more in _asked), *_lists],
)
def test_both_databases_answer_alike(
    server: psycopg.Connection, element: ColumnElement[object], values: dict[str, str]
) -> None:
    statement = Statement(select(element))
    here = statement.on(SQLITE)
    with closing(sqlite3.connect(":memory:")) as database:
        (told,) = database.execute(here.sql, here.bind(**values)).fetchone()
    there = statement.on(POSTGRES)
    cursor = psycopg.RawCursor(server)
    (found,) = cursor.execute(there.sql.encode(), there.bind(**values)).fetchone()
    assert found == told
