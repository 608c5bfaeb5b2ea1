"""A process that stands still in a commit, or is cut off, holds nobody up for long."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.journal import verify_record
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.copying import copied
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story
from tests.faults.checker.record import read_postgres
from tests.faults.deployment import LEASE
from tests.faults.proxy import Proxy
from tests.postgres import Postgres
from tests.processes import ROOT

pytestmark = [pytest.mark.fault, pytest.mark.timeout(60)]


def test_a_writer_that_is_stopped_before_its_commit_keeps_others_for_less_than_a_lease(
    database_url: str, tmp_path: Path
) -> None:
    took = asyncio.run(written_beside_one_that_stopped(database_url, tmp_path))
    assert took < 2 * LEASE  # 1.5 s, if the machine does nothing else
    who = [
        entry.body["who"] for entry in read_postgres(database_url) if entry.type == "run.claimed"
    ]
    assert who == ["another execution", "the same execution", "child"]
    with copied(database_url) as path:
        assert verify_record(path, []).findings == ()


async def written_beside_one_that_stopped(url: str, folder: Path) -> float:
    """Seconds that it takes to write beside a process that stopped, which then goes on."""
    create_schema(url)
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    for number in range(2):
        received = Story(str(number)).received()
        await journal.write(lambda tx, received=received: tx.append(received))
    command = [sys.executable, "-m", "tests.faults.stalling_child", url]
    child = subprocess.Popen(  # noqa: ASYNC220 - it takes no time
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert await asyncio.to_thread(child.stdout.readline) == "stopping\n"
        began = time.monotonic()
        await journal.write(lambda tx: claim(tx, "exec_1", "another execution"))
        await journal.write(lambda tx: claim(tx, "exec_0", "the same execution"))
        took = time.monotonic() - began
        child.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(child.stdout.readline) == "durable\n"
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait(10)
        child.stdout.close()
        await journal.close()
    return took


def test_a_unit_that_thinks_for_long_is_recorded_all_the_same(
    database_url: str, tmp_path: Path
) -> None:
    tries = asyncio.run(thought_about(database_url, tmp_path, seconds=2.0))
    assert tries == 2
    assert [entry.type for entry in read_postgres(database_url)][-1] == "run.claimed"


async def thought_about(url: str, folder: Path, seconds: float) -> int:
    """How often a unit is run that takes so long between its first statement and the next."""
    create_schema(url)
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    await journal.write(lambda tx: tx.append(Story("0").received()))
    tries = 0

    def unit(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        tx.entries("exec_0")
        time.sleep(seconds)
        claim(tx, "exec_0", "thinker")

    try:
        await journal.write(unit)
    finally:
        await journal.close()
    return tries


async def told_although_connections_were_lost(
    url: str, port: int, network: Proxy, folder: Path
) -> float:
    """Seconds until a process learns that the record has grown, whose connections lead nowhere."""
    create_schema(url)
    direct = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    through = url.replace(f":{port}/", f":{network.port}/")
    cut_off = await PostgresJournal.open(through, data_dir=folder, clock=SystemClock())
    try:
        await direct.write(lambda tx: tx.append(Story("0").received()))
        await cut_off.moved(0)
        network.lose()
        began = time.monotonic()
        await direct.write(lambda tx: claim(tx, "exec_0", "direct"))
        await asyncio.wait_for(cut_off.moved(1), 30)
        return time.monotonic() - began
    finally:
        await direct.close()
        await cut_off.close()


def test_a_process_whose_connections_lead_nowhere_hears_of_the_record_again(
    postgres: Postgres, database_url: str, tmp_path: Path
) -> None:
    """No packet comes back and nobody says so, as behind a firewall that forgot the connection."""
    network = Proxy(("127.0.0.1", postgres.port))
    try:
        given = (database_url, postgres.port, network, tmp_path)
        assert asyncio.run(told_although_connections_were_lost(*given)) < 10
    finally:
        network.close()


def claim(tx: Tx, execution: str, who: str) -> None:
    tx.append(NewEntry(EntryType.RUN_CLAIMED, "acme", {"who": who}, execution, who))
