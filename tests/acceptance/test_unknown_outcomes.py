"""Attempts of unknown outcome: repeated only where that does no harm, else left for a person."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.acceptance.drafts import ended, lookup, refund, refunds, replies, reply
from tests.world import World, end_world, make_world

SERVICE = "http://support.internal"


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").service.clear_faults()


@pytest.mark.parametrize("mode", ["cut", "500", "garbage"])
def test_an_unkeyed_command_of_unknown_outcome_is_never_sent_again(world: World, mode: str) -> None:
    body = f"lost after its effect by {mode}"
    world.service.fault("/tickets/*/replies", mode, after_effect=True)
    started = world.run([reply(body), lookup(dependsOn=["reply"])])
    assert ended(world, started) == "UNRESOLVED"
    step = world.step(started["executionId"], "reply")
    assert step["status"] == "UNRESOLVED"
    # After an unusable answer it is at least known that the service answered success.
    assert step["problem"]["code"] == ("BAD_GATEWAY" if mode == "garbage" else "OUTCOME_UNKNOWN")
    assert [attempt["status"] for attempt in step["attempts"]] == ["unresolved"]
    assert world.step(started["executionId"], "order")["status"] == "PLANNED"
    assert replies(world, body) == 1


def test_a_keyed_command_of_unknown_outcome_is_repeated_with_the_same_key(world: World) -> None:
    world.service.fault("/orders/*/refunds", "cut", after_effect=True)
    started = world.run([refund(4.02)])
    assert ended(world, started) == "COMPLETED"
    attempts = world.step(started["executionId"], "refund")["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["retrying", "completed"]
    (effect,) = refunds(world, 402)
    assert {attempt["idempotencyKey"] for attempt in attempts} == {effect["key"]}


class Odd(BaseHTTPRequestHandler):
    """A service that performs and then answers ``answer``, whatever it is asked."""

    answer = b""
    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).asked += 1
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def odd_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose service answers oddly."""
    server = HTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    world = make_world(
        tmp_path_factory.mktemp("odd"),
        GATEWAY_ACTION_ORIGINS=f"{SERVICE}=http://{host}",
        GATEWAY_ACTION_HOSTS=host,
    )
    yield world
    end_world(world)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"refundId": "r-1", "status": "LOST"}).encode(),
        json.dumps({"refundId": "r-1"}).encode(),
        b"<<not json",
    ],
    ids=["enum", "missing", "not json"],
)
def test_an_invalid_answer_after_a_success_is_never_repeated(
    odd_world: World, answer: bytes
) -> None:
    Odd.answer, Odd.asked = answer, 0
    started = odd_world.run([refund(5)])
    assert ended(odd_world, started) == "UNRESOLVED"
    step = odd_world.step(started["executionId"], "refund")
    assert [attempt["number"] for attempt in step["attempts"]] == [1]
    assert Odd.asked == 1
