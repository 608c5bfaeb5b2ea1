"""Changes that are gathered leave the same rows as changes that are made one after the other."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.journal import statements as sql
from gateway.journal.claim_statements import CLAIM, ENLIST, FENCE, RELEASE
from gateway.journal.dialects import POSTGRES
from gateway.journal.postgres.errors import PostgresError
from gateway.journal.postgres.many import MANY
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.wire import Wire
from gateway.journal.session import NoSuchRowError
from gateway.journal.statement import Statement, creating
from gateway.journal.tables import claim, execution, plan, step

_OF_A_STATE = (CLAIM, FENCE, RELEASE)
"""Changes that hit a row in some states alone."""

_CHANGES = [one for one in MANY if one.postgres.sql.startswith("UPDATE") and one not in _OF_A_STATE]
_TABLES = (execution, plan, step, claim)
_ROWS = [Statement(select(table).order_by(*table.primary_key.columns)) for table in _TABLES]
_NAMES = st.sampled_from(["a", "b"])
_TEXTS = st.sampled_from(["", "NULL", '"x",{y}', "é\\"]) | st.none()
_REQUIRED = {column.name for table in _TABLES for column in table.columns if not column.nullable}
_WHOLE = {"direct": 1, "place": 1, "compensate": 0, "attempt": 1, "of_epoch": 1, "of_wake_seq": 1}


@pytest.fixture(scope="module")
def wire(postgres) -> Iterator[Wire]:
    url = postgres.create()
    with psycopg.connect(url, autocommit=True) as connection:
        for command in creating(dialect=POSTGRES):
            connection.execute(command.encode())
    made = Wire(url, "test")
    yield made
    made.close()


@st.composite
def changes(draw: st.DrawFn) -> tuple[Statement, dict[str, Any]]:
    """A change that may be made of many rows, with values for it."""
    statement = draw(st.sampled_from(_CHANGES))
    values: dict[str, Any] = {}
    for name in sorted(statement.postgres.required):
        if name in _WHOLE:
            values[name] = _WHOLE[name]
        elif name.startswith("of_"):
            values[name] = draw(_NAMES)
        elif name == "run_id":  # which no two executions share
            values[name] = None
        else:
            values[name] = draw(_TEXTS) or ("" if name in _REQUIRED else None)
    return statement, values


def made(wire: Wire, asked: list[tuple[Statement, dict[str, Any]]], *, together: bool) -> Any:
    """Whether the changes could be made, and the rows that they leave where they could."""
    session = PostgresSession(wire)
    session.command("BEGIN")
    try:
        for statement, values in asked:
            session.change_one(statement, **values)
            if not together:
                session.settle()
        return [session.all(rows) for rows in _ROWS]
    except (PostgresError, NoSuchRowError):
        return None
    finally:
        session.abandon()


def beginning() -> list[tuple[Statement, dict[str, Any]]]:
    """Executions, plans and claims of both names, and in each plan the steps of both."""
    asked: list[tuple[Statement, dict[str, Any]]] = []
    for name in ("a", "b"):
        asked += [_new(one, id=name) for one in (sql.INSERT_EXECUTION, sql.INSERT_PLAN)]
        asked += [_new(sql.INSERT_STEP, id=step_id, plan_id=name) for step_id in ("a", "b")]
        asked.append((ENLIST, {"run_id": name, "of_execution": name, "wake_at": "2026-01-01"}))
    return asked


def _new(statement: Statement, **given: str) -> tuple[Statement, dict[str, Any]]:
    required = statement.postgres.required
    return statement, {name: given.get(name, _WHOLE.get(name, "x")) for name in required}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes(), max_size=12))
def test_gathered_changes_leave_what_single_ones_do(
    wire: Wire, asked: list[tuple[Statement, dict[str, Any]]]
) -> None:
    asked = [*beginning(), *asked]
    alone = made(wire, asked, together=False)
    assert alone is not None
    assert made(wire, asked, together=True) == alone


@given(st.lists(changes(), max_size=3), st.sampled_from(_CHANGES), st.integers(0, 3))
def test_one_change_of_nothing_fails_all_of_them(
    wire: Wire, asked: list[tuple[Statement, dict[str, Any]]], wrong: Statement, place: int
) -> None:
    values: dict[str, Any] = {**dict.fromkeys(wrong.postgres.required, "x"), "run_id": None}
    values = {key: _WHOLE.get(key, values[key]) for key in wrong.postgres.required}
    asked = [*beginning(), *asked[:place], (wrong, values), *asked[place:]]
    assert made(wire, asked, together=True) is None


def test_what_the_property_begins_with_can_be_changed(wire: Wire) -> None:
    held = {"of_run": "a", "owner": "me", "lease_until": "2026-01-02", "now": "2026-01-01"}
    over = {"of_run": "a", "of_epoch": 1, "of_wake_seq": 1, "wake_at": None}
    longer = {"of_run": "a", "of_epoch": 1, "lease_until": "2026-01-03"}
    asked = [*beginning(), (CLAIM, held), (FENCE, longer)]
    rows = made(wire, asked, together=True)
    assert rows == made(wire, asked, together=False)
    assert [row[4] for row in rows[-1]] == ["2026-01-03", None]
    asked.append((RELEASE, over))
    rows = made(wire, asked, together=True)
    assert rows == made(wire, asked, together=False)
    assert [row[2:4] for row in rows[-1]] == [(None, 1), (None, 0)]
