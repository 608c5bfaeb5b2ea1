"""Exactly one of several processes has the duties, whatever happens to it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import pairwise, zip_longest
from pathlib import Path

import psycopg
import pytest

from gateway.duties import Duties
from gateway.duties.postgres_leadership import SILENCE, PostgresLeadership
from tests.forking import Forked
from tests.postgres import Postgres


class Candidate:
    """A process that wants the duties."""

    def __init__(self, url: str, file: Path) -> None:
        self.file = file
        file.touch()
        self.process = Forked(
            [sys.executable, "-m", "tests.contract.duty_process", url, str(file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    @property
    def told(self) -> list[tuple[float, str]]:
        lines = self.file.read_text().splitlines()
        return [(float(at), word) for at, word in (line.split() for line in lines)]

    @property
    def leads(self) -> bool:
        return bool(self.told) and self.told[-1][1] == "begin"

    @property
    def terms(self) -> list[tuple[float, float]]:
        """When it had the duties, from and to."""
        moments = [at for at, _ in self.told]
        return list(zip_longest(moments[::2], moments[1::2], fillvalue=float("inf")))

    def send(self, what: signal.Signals) -> float:
        os.kill(self.process.pid, what)
        return time.monotonic()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def candidates(database_url: str, tmp_path: Path) -> Iterator[list[Candidate]]:
    made = [Candidate(database_url, tmp_path / f"{number}") for number in range(3)]
    yield made
    for one in made:
        one.end()


def wait_for(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def leader(candidates: list[Candidate]) -> Candidate:
    wait_for(lambda: any(one.leads for one in candidates), 30)
    (found,) = (one for one in candidates if one.leads)
    return found


def test_one_has_the_duties_and_when_it_is_killed_another_has_them_at_once(
    candidates: list[Candidate],
) -> None:
    leader(candidates)
    time.sleep(2.5)
    terms = sorted(term for one in candidates for term in one.terms)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(terms))
    first = leader(candidates)
    killed = first.send(signal.SIGKILL)
    others = [one for one in candidates if one is not first]
    second = leader(others)
    assert second.told[-1][0] - killed < SILENCE - 1  # a lock that is left is freed after that


def test_a_leader_that_stands_still_is_replaced_and_gives_up_when_it_goes_on(
    candidates: list[Candidate],
) -> None:
    first = leader(candidates)
    stopped = first.send(signal.SIGSTOP)
    others = [one for one in candidates if one is not first]
    second = leader(others)
    assert second.told[-1][0] - stopped < SILENCE + 20
    resumed = first.send(signal.SIGCONT)
    wait_for(lambda: not first.leads, 20)
    assert first.told[-1][0] - resumed < 15
    assert [word for _, word in first.told] == ["begin", "end"]
    assert leader(others)


def test_a_leader_that_is_cut_off_gives_up_and_somebody_leads(
    candidates: list[Candidate], database_url: str
) -> None:
    first = leader(candidates)
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    wait_for(lambda: len(first.told) >= 2, 20)
    assert leader(candidates)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_while_the_database_is_away_nobody_has_duties() -> None:
    server = Postgres()
    server.start()
    began: list[int] = []

    async def begin(stack: AsyncExitStack) -> None:
        began.append(1)
        stack.callback(began.append, -1)

    try:
        duties = Duties(PostgresLeadership(server.url("postgres")), begin, 0.05)
        await duties.start()
        await _until(lambda: duties.are_here)
        server.kill()
        await _until(lambda: not duties.are_here)
        await asyncio.to_thread(server.start)
        await _until(lambda: duties.are_here)
        await duties.stop()
        assert not duties.are_here
        assert began == [1, -1, 1, -1]
    finally:
        server.remove()


@pytest.mark.anyio
async def test_duties_that_cannot_begin_are_ended_and_begun_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.duties.duties._TROUBLE", 0.05)
    ended: list[str] = []
    tries: list[int] = []

    async def begin(stack: AsyncExitStack) -> None:
        stack.callback(ended.append, "first part")
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")

    duties = Duties(PostgresLeadership(database_url), begin, 0.05)
    await duties.start()
    await _until(lambda: duties.are_here)
    assert (len(tries), ended) == (3, ["first part"] * 2)
    await duties.stop()
    assert ended == ["first part"] * 3


@pytest.mark.anyio
async def test_who_stops_hands_the_duties_over_at_once(database_url: str) -> None:
    async def begin(_: AsyncExitStack) -> None:
        pass

    one, other = (Duties(PostgresLeadership(database_url), begin, 0.05) for _ in range(2))
    await one.start()
    await other.start()
    await _until(lambda: one.are_here)
    assert not other.are_here
    await one.stop()
    await _until(lambda: other.are_here, SILENCE - 1)  # a lock that is left is freed after that
    await other.stop()


async def _until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 what is waited for is in another process or thread
            await asyncio.sleep(0.01)
