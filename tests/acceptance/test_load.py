"""A gateway that is asked for more than it may do: it refuses at once, in order, and recovers."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import httpx
import pytest

from tests.acceptance.drafts import APPROVE, CANCEL, patient, step_of, waiting
from tests.processes import HTTP
from tests.world import World, end_world, make_world, wait_until

CALLS = 8
REPLY = (
    "mutation ($input: SupportCustomerReplyInput!) "
    "{ supportCustomerReply(input: $input) { replyId } }"
)
SUBMIT = (
    "mutation ($input: ControlPlaneIntentSubmitInput!) "
    "{ controlPlaneIntentSubmit(input: $input) { executionId } }"
)
INTENT = {"workspaceId": "acme", "text": "Please refund o-1001"}
UNDER_WAY = "step WHERE status = 'dispatched'"
TOO_MUCH = ("SERVICE_UNAVAILABLE", 503, True, 1.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway that may have eight calls in progress, four of them new ones."""
    folder = tmp_path_factory.mktemp("load")
    made = make_world(
        folder,
        GATEWAY_SCHEMA_DIR=patient(folder / "schema"),
        GATEWAY_OPERATION_SECONDS="60",
        GATEWAY_MAX_REQUESTS=str(CALLS),
        GATEWAY_MAX_DELAY="10",  # what is slow here is a machine that runs other tests
    )
    yield made
    end_world(made)


@contextmanager
def busy(world: World, calls: int) -> Iterator[list[Future[httpx.Response]]]:
    """So many direct calls in progress, each waiting for the service, which answers afterwards."""
    world.service.fault("/tickets/*", "hold", times=calls)
    stamp = time.monotonic()

    def reply(number: int) -> httpx.Response:
        value = {"ticketId": "t-1", "body": f"{stamp} {number}"}
        return world.olga.send(REPLY, {"input": value})

    with ThreadPoolExecutor(calls) as pool:
        held = [pool.submit(reply, number) for number in range(calls)]
        try:
            wait_until(lambda: rows(world, UNDER_WAY) == calls, 20)
            yield held
            assert not any(one.done() for one in held), "the gateway was not busy all the time"
        finally:
            world.service.clear_faults()


def refused(world: World) -> bool:
    """True if there is no place for a new call."""
    return "errors" in submit(world).json()


def submit(world: World) -> httpx.Response:
    return world.agent.send(SUBMIT, {"input": INTENT})


def rows(world: World, table: str) -> int:
    """How many rows of the record there are."""
    with closing(sqlite3.connect(world.gateway.data_dir / "gateway.db")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(count)


def test_what_is_new_is_refused_at_once_and_leaves_nothing(world: World) -> None:
    with busy(world, CALLS // 2):
        before = rows(world, "execution"), rows(world, "entry")
        answer = submit(world)  # it would not come if it waited for a place
        assert (answer.status_code, answer.headers["retry-after"]) == (294, "1")
        (error,) = answer.json()["errors"]
        told = error["extensions"]["problem"]
        found = (told["code"], told["status"], told["retryable"], told["retryAfter"])
        assert found == TOO_MUCH
        assert told["operation"]["key"] == "controlPlane.intent.submit"
        assert (rows(world, "execution"), rows(world, "entry")) == before


def test_who_reads_decides_or_stops_is_let_through(world: World) -> None:
    parked, unwanted = waiting(world), waiting(world)
    with busy(world, CALLS // 2):
        assert refused(world)
        assert world.execution(parked["executionId"])["status"] == "WAITING_APPROVAL"
        who = {**step_of(parked), "approvedBy": "fiona"}
        assert world.fiona.mutate(*APPROVE, who)["status"] == "APPROVED"
        what = {"executionId": unwanted["executionId"], "cancelledBy": "olga"}
        assert world.olga.mutate(*CANCEL, what)["status"] == "CANCELLED"
        for path in ("/healthz", "/readyz"):
            assert HTTP.get(world.gateway.url + path).status_code == 200
    assert world.wait(parked["executionId"], "COMPLETED")


def test_what_was_in_progress_is_done_once_and_the_next_comes_in(world: World) -> None:
    sent = len(world.service.effects("reply"))
    with busy(world, CALLS // 2) as held:
        assert refused(world)
    answers = [one.result().json() for one in held]
    assert all("errors" not in answer for answer in answers), answers
    assert len(world.service.effects("reply")) == sent + len(held)
    assert not refused(world)


def test_the_log_tells_that_calls_are_refused_and_not_each_of_them(world: World) -> None:
    with busy(world, CALLS // 2):
        for _ in range(20):
            assert refused(world)
    assert 1 <= world.gateway.log().count("too much at once") < 5
