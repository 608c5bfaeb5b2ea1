"""Webhooks over HTTP: a real gateway tells a real receiver, which verifies what it gets."""

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.acceptance.drafts import lookup, step_of, waiting
from tests.acceptance.test_subscriptions import FOLLOW, following, here, next_event, read_on
from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, Caller, JsonObject
from tests.webhook_receiver import OTHER_SECRET, SECRET, Answer, Message, Receiver
from tests.world import World, end_world, make_world, wait_until

LIST = (
    "controlPlaneWebhookDeliveryList",
    (
        "total items { deliveryId endpointId eventId type status attempts nextAttemptAt lastStatus "
        "lastError createdAt updatedAt executionId }"
    ),
)
REPLAY = ("controlPlaneWebhookDeliveryReplay", "deliveryId status replayedAt")
COMPLETED = "controlPlane.execution.completed"
KINDS = [
    "controlPlane.intent.received",
    "controlPlane.plan.compiled",
    "controlPlane.execution.step.started",
    "controlPlane.execution.step.completed",
    COMPLETED,
]
CONFIG = """
- id: all
  workspace: acme
  url: {url}/all
  secret: ["${{secret:HOOK_SECRET_NEW}}", "${{secret:HOOK_SECRET}}"]
  types: ["*"]
  source: https://gateway.example.com/acme
- id: broken
  workspace: acme
  url: {url}/broken
  secret: ${{secret:HOOK_SECRET}}
  types: [{completed}]
- id: later
  workspace: acme
  url: {url}/later
  secret: ${{secret:HOOK_SECRET}}
  types: [{completed}]
- id: foreign
  workspace: globex
  url: {url}/foreign
  secret: ${{secret:HOOK_SECRET}}
  types: ["*"]
"""


def settings(folder: Path, receiver: Receiver, scale: str = "0.000001") -> dict[str, str]:
    """The settings of a gateway that tells this receiver.

    With this scale a delivery is dead after a third of a second rather than after three days.
    """
    file = folder / "webhooks.yaml"
    file.write_text(CONFIG.format(url=receiver.url, completed=COMPLETED))
    return {
        "GATEWAY_WEBHOOKS": str(file),
        "GATEWAY_WEBHOOK_HOSTS": "127.0.0.1:*",
        "GATEWAY_WEBHOOK_RETRY_SCALE": scale,
        "HOOK_SECRET": SECRET,
        "HOOK_SECRET_NEW": OTHER_SECRET,
    }


class Moods:
    """What the receiver answers on each path; ``well`` mends the broken one."""

    def __init__(self) -> None:
        self.well = False

    def __call__(self, message: Message) -> Answer:
        if message.path == "/broken" and not self.well:
            return 500, {}
        if message.path == "/later":
            return 503, {"Retry-After": "3600"}
        return 204, {}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    started = Receiver(Moods()).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def hooked(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose gateway tells the receiver."""
    folder = tmp_path_factory.mktemp("hooked")
    made = make_world(folder, **settings(folder, receiver))
    yield made
    end_world(made)


def completed_run(world: World) -> JsonObject:
    run = world.run([lookup()])
    world.wait(run["executionId"], "COMPLETED")
    return run


def told_of(receiver: Receiver, run: JsonObject, path: str = "/all") -> list[Message]:
    return [
        message
        for message in list(receiver.messages)
        if message.path == path and message.event.get("subject") == run["executionId"]
    ]


def listed(caller: Caller, **which: Any) -> list[JsonObject]:
    found: list[JsonObject] = caller.query(*LIST, which)["items"]
    return found


def delivery_of(world: World, run: JsonObject, endpoint: str, *statuses: str) -> JsonObject:
    """The one delivery of a run's end to an endpoint, once it has one of these statuses."""
    found: list[JsonObject] = []

    def reached() -> bool:
        items = listed(world.olga, endpointId=endpoint, limit=200)
        found[:] = [one for one in items if one["executionId"] == run["executionId"]]
        return [one["status"] in statuses for one in found] == [True]

    wait_until(reached, 20, lambda: f"{found} is none of {statuses}")
    return found[0]


# --- what is told


def test_the_events_of_a_run_arrive_signed_and_as_cloud_events(
    hooked: World, receiver: Receiver
) -> None:
    run = completed_run(hooked)
    receiver.wait(lambda: len(told_of(receiver, run)) >= len(KINDS))
    messages = told_of(receiver, run)
    assert sorted(message.event["type"] for message in messages) == sorted(KINDS)
    for message in messages:
        assert message.signed_by(SECRET)
        assert message.signed_by(OTHER_SECRET)
        event = message.event
        assert (event["specversion"], event["source"]) == (
            "1.0",
            "https://gateway.example.com/acme",
        )
        assert event["dataschema"] == f"urn:contract-gateway:event:{event['type']}:1.0.0"
    (ended,) = [one.event for one in messages if one.event["type"] == COMPLETED]
    assert ended["runid"] == run["runId"]
    assert ended["data"] == {
        "executionId": run["executionId"],
        "runId": run["runId"],
        "completedAt": ended["time"],
        "outcome": "completed",
    }


def test_a_delivery_is_listed_as_delivered(hooked: World) -> None:
    run = completed_run(hooked)
    wait_until(
        lambda: COMPLETED in {one["type"] for one in of_run(hooked, run, status="DELIVERED")}, 20
    )
    one = next(one for one in of_run(hooked, run) if one["type"] == COMPLETED)
    assert (one["endpointId"], one["attempts"], one["lastStatus"]) == ("all", 1, 204)
    assert (one["nextAttemptAt"], one["lastError"]) == (None, None)


def of_run(world: World, run: JsonObject, **which: Any) -> list[JsonObject]:
    items = listed(world.olga, endpointId="all", limit=200, **which)
    return [one for one in items if one["executionId"] == run["executionId"]]


def test_another_workspace_hears_nothing(hooked: World, receiver: Receiver) -> None:
    completed_run(hooked)
    hooked.gateway.caller("gus", "user", workspace="globex").mutate(
        "controlPlaneIntentSubmit", "executionId", {"workspaceId": "globex", "text": "x"}
    )
    receiver.wait(lambda: any(message.path == "/foreign" for message in receiver.messages))
    foreign = [message.event for message in receiver.messages if message.path == "/foreign"]
    assert {event["source"] for event in foreign} == {"/workspaces/globex"}


def test_break_glass_is_told_to_endpoints_that_asked_for_other_events(
    hooked: World, receiver: Receiver
) -> None:
    run = waiting(hooked)
    value = {
        **step_of(run),
        "invokedBy": "betty",
        "reason": "The payment service is down and the customer stands in the shop.",
    }
    betty = hooked.gateway.caller("betty", "break-glass")
    betty.mutate("controlPlaneExecutionBreakGlass", "status", value)
    for path in ("/all", "/broken"):
        receiver.wait(lambda path=path: len(overrides(receiver, run, path)) >= 1)


def overrides(receiver: Receiver, run: JsonObject, path: str) -> list[Message]:
    """What was told on a path of glass that was broken for a run."""
    return [
        message
        for message in list(receiver.messages)
        if message.path == path
        and message.event["type"] == "controlPlane.execution.override.used"
        and message.event["data"]["executionId"] == run["executionId"]
    ]


def test_a_receiver_that_was_down_misses_nothing(tmp_path: Path) -> None:
    receiver = Receiver().start()
    world = make_world(tmp_path, **settings(tmp_path, receiver, scale="0.00005"))
    try:
        receiver.stop()
        run = completed_run(world)
        wait_until(lambda: any(one["lastError"] for one in of_run(world, run)), 20)
        receiver.start()
        receiver.wait(lambda: len(told_of(receiver, run)) >= len(KINDS))
        assert set(receiver.ids().values()) == {1}
    finally:
        end_world(world)
        receiver.stop()


def test_what_is_pending_at_a_stop_is_sent_after_the_next_start(tmp_path: Path) -> None:
    receiver = Receiver(lambda _: (503, {"Retry-After": "2"})).start()
    world = make_world(tmp_path, **settings(tmp_path, receiver))
    try:
        run = completed_run(world)
        receiver.wait(lambda: len(told_of(receiver, run)) >= 1)
        assert world.gateway.stop() == 0
        receiver.answer = lambda _: (204, {})
        world.gateway.start()
        wait_until(lambda: len(of_run(world, run, status="DELIVERED")) >= len(KINDS), 20)
        kinds = {message.event["type"] for message in told_of(receiver, run)}
        assert kinds == set(KINDS)
        assert world.gateway.command("audit", "verify").returncode == 0
    finally:
        end_world(world)
        receiver.stop()


# --- dead letters


def test_a_dead_letter_is_listed_and_replayed_under_the_same_id(
    hooked: World, receiver: Receiver
) -> None:
    run = completed_run(hooked)
    dead = delivery_of(hooked, run, "broken", "DEAD")
    assert (dead["attempts"], dead["lastStatus"]) == (10, 500)
    assert dead["lastError"] == "The receiver answered 500."
    assert dead["deliveryId"] in [one["deliveryId"] for one in listed(hooked.olga, status="DEAD")]
    before = receiver.ids()[dead["deliveryId"]]
    assert before == 10

    moods = receiver.answer
    assert isinstance(moods, Moods)
    moods.well = True
    try:
        value = {"deliveryId": dead["deliveryId"], "replayedBy": "olga"}
        answered = hooked.olga.mutate(*REPLAY, value)
        assert (answered["deliveryId"], answered["status"]) == (dead["deliveryId"], "PENDING")
        done = delivery_of(hooked, run, "broken", "DELIVERED")
    finally:
        moods.well = False
    assert (done["deliveryId"], done["eventId"]) == (dead["deliveryId"], dead["eventId"])
    assert receiver.ids()[dead["deliveryId"]] == before + 1
    again = [one for one in receiver.messages if one.id == dead["deliveryId"]]
    assert len({message.body for message in again}) == 1
    assert again[-1].signed_by(SECRET)


def test_what_was_delivered_can_be_replayed_too(hooked: World, receiver: Receiver) -> None:
    run = completed_run(hooked)
    receiver.wait(lambda: len(told_of(receiver, run)) >= len(KINDS))
    done = next(one for one in of_run(hooked, run) if one["type"] == COMPLETED)
    wait_until(lambda: done["deliveryId"] in delivered(hooked), 20)
    hooked.olga.mutate(*REPLAY, {"deliveryId": done["deliveryId"], "replayedBy": "olga"})
    receiver.wait(lambda: receiver.ids()[done["deliveryId"]] == 2)


def delivered(world: World) -> list[str]:
    return [one["deliveryId"] for one in listed(world.olga, status="DELIVERED", limit=200)]


def test_what_is_pending_cannot_be_replayed(hooked: World, receiver: Receiver) -> None:
    run = completed_run(hooked)
    pending = delivery_of(hooked, run, "later", "PENDING")
    refused = hooked.olga.refused(
        *REPLAY, {"deliveryId": pending["deliveryId"], "replayedBy": "olga"}
    )
    assert (refused["code"], refused["http"]["status"]) == ("CONFLICT", 409)
    assert "PENDING" in refused["problem"]["detail"]


# --- who may, and what is malformed


def test_only_admins_list_and_replay(hooked: World) -> None:
    run = completed_run(hooked)
    dead = delivery_of(hooked, run, "broken", "DEAD")
    for who, roles in (("ulla", ("user",)), ("pia", ("planner",)), ("fiona", ("approver",))):
        caller = hooked.gateway.caller(who, *roles)
        value = {"deliveryId": dead["deliveryId"], "replayedBy": who}
        assert caller.refused(*REPLAY, value)["code"] == "FORBIDDEN", who
        assert caller.refused(*LIST, {}, kind="query")["code"] == "FORBIDDEN", who
    nobody = hooked.gateway.anonymous()
    value = {"deliveryId": dead["deliveryId"], "replayedBy": "x"}
    assert nobody.refused(*REPLAY, value)["code"] == "UNAUTHENTICATED"
    assert nobody.refused(*LIST, {}, kind="query")["code"] == "UNAUTHENTICATED"
    assert delivery_of(hooked, run, "broken", "DEAD")["updatedAt"] == dead["updatedAt"]


def test_nobody_replays_in_anothers_name(hooked: World) -> None:
    dead = delivery_of(hooked, completed_run(hooked), "broken", "DEAD")
    value = {"deliveryId": dead["deliveryId"], "replayedBy": "fiona"}
    assert hooked.olga.refused(*REPLAY, value)["code"] == "FORBIDDEN"


def test_deliveries_of_another_workspace_are_not_there(hooked: World) -> None:
    dead = delivery_of(hooked, completed_run(hooked), "broken", "DEAD")
    stranger = hooked.gateway.caller("olga", "admin", workspace="globex")
    assert {one["endpointId"] for one in listed(stranger)} <= {"foreign"}
    assert listed(stranger, endpointId="broken") == []
    theirs, none = (
        stranger.refused(*REPLAY, {"deliveryId": own, "replayedBy": "olga"})["problem"]
        for own in (dead["deliveryId"], "msg_none")
    )
    assert theirs["code"] == none["code"] == "NOT_FOUND"
    assert theirs["detail"].replace(dead["deliveryId"], "msg_none") == none["detail"]


@pytest.mark.parametrize("value", [{"limit": 0}, {"limit": 201}, {"offset": -1}])
def test_a_page_out_of_range_is_refused(hooked: World, value: JsonObject) -> None:
    assert hooked.olga.refused(*LIST, value, kind="query")["code"] == "VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("call", "kind", "value"),
    [
        (LIST, "query", {"status": "LOST"}),
        (LIST, "query", {"endpointId": {"a": 1}}),
        (LIST, "query", {"colour": "red"}),
        (REPLAY, "mutation", {"replayedBy": "olga"}),
        (REPLAY, "mutation", {"deliveryId": None, "replayedBy": "olga"}),
        (REPLAY, "mutation", {"deliveryId": "msg_1", "replayedBy": "olga", "x": 1}),
    ],
)
def test_malformed_input_is_refused(
    hooked: World, call: tuple[str, str], kind: str, value: JsonObject
) -> None:
    refused = hooked.olga.refused(*call, value, kind=kind)
    assert refused["http"]["status"] in (400, 422)


def test_a_page_holds_what_was_asked_for(hooked: World) -> None:
    run = completed_run(hooked)
    # All of it is listed: what came in between two pages would move the second one.
    wait_until(lambda: len(of_run(hooked, run)) >= len(KINDS), 20)
    first = hooked.olga.query(*LIST, {"limit": 2, "endpointId": "all"})
    second = hooked.olga.query(*LIST, {"limit": 2, "offset": 2, "endpointId": "all"})
    ids = [one["deliveryId"] for page in (first, second) for one in page["items"]]
    assert len(set(ids)) == 4
    assert first["total"] >= 4


def test_replays_and_dead_letters_are_in_the_record_and_it_verifies(hooked: World) -> None:
    dead = delivery_of(hooked, completed_run(hooked), "broken", "DEAD")
    hooked.olga.mutate(*REPLAY, {"deliveryId": dead["deliveryId"], "replayedBy": "olga"})
    verified = hooked.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    raw = base64.b64decode(SECRET.removeprefix("whsec_"))
    for path in hooked.gateway.data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert SECRET.encode() not in content
        assert raw not in content
    assert SECRET not in hooked.gateway.log()


# --- the settings


def test_a_gateway_does_not_start_with_a_file_that_it_cannot_honour(tmp_path: Path) -> None:
    file = tmp_path / "webhooks.yaml"
    file.write_text("- id: a\n  workspace: acme\n  url: https://10.0.0.1\n  secret: ${secret:NO}\n")
    told = serve(tmp_path, GATEWAY_WEBHOOKS=str(file))
    assert "WEBHOOKS_INVALID" in told
    for place in ("webhooks.yaml:1:3", "webhooks.yaml:3:8", "webhooks.yaml:4:11"):
        assert place in told
    assert "Traceback" not in told


def test_a_file_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    told = serve(tmp_path, GATEWAY_WEBHOOKS=str(tmp_path / "none.yaml"))
    assert "SETTINGS_INVALID" in told
    assert "GATEWAY_WEBHOOKS" in told


def serve(folder: Path, **env: str) -> str:
    """What a gateway says that must refuse to start."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    command = [*GATEWAY, "serve", "--port", "0", "--data-dir", str(folder / "data")]
    done = run_to_end(command, env={**clean, **env}, stderr=subprocess.STDOUT)
    assert done.returncode == 2
    return done.stdout


def test_a_stop_waits_neither_for_slow_receivers_nor_for_open_streams(tmp_path: Path) -> None:
    release = threading.Event()

    def never(_: Message) -> Answer:
        release.wait(30)
        return 204, {}

    receiver = Receiver(never).start()
    world = make_world(tmp_path, **settings(tmp_path, receiver, scale="1"))
    try:
        stream = {"accept": "text/event-stream", "authorization": f"Bearer {world.olga.token}"}
        body, url = {"query": FOLLOW}, f"{world.gateway.url}/graphql"
        with (
            following(world, world.olga, after=here(world)) as socket,
            HTTP.stream("POST", url, json=body, headers=stream) as told,
        ):
            world.submit()
            next_event(socket)
            receiver.wait(lambda: bool(receiver.messages))
            began = time.monotonic()
            assert world.gateway.stop() == 0
            assert time.monotonic() - began < 5
            with pytest.raises(ConnectionClosed) as closed:
                read_on(socket)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason[:11]) == (1001, "Going away:")
            assert '"code":"SERVICE_UNAVAILABLE"' in told.read().decode()
    finally:
        release.set()
        end_world(world)
        receiver.stop()
