"""From the journal to a receiver: at least once, whatever fails on the way."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from gateway.actions import HostGuard, Secrets
from gateway.events import announced
from gateway.journal import SqliteJournal
from gateway.model.decision import Treatment
from gateway.model.delivery import Delivery, DeliveryFilter, DeliveryStatus
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.ports import Journal, Page, Records, Tx
from gateway.model.problem import refuse
from gateway.model.system import SystemClock
from gateway.model.time import after, stamp
from gateway.privacy import Keyring, KeyringSealer
from gateway.webhooks import Endpoint, WebhookParts, Webhooks, replayed
from gateway.webhooks import intake as intake_module
from gateway.webhooks import sender as sender_module
from gateway.webhooks import service as service_module
from gateway.webhooks.cloud_event import compose
from gateway.webhooks.endpoint import Roster
from gateway.webhooks.intake import Announce, Intake
from gateway.webhooks.post import Poster
from gateway.webhooks.schedule import Schedule
from gateway.webhooks.sender import PER_ENDPOINT
from tests.contract.journal_story import Story
from tests.webhook_receiver import OTHER_SECRET, SECRET, Answer, Message, Receiver

pytestmark = pytest.mark.anyio

T = TypeVar("T")
TLS = httpx.create_ssl_context()
QUICK = Schedule(lambda: 0.0, scale=1e-6)
SLOW = Schedule(lambda: 0.0, scale=1e6)
KINDS = [
    "controlPlane.intent.received",
    "controlPlane.plan.compiled",
    "controlPlane.execution.step.started",
    "controlPlane.execution.step.completed",
    "controlPlane.execution.completed",
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    started = Receiver().start()
    yield started
    started.stop()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    yield opened
    await opened.close()


class Failing:
    """A journal whose next ``write_fails`` units are not written, and that counts its reads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.write_fails = 0
        self.reads = 0

    async def write(self, unit: Callable[[Tx], T]) -> T:
        if self.write_fails > 0:
            self.write_fails -= 1
            raise refuse("SERVICE_UNAVAILABLE", "The disk is full.")
        return await self._journal.write(unit)

    async def record(self, unit: Callable[[Tx], None]) -> None:
        await self._journal.record(unit)

    async def read(self, query: Callable[[Records], T]) -> T:
        self.reads += 1
        return await self._journal.read(query)

    async def moved(self, after: int) -> None:
        await self._journal.moved(after)


def endpoint(receiver: Receiver, **more: Any) -> Endpoint:
    given = {
        "id": "hook",
        "workspace": "acme",
        "url": f"{receiver.url}/in",
        "secrets": ("${secret:S}",),
        "types": ("*",),
        "pii": Treatment.DROP,
    }
    return Endpoint(**(given | more))


@asynccontextmanager
async def running(
    journal: Journal,
    *endpoints: Endpoint,
    schedule: Schedule = QUICK,
    secrets: dict[str, str] | None = None,
    hosts: tuple[str, ...] = ("127.0.0.1:*",),
    announce: Announce = announced,
    patience: float = 5.0,
    seconds: float = 60.0,
    composing: Callable[..., bytes] = compose,
) -> AsyncIterator[Webhooks]:
    """Webhooks over a journal, with real HTTP."""
    clock = SystemClock()
    known = {"S": SECRET} if secrets is None else secrets
    with_keys = KeyringSealer(Keyring.open(Path(journal_folder(journal))))
    poster = Poster(HostGuard(hosts), Secrets(known), clock, timeout=seconds, tls=TLS)
    parts = WebhookParts(journal, clock, announce, partial(composing, with_keys), poster, schedule)
    webhooks = Webhooks(endpoints, parts)
    try:
        await webhooks.start()
        yield webhooks
    finally:
        await webhooks.stop(patience)


def journal_folder(journal: Any) -> Path:
    found: Path = getattr(journal, "_journal", journal).path.parent
    return found


async def tell(journal: Journal, *entries: NewEntry) -> None:
    await journal.write(lambda tx: [tx.append(entry) for entry in entries])


async def run(journal: Journal, name: str, workspace: str = "acme") -> None:
    await tell(journal, *Story(name, workspace).whole("x"))


async def until(reached: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - it is reached in other threads
            await asyncio.sleep(0.01)


async def deliveries(journal: Journal, status: str | None = None) -> list[Delivery]:
    which = DeliveryFilter("acme", status)
    found, _ = await journal.read(lambda records: records.deliveries(which, Page(200)))
    return found


async def settled(journal: Journal, count: int, status: str = "delivered") -> list[Delivery]:
    async with asyncio.timeout(60):
        while len(found := await deliveries(journal, status)) < count:  # noqa: ASYNC110 - a table
            await asyncio.sleep(0.01)
    return found


async def attempted(journal: Journal, count: int) -> list[Delivery]:
    """So many deliveries, each of them tried at least once."""
    async with asyncio.timeout(60):
        while True:
            found = [one for one in await deliveries(journal) if one.attempts]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.005)


async def entries_of(journal: Journal, kind: EntryType) -> list[Entry]:
    found = await journal.read(lambda records: records.entries_after(0, 10_000))
    return [entry for entry in found if entry.type is kind]


# --- what arrives


async def test_the_events_of_a_run_arrive_signed(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    both = endpoint(receiver, secrets=("${secret:NEW}", "${secret:S}"))
    async with running(journal, both, secrets={"NEW": OTHER_SECRET, "S": SECRET}):
        await run(journal, "a")
        await settled(journal, len(KINDS))
    assert sorted(event["type"] for event in receiver.events()) == sorted(KINDS)
    for message in receiver.messages:
        assert message.signed_by(SECRET)
        assert message.signed_by(OTHER_SECRET)
        assert not message.signed_by("whsec_" + "A" * 32)
        assert message.headers["content-type"] == "application/cloudevents+json"
        assert message.path == "/in"
        assert message.event["subject"] == "exec_a"
    assert set(receiver.ids().values()) == {1}
    assert len({event["id"] for event in receiver.events()}) == len(KINDS)


async def test_each_start_records_what_endpoints_are_shown(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    masked = endpoint(receiver, id="masked", pii=Treatment.MASK, types=("shop.*",))
    off = endpoint(receiver, id="off", enabled=False)
    for _ in range(2):
        async with running(journal, endpoint(receiver), masked, off):
            pass
    found = [entry.body for entry in await entries_of(journal, EntryType.WEBHOOK_SERVED)]
    told = [
        {"endpoint": "hook", "types": ["*"], "pii": "drop"},
        {"endpoint": "masked", "types": ["shop.*"], "pii": "mask"},
    ]
    assert found == told * 2


async def test_a_new_endpoint_begins_at_the_present_end(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    await run(journal, "before")
    async with running(journal, endpoint(receiver)):
        await run(journal, "after")
        await settled(journal, len(KINDS))
    assert {event["subject"] for event in receiver.events()} == {"exec_after"}


async def test_an_endpoint_gets_its_types_and_its_workspace_alone(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    narrow = endpoint(receiver, types=("controlPlane.execution.step.*",))
    async with running(journal, narrow):
        await run(journal, "b", "globex")
        await run(journal, "a")
        await settled(journal, 2)
        await asyncio.sleep(0.05)
    assert {event["type"] for event in receiver.events()} == set(KINDS[2:4])
    assert {event["source"] for event in receiver.events()} == {"/workspaces/acme"}


async def test_an_endpoint_that_moves_to_another_workspace_takes_nothing_along(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (500, {})
    async with running(journal, endpoint(receiver), schedule=SLOW):
        await run(journal, "a")
        await until(lambda: len(receiver.messages) >= len(KINDS))
    receiver.messages.clear()
    receiver.answer = lambda _: (204, {})
    async with running(journal, endpoint(receiver, workspace="globex")):
        await run(journal, "b", "globex")
        await until(lambda: len(receiver.messages) >= len(KINDS))
    assert {event["subject"] for event in receiver.events()} == {"exec_b"}


async def test_an_endpoint_that_left_its_workspace_is_named_and_misses_nothing_once_it_is_back(
    journal: SqliteJournal, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    left = "webhook endpoint hook of workspace acme is not in the file"
    async with running(journal, endpoint(receiver)):
        pass
    assert left not in caplog.text
    async with running(journal, endpoint(receiver, workspace="globex")):
        assert left in caplog.text
        await run(journal, "a")
        await run(journal, "b", "globex")
        await until(lambda: len(receiver.messages) >= len(KINDS))
    assert {event["subject"] for event in receiver.events()} == {"exec_b"}
    caplog.clear()
    both = endpoint(receiver), endpoint(receiver, workspace="globex")
    async with running(journal, *both):
        assert "is not in the file" not in caplog.text
        await settled(journal, len(KINDS))
    assert {event["subject"] for event in receiver.events()} == {"exec_a", "exec_b"}
    assert set(receiver.ids().values()) == {1}


async def test_endpoints_of_one_id_in_two_workspaces_have_nothing_in_common(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    receiver.answer = lambda message: (410 if message.path == "/in" else 204, {})
    other = endpoint(receiver, workspace="globex", url=f"{receiver.url}/other")
    async with running(journal, endpoint(receiver), other):
        await run(journal, "a")
        await settled(journal, 1, "dead")
        await run(journal, "b", "globex")
        await until(lambda: [one.path for one in receiver.messages].count("/other") == len(KINDS))


async def test_a_disabled_endpoint_gets_nothing_and_catches_up_when_it_is_enabled(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    async with running(journal, endpoint(receiver)):
        pass
    async with running(journal, endpoint(receiver, enabled=False)):
        await run(journal, "a")
        await asyncio.sleep(0.1)
    assert receiver.messages == []
    async with running(journal, endpoint(receiver)):
        await settled(journal, len(KINDS))
    assert set(receiver.ids().values()) == {1}


@pytest.mark.parametrize("others", [0, 1])
async def test_an_endpoint_that_was_disabled_from_the_first_gets_what_it_missed(
    journal: SqliteJournal, receiver: Receiver, others: int
) -> None:
    beside = [endpoint(receiver, id="other", types=("shop.*",))][:others]
    async with running(journal, endpoint(receiver, enabled=False), *beside):
        await run(journal, "missed")
    assert receiver.messages == []
    async with running(journal, endpoint(receiver), *beside):
        await until(lambda: len(receiver.ids()) == len(KINDS), seconds=10)
    assert {event["subject"] for event in receiver.events()} == {"exec_missed"}


async def test_an_endpoint_that_catches_up_holds_up_no_other(
    journal: SqliteJournal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that comes back after a year has much to take in before it is where the others are."""
    monkeypatch.setattr(intake_module, "PAGE", 2)
    back, other = endpoint(receiver, id="back"), endpoint(receiver, id="other")
    intake = Intake(journal, Roster((back, other)), announced, lambda: None)
    await intake.open([back])
    for name in "abcdef":
        await run(journal, name)
    await intake.open([other])
    await run(journal, "new")
    for _ in range(8):
        await intake.take()
    told = [one for one in await deliveries(journal) if one.endpoint == "other"]
    assert {one.type for one in told} == set(KINDS)
    while await intake.take() < await journal.read(lambda records: records.last_position()):
        pass
    queued = [one.endpoint for one in await deliveries(journal)]
    assert (queued.count("back"), queued.count("other")) == (7 * len(KINDS), len(KINDS))


async def test_many_events_arrive_and_few_are_on_their_way_at_once(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    most, now, lock = [0], [0], threading.Lock()
    gate = threading.Event()

    def slow(message: Message) -> Answer:
        if message.path != "/slow":
            return 204, {}
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.wait(30)
        with lock:
            now[0] -= 1
        return 204, {}

    receiver.answer = slow
    slow_one = endpoint(receiver, url=f"{receiver.url}/slow")
    other = endpoint(receiver, id="other", url=f"{receiver.url}/other")
    async with running(journal, slow_one, other):
        for name in "abcd":
            await run(journal, name)
        count = 4 * len(KINDS)
        # While the slow one holds up its own messages, the other has all of its.
        await settled(journal, count)
        await until(lambda: now[0] == PER_ENDPOINT)
        gate.set()
        await settled(journal, 2 * count)
    assert most[0] == PER_ENDPOINT
    assert set(receiver.ids().values()) == {1}


def paths(receiver: Receiver) -> list[str]:
    return [message.path for message in list(receiver.messages)]


async def test_slow_receivers_hold_up_nobody_else(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    release = threading.Event()

    def slow(message: Message) -> Answer:
        if message.path == "/slow":
            release.wait(30)
        return 204, {}

    receiver.answer = slow
    stuck = [endpoint(receiver, id=f"slow{n}", url=f"{receiver.url}/slow") for n in range(20)]
    try:
        async with running(journal, endpoint(receiver), *stuck, patience=0.1, seconds=30):
            await run(journal, "a")
            await until(lambda: paths(receiver).count("/in") == len(KINDS))
            assert {one.last_error for one in await deliveries(journal)} == {None}
    finally:
        release.set()


async def test_while_nothing_happens_nothing_is_read(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    watched = Failing(journal)
    async with running(watched, endpoint(receiver)):
        await run(journal, "a")
        await settled(journal, len(KINDS))
        async with asyncio.timeout(60):  # until what was begun is at its end
            before = -1
            while watched.reads != before:
                before = watched.reads
                await asyncio.sleep(0.3)


# --- what fails


async def test_a_failed_attempt_is_repeated_with_the_same_id(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    seen: set[str] = set()

    def once(message: Message) -> Answer:
        known = message.id in seen
        seen.add(message.id)
        return (204 if known else 500), {}

    receiver.answer = once
    async with running(journal, endpoint(receiver)):
        await run(journal, "a")
        found = await settled(journal, len(KINDS))
    assert set(receiver.ids().values()) == {2}
    assert len(receiver.ids()) == len(KINDS)
    assert {(one.attempts, one.last_status, one.last_error) for one in found} == {(2, 204, None)}
    for own in receiver.ids():
        first, again = (one for one in receiver.messages if one.id == own)
        assert first.body == again.body


async def test_a_receiver_that_is_down_gets_everything_when_it_is_back(
    journal: SqliteJournal,
) -> None:
    # The third attempt comes after 30 ms, the last of 10 after 29 s.
    later = Schedule(lambda: 0.0, scale=1e-4)
    bound = socket.socket()  # nobody else is given the port meanwhile
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    receiver = Receiver(port=bound.getsockname()[1])
    async with running(journal, endpoint(receiver), schedule=later):
        await run(journal, "a")
        waiting = await attempted(journal, len(KINDS))
        assert {one.last_error for one in waiting} == {"The connection failed (ConnectError)."}
        assert {one.status for one in waiting} == {DeliveryStatus.PENDING}
        receiver.start()
        await settled(journal, len(KINDS))
    receiver.stop()
    bound.close()
    assert set(receiver.ids().values()) == {1}


async def test_after_the_last_attempt_a_delivery_is_dead_and_the_journal_says_so(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (500, {})
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only):
        await run(journal, "a")
        (dead,) = await settled(journal, 1, "dead")
    assert receiver.ids() == {dead.id: 10}
    assert (dead.attempts, dead.last_status, dead.next_at) == (10, 500, None)
    (entry,) = await entries_of(journal, EntryType.WEBHOOK_DEAD)
    assert (entry.workspace, entry.execution_id) == ("acme", None)
    assert entry.body == {
        "endpoint": "hook",
        "deliveryId": dead.id,
        "eventId": dead.event_id,
        "attempts": 10,
        "lastStatus": 500,
    }


async def test_what_somebody_else_settled_meanwhile_is_not_told_of_again(
    journal: SqliteJournal, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a process that stood still led, and goes on."""
    may_answer = threading.Event()

    def slow(_: Message) -> Answer:
        may_answer.wait(25)
        return 410, {}

    receiver.answer = slow
    async with running(journal, endpoint(receiver, types=("controlPlane.execution.completed",))):
        await run(journal, "a")
        await until(lambda: bool(receiver.messages))
        (sent,) = await deliveries(journal)
        taken = replace(sent, status=DeliveryStatus.DELIVERED, next_at=None)
        assert await journal.write(lambda tx: tx.change_delivery(sent, taken))
        may_answer.set()
        await until(lambda: "answered 410" in caplog.text)
    assert await deliveries(journal) == [taken]
    assert "is dead" not in caplog.text


async def test_a_replayed_delivery_goes_out_again_under_its_id(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only):
        await run(journal, "a")
        (done,) = await settled(journal, 1)

        def replay(tx: Tx) -> None:
            tx.change_delivery(done, replayed(done, tx.now))
            tx.append(NewEntry(EntryType.WEBHOOK_REPLAYED, "acme", {"deliveryId": done.id}))

        await journal.write(replay)
        await until(lambda: receiver.ids()[done.id] == 2)


async def test_410_ends_the_endpoint_until_the_next_start(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (410, {})
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only):
        await run(journal, "a")
        (dead,) = await settled(journal, 1, "dead")
        assert (dead.attempts, dead.last_status) == (1, 410)
        await run(journal, "b")
        await asyncio.sleep(0.1)
        assert receiver.ids() == {dead.id: 1}
    receiver.answer = lambda _: (204, {})
    async with running(journal, only):
        (done,) = await settled(journal, 1)
        assert done.execution_id == "exec_b"
    assert len(await entries_of(journal, EntryType.WEBHOOK_DEAD)) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_holds_the_whole_endpoint_back(
    journal: SqliteJournal, receiver: Receiver, status: int
) -> None:
    came: list[float] = []

    def busy(_: Message) -> Answer:
        came.append(time.monotonic())
        return (status, {"Retry-After": "1"}) if len(came) == 1 else (204, {})

    receiver.answer = busy
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only):
        await run(journal, "a")
        await attempted(journal, 1)
        await run(journal, "b")
        await settled(journal, 2)
    first, *others = came
    assert len(others) == 2
    assert min(others) - first > 0.95


async def test_what_was_queued_before_the_clock_went_back_is_sent(
    tmp_path: Path, receiver: Receiver
) -> None:
    class Ahead:
        def now(self) -> datetime:
            return SystemClock().now() + timedelta(days=365)

    journal = await SqliteJournal.open(tmp_path / "gateway.db", clock=Ahead(), writer="w")
    async with running(journal, endpoint(receiver)):
        await run(journal, "a")
        await settled(journal, len(KINDS))
    await journal.close()
    assert set(receiver.ids().values()) == {1}


async def test_redirects_are_not_followed(journal: SqliteJournal, receiver: Receiver) -> None:
    elsewhere = Receiver().start()
    receiver.answer = lambda _: (307, {"Location": f"{elsewhere.url}/in"})
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only):
        await run(journal, "a")
        (dead,) = await settled(journal, 1, "dead")
    elsewhere.stop()
    assert elsewhere.messages == []
    assert dead.last_status == 307


async def test_a_host_that_may_not_be_called_gets_nothing(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only, hosts=()):
        await run(journal, "a")
        (dead,) = await settled(journal, 1, "dead")
    assert receiver.messages == []
    assert "is not at a public address" in (dead.last_error or "")


async def test_a_secret_that_is_missing_later_is_named_and_the_delivery_waits(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    known: dict[str, str] = {}
    slower = Schedule(lambda: 0.0, scale=1e-4)
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only, secrets=known, schedule=slower):
        await run(journal, "a")
        found = await attempted(journal, 1)
        assert found[0].last_error == "Nothing was sent: secret S is not set; set S or S_FILE."
        known["S"] = SECRET
        await settled(journal, 1)
    assert receiver.messages[0].signed_by(SECRET)


async def test_an_event_that_cannot_be_built_holds_up_no_other(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    lost = [False]

    def forgetful(records: Records, entries: Any) -> list[Any]:
        found = announced(records, entries)
        return [one for one in found if not lost[0] or not one.type.endswith("plan.compiled")]

    receiver.answer = lambda _: (500, {})
    async with running(journal, endpoint(receiver), schedule=SLOW, announce=forgetful):
        await run(journal, "a")
        await until(lambda: len(receiver.messages) >= len(KINDS))
    lost[0] = True
    receiver.answer = lambda _: (204, {})
    await journal.write(due_again)
    async with running(journal, endpoint(receiver), announce=forgetful):
        await settled(journal, len(KINDS) - 1)
        (dead,) = await settled(journal, 1, "dead")
    assert dead.last_error == "The event could not be built from the journal."


async def test_keys_that_are_not_to_be_had_for_a_while_cost_no_attempt(
    journal: SqliteJournal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "TROUBLE", 0.01)
    tries = [0]

    def without_keys(*given: Any) -> bytes:
        tries[0] += 1
        if tries[0] <= 12:  # more often than a message is tried
            raise refuse("SERVICE_UNAVAILABLE", "The root key cannot be used.")
        return compose(*given)

    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(journal, only, schedule=SLOW, composing=without_keys):
        await run(journal, "a")
        (done,) = await settled(journal, 1)
    assert (done.attempts, receiver.ids()) == (1, {done.id: 1})


async def test_what_never_gets_its_keys_holds_up_nothing_else(
    journal: SqliteJournal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of it than is on its way to one endpoint at the same time."""
    monkeypatch.setattr(sender_module, "TROUBLE", 0.01)
    ended = "controlPlane.execution.completed"

    def without_keys(*given: Any) -> bytes:
        if given[2].type != ended:
            raise refuse("SERVICE_UNAVAILABLE", "The root key cannot be used.")
        return compose(*given)

    async with running(journal, endpoint(receiver), schedule=SLOW, composing=without_keys):
        await run(journal, "a")
        await run(journal, "b")
        done = await settled(journal, 2)
        waiting = await deliveries(journal, "pending")

    assert {one.type for one in done} == {ended}
    assert len(waiting) > sender_module.PER_ENDPOINT
    assert {one.attempts for one in waiting} == {0}
    assert receiver.ids() == {one.id: 1 for one in done}


def due_again(tx: Tx) -> None:
    """As if the pauses were over."""
    found, _ = tx.deliveries(DeliveryFilter("acme", "pending"), Page(200))
    for one in found:
        tx.change_delivery(one, replayed(one, tx.now))


# --- crashes and failing writes


async def test_a_crash_between_taking_up_and_sending_strands_nothing(
    journal: SqliteJournal, receiver: Receiver, tmp_path: Path
) -> None:
    """The process ends while each message is taken up and none has been sent to its end."""
    reached, gate = threading.Event(), threading.Event()

    def hang(_: Message) -> Answer:
        reached.set()
        gate.wait(30)
        return 204, {}

    receiver.answer = hang
    async with running(journal, endpoint(receiver), patience=0.0):
        await run(journal, "a")
        await until(reached.is_set)
    gate.set()
    taken_up = set(receiver.ids())
    assert {one.status for one in await deliveries(journal)} == {DeliveryStatus.PENDING}
    await journal.close()

    receiver.answer = lambda _: (204, {})
    reopened = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    try:
        async with running(reopened, endpoint(receiver)):
            done = await settled(reopened, len(KINDS))
    finally:
        await reopened.close()
    assert set(receiver.ids()) == {one.id for one in done}
    assert taken_up <= set(receiver.ids())
    assert sorted({event["type"] for event in receiver.events()}) == sorted(KINDS)


async def test_a_failing_write_after_a_send_sends_no_new_message(
    journal: SqliteJournal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same message again, under the same id, so that a receiver can pass over it."""
    monkeypatch.setattr(sender_module, "TROUBLE", 0.02)
    failing = Failing(journal)

    def fail_next(_: Message) -> Answer:
        if len(receiver.messages) <= 2:
            failing.write_fails += 1
        return 204, {}

    receiver.answer = fail_next
    only = endpoint(receiver, types=("controlPlane.execution.completed",))
    async with running(failing, only):
        await run(journal, "a")
        (done,) = await settled(journal, 1)
        await asyncio.sleep(0.1)
    assert receiver.ids() == {done.id: 3}
    assert len({message.body for message in receiver.messages}) == 1
    assert len(await deliveries(journal)) == 1


async def test_a_failing_write_before_a_send_loses_no_event_and_queues_none_twice(
    journal: SqliteJournal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "TROUBLE", 0.02)
    failing = Failing(journal)
    async with running(failing, endpoint(receiver)):
        await asyncio.sleep(0.05)
        failing.write_fails = 3
        await run(journal, "a")
        await settled(journal, len(KINDS))
    assert set(receiver.ids().values()) == {1}
    assert len(receiver.ids()) == len(KINDS)


async def test_entries_are_taken_in_page_by_page_without_a_gap(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    async with running(journal, endpoint(receiver)):
        pass
    for number in range(30):  # some 240 entries: more than a page
        await run(journal, f"{number:02}")
    only = endpoint(receiver)
    async with running(journal, only):
        await settled(journal, 30 * len(KINDS))
    assert set(receiver.ids().values()) == {1}
    assert len({event["id"] for event in receiver.events()}) == 30 * len(KINDS)


async def test_no_secret_and_no_address_reach_the_record_or_the_log(
    journal: SqliteJournal, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = lambda _: (410, {})
    with_token = endpoint(receiver, url=f"{receiver.url}/token-hunter2")
    async with running(journal, with_token):
        await run(journal, "a")
        await settled(journal, 1, "dead")
    await journal.close()
    stored = content_of(tmp_path)
    for text in (SECRET.removeprefix("whsec_"), "hunter2"):
        assert text.encode() not in stored
        assert text not in caplog.text


def content_of(folder: Path) -> bytes:
    """Everything that the record holds on the disk."""
    return b"".join(path.read_bytes() for path in folder.glob("gateway.db*"))


# --- what is kept


async def test_however_many_were_settled_long_since_all_of_them_leave_the_queue(
    journal: SqliteJournal, receiver: Receiver
) -> None:
    def settled_at(moment: str, count: int, name: str) -> list[Delivery]:
        return [
            Delivery(
                f"msg_{name}_{number}", "acme", "hook", f"evt_{number}", 1, 0, KINDS[0], None,
                moment, moment, DeliveryStatus.DELIVERED,
            )
            for number in range(count)
        ]  # fmt: skip

    now = stamp(SystemClock().now())
    kept = settled_at(now, 3, "new")
    old = settled_at(after(now, -30 * 86_400), 6_000, "old")
    await journal.write(lambda tx: tx.queue_deliveries([*old, *kept]))
    async with running(journal, endpoint(receiver)), asyncio.timeout(60):
        while len(found := await deliveries(journal)) > len(kept):  # noqa: ASYNC110 - a table
            await asyncio.sleep(0.01)
    assert {one.id for one in found} == {one.id for one in kept}
