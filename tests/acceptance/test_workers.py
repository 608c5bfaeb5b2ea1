"""A gateway and two workers on one PostgreSQL database, told of runs by Procrastinate."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.drafts import (
    approve,
    ended,
    lookup,
    patient,
    refund,
    refunds,
    replies,
    reply,
    waiting,
)
from tests.processes import GATEWAY, HTTP, start, stop
from tests.span_receiver import SpanReceiver
from tests.temporal import Temporal
from tests.world import World, end_world, make_world, wait_until

LEASE = 2.0


@dataclass
class Crew:
    """A world whose gateway advances nothing, and the workers that do."""

    world: World
    database: str
    collector: SpanReceiver
    lease: float = LEASE
    workers: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    def hire(self, name: str) -> None:
        gateway = self.world.gateway
        command = [*GATEWAY, "worker", "--port", "0", "--data-dir", str(gateway.data_dir)]
        self.workers[name], self.urls[name] = start(command, gateway.env, self.log_of(name))

    def log_of(self, name: str) -> Path:
        return self.world.gateway.folder / f"{name}.log"

    def holders(self) -> dict[str, str]:
        """Which run is held by whom."""
        with psycopg.connect(self.database) as connection:
            rows = connection.execute("SELECT run_id, owner FROM claim WHERE owner IS NOT NULL")
            return dict(rows.fetchall())

    def jobs(self) -> int:
        with psycopg.connect(self.database) as connection:
            row = connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()
            return int(row[0]) if row else 0

    def leave(self, name: str) -> int:
        """Wait for a worker that was told to stop; returns its exit code."""
        process = self.workers.pop(name)
        code = process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
        return code

    def close(self) -> None:
        for process in self.workers.values():
            with suppress(subprocess.TimeoutExpired):
                stop(process, signal.SIGKILL)
        end_world(self.world)


def leased(seconds: float) -> pytest.MarkDecorator:
    """A test whose crew has longer leases, where a slow machine would need much of a short one."""
    return pytest.mark.parametrize("crew", [seconds], indirect=True)


@pytest.fixture
def crew(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Crew]:
    lease = getattr(request, "param", LEASE)
    collector = SpanReceiver()
    collector.start()
    world = make_world(
        tmp_path,
        GATEWAY_DATABASE_URL=database_url,
        GATEWAY_DISPATCH="procrastinate",
        GATEWAY_SCHEMA_DIR=patient(tmp_path / "schema"),
        GATEWAY_LEASE=str(lease),
        GATEWAY_DRAIN="8",
        GATEWAY_METRICS="on",
        GATEWAY_TRACES="otlp",
        GATEWAY_TRACES_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    made = Crew(world, database_url, collector, lease)
    try:
        made.hire("one")
        made.hire("two")
        yield made
    finally:
        made.close()
        collector.stop()


def test_runs_are_advanced_by_workers_and_calls_answer_as_ever(crew: Crew) -> None:
    world = crew.world
    for url in crew.urls.values():
        assert HTTP.get(f"{url}/healthz").json() == {"status": "ok"}
        assert HTTP.get(f"{url}/readyz").json()["status"] == "ready"
        assert HTTP.post(f"{url}/graphql", json={}).status_code == 404
    runs = [world.run([lookup(), reply(f"hello {n}", dependsOn=["order"])]) for n in range(6)]
    assert [ended(world, run) for run in runs] == ["COMPLETED"] * 6
    assert [replies(world, f"hello {n}") for n in range(6)] == [1] * 6

    run = waiting(world)
    approve(world.fiona, "fiona", run)
    assert ended(world, run) == "COMPLETED"

    paid = {"orderId": "o-1004", "amount": 7, "currency": "EUR"}
    answer = world.agent.mutate("supportRefundIssue", "status", paid, key="once")
    again = world.agent.mutate("supportRefundIssue", "status", paid, key="once")
    assert answer == again
    assert len(refunds(world, 700)) == 1
    wait_until(lambda: crew.jobs() == 0, 20)
    assert crew.holders() == {}
    one_trace_over_processes(crew)


def one_trace_over_processes(crew: Crew) -> None:
    """The spans of a worker belong to the trace of the call that the gateway answered."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    query = (
        "mutation ($input: SupportRefundIssueInput!)"
        " { supportRefundIssue(input: $input) { refundId } }"
    )
    value = {"input": {"orderId": "o-1004", "amount": 9, "currency": "EUR"}}
    header = f"00-{trace}-00f067aa0ba902b7-01"
    crew.world.agent.send(query, value, traceparent=header).raise_for_status()
    whole = {"request", "support.refund.issue", "run", "step", "action"}
    spans = crew.collector.wait(trace, lambda found: whole <= {one.name for one in found})
    of = {span.name: span for span in spans}
    assert of["run"].parent == of["support.refund.issue"].id
    assert of["action"].parent == of["step"].id
    advanced = [HTTP.get(f"{url}/metrics").text for url in crew.urls.values()]
    told = 'gateway_runs_total{outcome="completed"} 0.0'
    assert not all(told in text for text in advanced)
    assert told in HTTP.get(f"{crew.world.gateway.url}/metrics").text


@leased(5.0)
def test_a_worker_that_is_killed_is_taken_over_from_in_less_than_two_leases(crew: Crew) -> None:
    """Both attempts hang in the service when their worker is killed: the keyed one is repeated,
    with one effect, the other stands unresolved."""
    world = crew.world
    world.service.fault("/orders/o-1004/refunds", "delay", ms=60_000, times=1)
    started = world.run([refund(9)])
    wait_until(lambda: len(crew.holders()) == 1, 10)
    time.sleep(0.5)
    both = set(crew.workers)
    for name in sorted(both):
        # Whichever holds it: the other one is stopped, so that a third has to take over.
        crew.hire(f"{name} again")
        stop(crew.workers.pop(name), signal.SIGKILL)
    killed = time.monotonic()
    assert ended(world, started) == "COMPLETED"
    took = time.monotonic() - killed
    assert took < 2 * crew.lease, f"recovered in {took:.2f} s with a lease of {crew.lease:g} s"
    assert len(refunds(world, 900)) == 1


@leased(10.0)
def test_a_worker_that_leaves_hands_its_runs_on_at_once(crew: Crew) -> None:
    """The attempt under way is finished and recorded; what comes after it is another's to do."""
    world = crew.world
    world.service.fault("/orders/o-1001", "delay", ms=1500, times=1)
    started = world.run([lookup(), reply("after the drain", dependsOn=["order"])])
    wait_until(lambda: len(crew.holders()) == 1, 10)
    crew.hire("three")
    leaving = time.monotonic()
    for name in ("one", "two"):
        crew.workers[name].send_signal(signal.SIGTERM)
    assert ended(world, started) == "COMPLETED"
    assert time.monotonic() - leaving < crew.lease  # so nobody waited for that to be over
    assert replies(world, "after the drain") == 1
    attempts = world.step(started["executionId"], "order")["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["completed"]
    for name in ("one", "two"):
        crew.leave(name)


def test_without_a_worker_runs_wait_and_nothing_is_lost(crew: Crew) -> None:
    world = crew.world
    for name in list(crew.workers):
        assert stop(crew.workers.pop(name)) == 0
    started = world.run([lookup()])
    time.sleep(1)
    assert world.execution(started["executionId"])["status"] == "RUNNING"
    crew.hire("late")
    assert ended(world, started) == "COMPLETED"


def test_a_paused_worker_that_wakes_after_its_lease_writes_nothing(crew: Crew) -> None:
    world = crew.world
    world.service.fault("/tickets/t-1/replies", "hold", after_effect=True)
    started = world.run([reply("from a paused worker")])
    wait_until(lambda: replies(world, "from a paused worker") == 1, 20)
    assert len(crew.holders()) == 1
    for process in crew.workers.values():
        process.send_signal(signal.SIGSTOP)
    try:
        crew.hire("three")
        assert ended(world, started) == "UNRESOLVED"
    finally:
        for name in ("one", "two"):
            crew.workers[name].send_signal(signal.SIGCONT)
        world.service.clear_faults()
    time.sleep(1.5)
    assert world.execution(started["executionId"])["status"] == "UNRESOLVED"
    assert replies(world, "from a paused worker") == 1
    kinds = [entry["status"] for entry in world.trace(started["executionId"])]
    assert kinds.count("step.unresolved") == 1


@leased(60.0)
def test_a_worker_that_holds_a_run_hears_of_an_approval_at_once(crew: Crew) -> None:
    """One step waits for its service; the other is approved meanwhile and need not wait, not even
    until claims are prolonged, which is when a third of the lease is over."""
    world = crew.world
    world.service.fault("/orders/o-1001", "hold")
    run = world.run([lookup(), refund(251)])
    wait_until(lambda: len(world.approvals(run["executionId"])) == 1, 20)
    run["stepId"] = world.approvals(run["executionId"])[0]["stepId"]
    assert len(crew.holders()) == 1
    approve(world.fiona, "fiona", run)
    wait_until(lambda: len(refunds(world, 25_100)) == 1, 15)
    (held,) = world.step(run["executionId"], "order")["attempts"]
    assert held["status"] == "dispatched"
    assert len(crew.holders()) == 1
    world.service.clear_faults()
    assert ended(world, run) == "COMPLETED"


@pytest.fixture(scope="module")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Temporal]:
    server = Temporal(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


def test_temporal_tells_workers_as_well(
    database_url: str, temporal: Temporal, tmp_path: Path
) -> None:
    world = make_world(
        tmp_path,
        GATEWAY_DATABASE_URL=database_url,
        GATEWAY_DISPATCH="temporal",
        GATEWAY_TEMPORAL_ADDRESS=temporal.address,
        GATEWAY_LEASE=str(LEASE),
    )
    crew = Crew(world, database_url, SpanReceiver())
    try:
        crew.hire("one")
        run = waiting(world, [lookup(), refund(252, dependsOn=["order"])])
        approve(world.fiona, "fiona", run)
        assert ended(world, run) == "COMPLETED"
        paid = {"orderId": "o-1004", "amount": 6, "currency": "EUR"}
        world.agent.mutate("supportRefundIssue", "status", paid, key="once")
        assert (len(refunds(world, 25_200)), len(refunds(world, 600))) == (1, 1)
        for name in list(crew.workers):
            crew.workers[name].send_signal(signal.SIGTERM)
            crew.leave(name)
        assert "not taken" not in crew.log_of("one").read_text()
    finally:
        crew.close()
