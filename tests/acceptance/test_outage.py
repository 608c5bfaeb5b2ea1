"""The database is slow or away, or nobody advances runs: callers are told, and it passes."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.acceptance.drafts import CANCEL, ids, lookup, waiting
from tests.faults.proxy import Proxy
from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, start, stop
from tests.world import World, end_world, make_world, wait_until

SUBMIT = (
    "mutation ($input: ControlPlaneIntentSubmitInput!) "
    "{ controlPlaneIntentSubmit(input: $input) { executionId } }"
)
INTENT = {"workspaceId": "acme", "text": "Please refund o-1001"}
START = (
    "mutation ($input: ControlPlaneExecutionStartInput!) "
    "{ controlPlaneExecutionStart(input: $input) { runId } }"
)
TOO_MUCH = ("SERVICE_UNAVAILABLE", 503, 1.0)
HANGS = 2.5
"""Seconds after which a database that does not answer counts as one that hangs."""


class Site:
    """A gateway whose database is behind a network that can be cut."""

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.url = url
        self.network = Proxy((parts.hostname, parts.port))
        through = f"postgresql://{parts.username}@127.0.0.1:{self.network.port}{parts.path}"
        self.settings = {"GATEWAY_DATABASE_URL": through, **settings}
        done = run_to_end([*GATEWAY, "migrate", "--database-url", url])
        assert done.returncode == 0, done.stderr
        self.world: World = make_world(folder, **self.settings)

    def count(self, table: str) -> int:
        """How many rows of the record there are."""
        with psycopg.connect(self.url) as connection:
            found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type] # noqa: S608
        assert found is not None
        return int(found[0])

    def submit(self) -> httpx.Response:
        return self.world.agent.send(SUBMIT, {"input": INTENT})

    def recovers(self, seconds: float = 15.0) -> None:
        """A visit works again, from the intent to the end of the run."""
        wait_until(lambda: "errors" not in self.submit().json(), seconds)
        run = self.world.run([lookup()])
        assert self.world.wait(run["executionId"], "COMPLETED")

    def close(self) -> None:
        end_world(self.world)
        self.network.close()


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    made = Site(tmp_path, database_url, GATEWAY_MAX_DELAY="0.2")
    yield made
    made.close()


def refusal(answer: httpx.Response) -> dict[str, Any]:
    """What the caller is told, which must be that it may try again in a second."""
    (error,) = answer.json()["errors"]
    told: dict[str, Any] = error["extensions"]["problem"]
    assert (told["code"], told["status"], told["retryAfter"]) == TOO_MUCH
    assert answer.headers["retry-after"] == "1"
    return told


def test_while_the_database_hangs_calls_are_refused_at_once(site: Site) -> None:
    before = site.count("execution")
    with ThreadPoolExecutor(1) as pool:
        site.network.stall()
        held = pool.submit(site.submit)
        time.sleep(HANGS)
        began = time.monotonic()
        for _ in range(5):
            refusal(site.submit())
        assert HTTP.get(site.world.gateway.url + "/healthz").status_code == 200
        assert time.monotonic() - began < HANGS
        site.network.heal()
        answer = held.result().json()
    site.recovers()
    done = before + 2 + ("errors" not in answer)  # two by the recovery
    assert site.count("execution") == done


@contextmanager
def paused_writer(site: Site) -> Iterator[None]:
    """What the server does for the gateway's writer stands still meanwhile; reads go on."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'gateway-writer'"
    with psycopg.connect(site.url) as connection:
        pids = [row[0] for row in connection.execute(query + " AND datname = current_database()")]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pids[0], signal.SIGCONT)


def test_what_the_record_does_not_take_up_is_given_up_and_never_done(site: Site) -> None:
    before = site.count("execution")
    parked = waiting(site.world)
    what = {"executionId": parked["executionId"], "cancelledBy": "olga"}
    with ThreadPoolExecutor(4) as pool:
        with paused_writer(site):
            held = pool.submit(site.submit)
            time.sleep(HANGS)
            refusal(site.submit())
            began = time.monotonic()
            late = [pool.submit(site.world.olga.refused, *CANCEL, what) for _ in range(3)]
            told = [one.result()["problem"] for one in late]
            assert 5 < time.monotonic() - began < 14
        is_recorded = "errors" not in held.result().json()
    for one in told:
        assert (one["code"], one["status"], one["retryAfter"]) == TOO_MUCH
        assert "nothing was done" in one["detail"]
    site.recovers()
    assert site.world.execution(parked["executionId"])["status"] == "WAITING_APPROVAL"
    assert site.count("execution") == before + 3 + is_recorded  # parked, and two of the recovery


def test_a_database_that_is_away_is_waited_for_a_while_and_then_told_of(site: Site) -> None:
    with ThreadPoolExecutor(1) as pool:
        site.network.cut()
        held = pool.submit(site.submit)
        time.sleep(HANGS)
        began = time.monotonic()
        refusal(site.submit())
        assert time.monotonic() - began < HANGS
        refusal(held.result())
    answer = HTTP.get(site.world.gateway.url + "/readyz", timeout=20)
    assert answer.status_code == 503
    site.network.heal()
    site.recovers()
    assert HTTP.get(site.world.gateway.url + "/readyz", timeout=20).status_code == 200


@pytest.fixture
def unattended(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """A gateway whose workers are not there."""
    runs = {"GATEWAY_MAX_WAITING_RUNS": "4", "GATEWAY_MAX_DELAY": "30"}  # no other bound counts
    settings = {"GATEWAY_DISPATCH": "procrastinate", **runs}
    made = Site(tmp_path, database_url, **settings)
    yield made
    made.close()


def started_until_refused(
    world: World, planned: list[dict[str, Any]]
) -> tuple[int, httpx.Response]:
    """How many were started before one was refused, four at least, and what that was told.

    A gateway counts twice a second: each from the fifth on waits for another count.
    """
    for begun, one in enumerate(planned):
        if begun >= 4:
            time.sleep(0.6)
        answer = world.olga.send(START, {"input": ids(one)})
        if "errors" in answer.json():
            assert begun >= 4
            return begun, answer
    raise AssertionError("none was refused")


def test_runs_are_not_started_while_workers_cannot_keep_up(
    unattended: Site, tmp_path: Path
) -> None:
    world = unattended.world
    planned = [world.compile([lookup()]) for _ in range(8)]
    for one in planned:
        world.verify(one)
    begun, answer = started_until_refused(world, planned)
    refusal(answer)
    refusal(unattended.submit())
    assert unattended.count("claim") == begun

    env = {**os.environ, **world.gateway.env, "GATEWAY_KEY_DIR": str(world.gateway.key_dir)}
    command = [*GATEWAY, "worker", "--port", "0", "--data-dir", str(tmp_path / "worker")]
    worker, _ = start(command, env, tmp_path / "worker.log")
    try:
        for one in planned[:begun]:
            assert world.wait(one["executionId"], "COMPLETED")
        wait_until(lambda: "errors" not in unattended.submit().json(), 20)
        world.olga.mutate("controlPlaneExecutionStart", "runId", ids(planned[begun]))
        assert world.wait(planned[begun]["executionId"], "COMPLETED")
    finally:
        stop(worker)
