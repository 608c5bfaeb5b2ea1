"""Changes of single rows that are sent many rows at a time."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gateway.journal import statements as sql
from gateway.journal.dialects import POSTGRES
from gateway.journal.postgres import gathering, session
from gateway.journal.postgres.gathering import Gathering
from gateway.journal.postgres.many import MANY
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.wire import Wire
from gateway.journal.session import NoSuchRowError
from gateway.journal.statement import Statement, creating
from gateway.model.problem import ProblemError

_AT = "2026-01-01T00:00:00.000000Z"


class Watched(Wire):
    """A wire that keeps what is sent."""

    def __init__(self, url: str, name: str) -> None:
        self.sent: list[str] = []
        super().__init__(url, name)

    def send(self, sql: str, values: Any = ()) -> int:
        self.sent.append(sql)
        return super().send(sql, values)


@pytest.fixture(scope="module")
def url(postgres) -> str:
    made: str = postgres.create()
    with psycopg.connect(made, autocommit=True) as connection:
        for command in creating(dialect=POSTGRES):
            connection.execute(command.encode())
    return made


@pytest.fixture
def wire(url: str) -> Iterator[Watched]:
    made = Watched(url, "test")
    made.sent = []
    made.send("BEGIN")
    yield made
    made.close()  # which undoes it


def plan(number: int) -> dict[str, Any]:
    given = {"id": f"p{number}", "execution_id": f"e{number}", "hash": "", "steps": "", "edges": ""}
    return {**given, "compiler": "", "planner_model": None, "compensate": 0, "compiled_at": _AT}


def touched(name: str, at: str = _AT) -> dict[str, str]:
    return {"of_id": name, "updated_at": at}


def moved(name: str, status: str) -> dict[str, str]:
    return {**touched(name), "status": status}


def test_changes_of_one_row_keep_their_order_and_those_of_others_go_together() -> None:
    gathered = Gathering()
    for name in ("a", "b"):
        assert gathered.add(sql.EXECUTION_MOVED, moved(name, "running"))
        assert gathered.add(sql.EXECUTION_TOUCHED, touched(name))
    assert gathered.add(sql.EXECUTION_TOUCHED, touched("c"))
    assert gathered.add(sql.EXECUTION_MOVED, moved("c", "running"))
    taken = [(statement, [row[-1] for row in rows]) for statement, rows in gathered.take()]
    assert taken == [
        (sql.EXECUTION_MOVED, ["a", "b"]),
        (sql.EXECUTION_TOUCHED, ["c"]),
        (sql.EXECUTION_TOUCHED, ["a", "b"]),
        (sql.EXECUTION_MOVED, ["c"]),
    ]
    assert not gathered


def test_a_change_that_reads_another_row_comes_after_what_was_done_to_that() -> None:
    gathered = Gathering()
    gathered.add(sql.EXECUTION_TOUCHED, touched("e"))
    enlist = next(one for one in MANY if one.postgres.sql.startswith("INSERT INTO claim"))
    gathered.add(enlist, {"run_id": "r", "of_execution": "e", "wake_at": _AT})
    assert [statement for statement, _ in gathered.take()] == [sql.EXECUTION_TOUCHED, enlist]


def test_one_statement_is_given_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "ROWS", 2)
    gathered = Gathering()
    for name in "abcde":
        gathered.add(sql.EXECUTION_TOUCHED, touched(name))
    assert [len(rows) for _, rows in gathered.take()] == [2, 2, 1]


def test_a_step_whose_plan_is_not_named_is_changed_by_itself() -> None:
    named = {
        "of_execution": "e",
        "of_step": "s",
        "updated_at": _AT,
        "output": None,
        "ended_at": _AT,
    }
    gathered = Gathering()
    assert not gathered.add(sql.STEP_COMPLETED, {**named, "of_plan": None})
    assert gathered.add(sql.STEP_COMPLETED, {**named, "of_plan": "p"})


def test_what_cannot_be_a_change_is_told_where_it_is_made() -> None:
    gathered = Gathering()
    with pytest.raises(ProblemError):
        gathered.add(sql.EXECUTION_TOUCHED, touched("e", at="\0"))
    with pytest.raises(TypeError):
        gathered.add(sql.EXECUTION_TOUCHED, {**touched("e"), "more": "x"})
    assert not gathered


def test_changes_are_sent_before_whatever_must_see_them(wire: Watched) -> None:
    records = PostgresSession(wire)
    for number in range(3):
        records.change_one(sql.INSERT_PLAN, **plan(number))
    assert wire.sent == ["BEGIN"]
    assert records.changes == 3
    seen = Statement(sql.tables.plan.select())
    assert len(records.all(seen)) == 3
    assert wire.sent[1:] == [
        session._BY_KEY,
        MANY[sql.INSERT_PLAN].statement.postgres.sql,
        session._AS_EVER,
        seen.postgres.sql,
    ]


def test_a_lone_change_is_sent_as_it_is(wire: Watched) -> None:
    records = PostgresSession(wire)
    records.change_one(sql.INSERT_PLAN, **plan(1))
    records.settle()
    assert wire.sent[1:] == [sql.INSERT_PLAN.postgres.sql]


def test_one_row_of_many_that_is_not_there_is_noticed(wire: Watched) -> None:
    records = PostgresSession(wire)
    for number in range(2):
        records.change_one(sql.INSERT_PLAN, **plan(number))
    verified = {"verdict": "v", "decisions": "{}", "revision": "r", "verified_at": _AT}
    for name in ("p0", "p1", "p2"):
        records.change_one(sql.PLAN_VERIFIED, of_id=name, **verified)
    with pytest.raises(NoSuchRowError):
        records.settle()


def test_what_was_gathered_is_undone_with_what_was_sent(wire: Watched) -> None:
    records = PostgresSession(wire)
    records.change_one(sql.INSERT_PLAN, **plan(1))
    records.abandon()
    assert wire.sent[-1] == "ROLLBACK"
    assert records.settle() == []


def test_rows_are_looked_up_by_their_keys_however_small_the_tables_were(url: str) -> None:
    """A plan that is made once is kept, though the table may have grown meanwhile."""
    through: list[str] = []
    with psycopg.connect(url) as server:
        server.execute(session._BY_KEY.encode())
        for number, many in enumerate(MANY.values()):
            form = many.statement.postgres
            if form.sql.startswith("INSERT INTO") and "FROM execution" not in form.sql:
                continue
            server.execute(f"PREPARE m{number} AS {form.sql}".encode())
            nothing = ", ".join(["NULL"] * len(form.names))
            told = server.execute(f"EXPLAIN EXECUTE m{number}({nothing})".encode())
            lines = "\n".join(line for (line,) in told)
            if "Seq Scan" in lines or lines.count("Index Cond") < lines.count("Scan using"):
                through.append(lines)
    assert through == []
