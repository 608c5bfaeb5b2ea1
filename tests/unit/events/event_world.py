"""A loop on a real record with a feed of its events, and the people who follow them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.contracts import Registry
from gateway.events import EventFeed, announced
from gateway.journal import SqliteJournal
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.event import Announcement, EventFilter
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.principal import Principal, PrincipalType
from gateway.operations.events import list_all
from gateway.pipeline import Admitted, Call, CallRecorder
from gateway.policy import Policies
from tests.loaded import load_contracts
from tests.unit.runtime.loop_world import FILES, VERDICT, LoopWorld, SettableClock, contract, person

ROOT = Path(__file__).parents[3]
ACCESS = (ROOT / "policies" / "access.csv").read_text()
WATCHING = "p, watcher, *, controlPlane.event.list, call, allow\n"
EVERYTHING = EventFilter()

MAIL = {
    "mail.yaml": contract(
        "mail",
        "input: {id: ID!, email: EmailAddress}\noutput: {id: ID!}\n"
        "policy: {auth: user, pii: [email]}\nemits: [shop.mail.sent@1.0.0]\n",
    ),
    "sent.yaml": "key: shop.mail.sent\nversion: 1.0.0\nkind: event\ntitle: Sent\n"
    "description: It was sent.\ndomain: shop\nowners: [shop.desk]\n"
    "payload: {id: ID!, email: EmailAddress}\npii: [email]\n",
}

OLGA = person("olga", "admin")
RITA = person("rita", "admin", "pii.reader")
ROBOT = person("robot", "admin", "pii.reader", kind=PrincipalType.AGENT)
WATCH = Principal(PrincipalType.SERVICE, "watch", "acme", frozenset({"watcher"}))
UMA = person("uma")
ELSEWHERE = person("eve", "admin", workspace="other")

_registry: dict[None, Registry] = {}


def registry_of(folder: Path) -> Registry:
    """The built-in contracts and those of the shop; loaded once, for that takes a while."""
    if None not in _registry:
        folder.mkdir(parents=True)
        for name, text in (FILES | MAIL).items():
            (folder / name).write_text(text)
        _registry[None] = load_contracts([ROOT / "schema" / "control-plane", folder])
    return _registry[None]


class EventWorld(LoopWorld):
    """A world whose events can be followed; the feed decides by the policies of ``loop``."""

    feed: EventFeed
    recorder: CallRecorder

    @classmethod
    async def open(cls, folder: Path, verdict: str = VERDICT) -> "EventWorld":
        """A world in ``folder``, with its policies in force."""
        clock = SettableClock()
        registry = registry_of(folder / "schema")
        journal = await SqliteJournal.open(folder / "gateway.db", clock=clock, writer="writer-1")
        world = cls(folder, journal, clock, registry)
        await world.decide_by(verdict)
        world.recorder = CallRecorder(journal, world.sealer, clock)
        world.feed = world.new_feed(journal)
        return world

    def new_feed(self, journal: Any) -> EventFeed:
        """Another feed of this record."""
        return EventFeed(
            journal, self.registry, lambda: self.loop.policies, self.sealer, self.recorder
        )

    async def decide_by(self, verdict: str, *, in_force: bool = True, **files: str) -> Policies:
        """Go on under these rules; watchers may follow unless ``access`` says otherwise."""
        files = {"access": ACCESS + WATCHING, **files}
        return await super().decide_by(verdict, in_force=in_force, **files)

    async def append(
        self,
        kind: EntryType,
        body: JsonObject,
        execution_id: str | None = None,
        workspace: str = "acme",
    ) -> Entry:
        """Record a fact as it stands."""
        entry = NewEntry(kind, workspace, body, execution_id, "olga")
        return await self.journal.write(lambda tx: tx.append(entry))

    async def told(self, execution_id: str) -> list[Announcement]:
        """What the entries of an execution announce."""
        return await self.journal.read(
            lambda records: announced(records, records.entries(execution_id))
        )

    async def types(self, execution_id: str) -> list[str]:
        """The types of an execution's events, without their common prefix."""
        return [event.type.removeprefix("controlPlane.") for event in await self.told(execution_id)]

    async def listed(
        self, who: Principal = OLGA, after: str | None = None, limit: int = 200, **chosen: Any
    ) -> JsonObject:
        """One call of controlPlane.event.list."""
        value = {"filter": chosen, "limit": limit} | ({} if after is None else {"after": after})
        found = self.registry.operations["controlPlane.event.list@1.0.0"]
        policies = self.loop.policies
        admitted = Admitted(Call(found, value, who), value, policies.access(who, found))

        def query(records: Records) -> JsonObject:
            return list_all(self.loop, admitted, records)

        return await self.journal.read(query)

    async def everything(self, who: Principal = OLGA, **chosen: Any) -> list[JsonObject]:
        """All that controlPlane.event.list gives, page by page."""
        items: list[JsonObject] = []
        after = None
        while True:
            page = await self.listed(who, after, **chosen)
            items += page["items"]
            if page["cursor"] == after:
                return items
            after = page["cursor"]


async def take(events: AsyncIterator[JsonObject], count: int) -> list[JsonObject]:
    """The next ``count`` events; fails where they do not come."""
    async with asyncio.timeout(25):
        return [await anext(events) for _ in range(count)]


async def is_quiet(events: AsyncIterator[JsonObject], seconds: float = 0.05) -> bool:
    """True if no event comes for a while."""
    try:
        await asyncio.wait_for(anext(events), seconds)
    except TimeoutError:
        return True
    return False
