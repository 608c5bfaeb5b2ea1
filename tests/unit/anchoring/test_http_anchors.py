"""Anchors over HTTP: what is sent, what counts as taken, and what is kept of the answer."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.actions import HostGuard, Secrets
from gateway.anchoring.anchor import AnchorError
from gateway.anchoring.exchange import MAX_ANSWER, Exchange
from gateway.anchoring.http_anchors import LogAnchor, WebhookAnchor
from gateway.anchoring.targets import LogTarget, WebhookTarget
from gateway.anchoring.templates import fill
from gateway.webhooks.post import Poster
from tests.answering import Answering, Reply, Request
from tests.unit.anchoring.anchor_world import CLOCK, AnchorWorld

pytestmark = pytest.mark.anyio
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = Secrets({"HOOK": SECRET, "TOKEN": "t0ken"})
HOSTS = HostGuard(["127.0.0.1:*"])


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    made = Exchange(HOSTS, CLOCK, timeout=20)
    yield made
    await made.close()


@pytest.fixture
async def webhook(server: Answering) -> AsyncIterator[WebhookAnchor]:
    poster = Poster(HOSTS, SECRETS, CLOCK, timeout=20, content_type="application/json")
    made = WebhookAnchor(WebhookTarget("partner", f"{server.url}/in", ("${secret:HOOK}",)), poster)
    yield made
    await made.close()


def log(server: Answering, exchange: Exchange, **more: object) -> LogAnchor:
    return LogAnchor(LogTarget("rekor", f"{server.url}/entries", **more), exchange, SECRETS)  # type: ignore[arg-type] # as tests need it


def is_genuine(request: Request) -> bool:
    """As a receiver checks it (Standard Webhooks 1.0.0)."""
    told = request.headers
    content = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    own = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return own in told["webhook-signature"].split(" ")


async def test_a_webhook_is_told_of_the_checkpoint_under_one_id(
    world: AnchorWorld, webhook: WebhookAnchor, server: Answering
) -> None:
    one, other = await world.grow(), await world.grow()
    for checkpoint in (one, one, other):
        taken = await webhook.publish(checkpoint)
        assert taken.answer["status"] == 200
    assert all(map(is_genuine, server.requests))
    ids = [request.headers["webhook-id"] for request in server.requests]
    assert ids[0] == ids[1] != ids[2]
    assert taken.answer["webhookId"] == ids[2]
    told = json.loads(server.requests[0].body)
    assert told == {
        "type": "contract-gateway.checkpoint.signed",
        "data": {
            "origin": one.origin, "number": 1, "size": 3, "note": one.note,
            "root": base64.b64encode(one.root).decode(),
        },
    }  # fmt: skip
    assert server.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [301, 400, 410, 500])
async def test_a_webhook_that_does_not_take_it_is_tried_again(
    world: AnchorWorld, webhook: WebhookAnchor, server: Answering, status: int
) -> None:
    server.answer = lambda _: Reply(status, b"ignored")
    with pytest.raises(AnchorError, match=str(status)):
        await webhook.publish(await world.grow())


async def test_a_webhook_that_asks_for_patience_gets_it(
    world: AnchorWorld, webhook: WebhookAnchor, server: Answering
) -> None:
    server.answer = lambda _: Reply(503, headers={"Retry-After": "77"})
    with pytest.raises(AnchorError) as caught:
        await webhook.publish(await world.grow())
    assert caught.value.retry_after == 77


async def test_a_log_gets_the_note_and_its_answer_is_kept(
    world: AnchorWorld, exchange: Exchange, server: Answering
) -> None:
    entry = {"uuid": "24296fb24b8ad77a", "logIndex": 7}
    server.answer = lambda _: Reply(201, json.dumps(entry).encode(), {"Location": "/entries/7"})
    checkpoint = await world.grow()
    taken = await log(server, exchange).publish(checkpoint)
    assert taken.answer == {"status": 201, "answer": entry, "location": "/entries/7"}
    (request,) = server.requests
    assert base64.b64decode(json.loads(request.body)["entry"]).decode() == checkpoint.note


async def test_a_log_gets_what_its_template_says(
    world: AnchorWorld, exchange: Exchange, server: Answering
) -> None:
    body = {"kind": "x", "n": 1, "spec": ["{noteSha256}", {"about": "{origin} at {size}"}, None]}
    headers = {"Authorization": "Bearer ${secret:TOKEN}"}
    checkpoint = await world.grow()
    await log(server, exchange, body=body, headers=headers).publish(checkpoint)
    (request,) = server.requests
    digest = hashlib.sha256(checkpoint.note.encode()).hexdigest()
    about = {"about": f"{checkpoint.origin} at 3"}
    assert json.loads(request.body) == {"kind": "x", "n": 1, "spec": [digest, about, None]}
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["content-type"] == "application/json"


async def test_nothing_in_a_checkpoint_changes_the_form_of_what_is_sent(world: AnchorWorld) -> None:
    checkpoint = await world.grow()
    told = fill({"a": "{note}", "{note}": "{number}{root}"}, checkpoint)
    root = base64.b64encode(checkpoint.root).decode()
    assert told == {"a": checkpoint.note, "{note}": f"1{root}"}


async def test_a_log_that_has_it_has_taken_it(
    world: AnchorWorld, exchange: Exchange, server: Answering
) -> None:
    checkpoint = await world.grow()
    server.answer = lambda _: Reply(409, b"there", {"Location": "/entries/7"})
    taken = await log(server, exchange).publish(checkpoint)
    assert taken.answer == {"status": 409, "answer": "there", "location": "/entries/7"}
    server.answer = lambda _: Reply(409, b"conflict")
    with pytest.raises(AnchorError, match="409"):
        await log(server, exchange).publish(checkpoint)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: Reply(500), "answered 500"),
        (lambda _: Reply(302, headers={"Location": "/elsewhere"}), "answered 302"),
        (lambda _: Reply(429, headers={"Retry-After": "5"}), "answered 429"),
        (lambda _: Reply(200, b"x" * (MAX_ANSWER + 1)), "more than 65536 bytes"),
    ],
)
async def test_a_log_that_does_not_take_it_is_tried_again(
    world: AnchorWorld,
    exchange: Exchange,
    server: Answering,
    answer: Callable[[Request], Reply],
    told: str,
) -> None:
    server.answer = answer
    with pytest.raises(AnchorError, match=told):
        await log(server, exchange).publish(await world.grow())
    assert len(server.requests) == 1


async def test_a_log_that_does_not_answer_is_tried_again(
    world: AnchorWorld, server: Answering
) -> None:
    over = threading.Event()
    server.answer = lambda _: Reply(200 if over.wait(60) else 500)
    hasty = Exchange(HOSTS, CLOCK, timeout=0.2)
    try:
        with pytest.raises(AnchorError, match=r"no answer within 0\.2 seconds"):
            await log(server, hasty).publish(await world.grow())
    finally:
        over.set()
        await hasty.close()


async def test_what_is_not_there_or_not_allowed_is_told(
    world: AnchorWorld, exchange: Exchange, server: Answering
) -> None:
    checkpoint = await world.grow()
    headers = {"Authorization": "${secret:GONE}"}
    with pytest.raises(AnchorError, match="secret GONE is not set"):
        await log(server, exchange, headers=headers).publish(checkpoint)
    target = LogTarget("x", "http://127.0.0.1:1/x")
    with pytest.raises(AnchorError, match="connection failed"):
        await LogAnchor(target, exchange, SECRETS).publish(checkpoint)
    strict = Exchange(HostGuard(), CLOCK)
    with pytest.raises(AnchorError, match="not at a public address"):
        await LogAnchor(target, strict, SECRETS).publish(checkpoint)
    await strict.close()
    assert server.requests == []


@pytest.mark.parametrize(
    "body", ["[" * 40 + "]" * 40, '{"$sealed": [1]}', '{"a": [9007199254740993]}', "{"]
)
async def test_an_answer_that_cannot_be_shown_as_json_is_kept_as_text(
    world: AnchorWorld, exchange: Exchange, server: Answering, body: str
) -> None:
    server.answer = lambda _: Reply(200, body.encode())
    taken = await log(server, exchange).publish(await world.grow())
    assert taken.answer["answer"] == body


async def test_an_answer_that_is_no_text_is_kept_as_well_as_it_goes(
    world: AnchorWorld, exchange: Exchange, server: Answering
) -> None:
    server.answer = lambda _: Reply(200, b"\xff\xfe")
    taken = await log(server, exchange).publish(await world.grow())
    assert taken.answer == {"status": 200, "answer": "\N{REPLACEMENT CHARACTER}" * 2}
