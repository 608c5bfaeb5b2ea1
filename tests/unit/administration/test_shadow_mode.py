"""The shadow follows the record: it begins, ends, resumes, and disturbs nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.administration import Scopes, Shadows
from gateway.model.contract import OperationContract
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.principal import Principal
from gateway.policy import PolicyRevision, apply_edits, build_revision
from gateway.policy.contents.content import PolicyContent
from gateway.policy.contents.diff import edits_between
from tests.unit.runtime.loop_world import AGENT, OLGA, LoopWorld, person

pytestmark = pytest.mark.anyio
TIGHTER = Edit(
    "verdict.csv",
    "p, 20, *, *, shop.cash, *, amount > 100, assist, approver, 1, 1h, -",
    "p, 20, *, *, shop.cash, *, amount > 50, assist, approver, 1, 1h, -",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class ShadowWorld:
    """A loop's world whose policies are recorded, with the shadows of one process."""

    def __init__(self, world: LoopWorld) -> None:
        self.world = world
        self.policies = world.loop.policies
        self.shadows = self.process("acme")

    def process(self, *whole: str) -> Shadows:
        scopes = Scopes(frozenset(whole))
        return Shadows(self.world.journal, self.policies, scopes, self.world.clock)

    async def append(self, kind: EntryType, workspace: str = "acme", **body: Any) -> None:
        entry = NewEntry(kind, workspace, body, actor="wanda")
        await self.world.journal.write(lambda tx: tx.append(entry))

    async def seed(self) -> None:
        """Record the content of the revision in force."""
        content = self.policies.current.content
        edits = [edit.to_json() for edit in edits_between(PolicyContent({}), content)]
        told = {"revision": content.revision, "source": "files", "parent": None, "edits": edits}
        await self.append(EntryType.POLICY_ACTIVATED, "", **told)

    async def draft(self, name: str, *edits: Edit, workspace: str = "acme") -> str:
        """A checked changeset; returns the revision that it results in."""
        base = self.policies.current.content
        edited = apply_edits(base, edits)
        await self.append(
            EntryType.POLICY_DRAFTED,
            workspace,
            changesetId=name,
            title="A change",
            reason="Needed.",
            base=base.revision,
            revision=edited.content.revision,
            edits=[edit.to_json() for edit in edits],
            findings=[],
            cases={},
            status="checked",
        )
        return edited.content.revision

    async def turn(self, name: str, on: bool) -> None:
        await self.append(EntryType.POLICY_SHADOWED, changesetId=name, on=on)

    async def reports(self) -> list[Entry]:
        """The reports that were recorded when a shadow ended."""
        entries = await self.world.journal.read(lambda records: records.entries_after(0, 1000))
        ended = [one for one in entries if one.type is EntryType.POLICY_SHADOWED]
        return [one for one in ended if "report" in one.body]

    def contract(self, key: str) -> OperationContract:
        found = self.world.registry.resolve(key)
        assert found is not None
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ShadowWorld]:
    made = ShadowWorld(await LoopWorld.open(tmp_path))
    await made.seed()
    yield made
    await made.shadows.stop()
    await made.world.journal.close()


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(400):
        if reached():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("too late")


def cash(world: ShadowWorld, amount: float, who: Principal = AGENT) -> str:
    """The verdict on one refund, which the witness sees."""
    value = {"id": "a", "amount": amount}
    return world.policies.verdict(who, world.contract("shop.cash"), value).verdict.value


async def test_differences_are_counted_and_change_nothing(world: ShadowWorld) -> None:
    revision = await world.draft("one", TIGHTER)
    await world.turn("one", True)
    await world.shadows.look()
    assert [cash(world, amount) for amount in (20, 60, 80, 150)] == [
        *("autonomous", "autonomous", "autonomous", "assist"),
    ]
    assert world.policies.access(AGENT, world.contract("shop.cash")).allowed
    report = world.shadows.report("one")
    assert report is not None
    assert report["revision"] == revision
    assert report["compared"] == {"total": 5, "verdict": 4, "access": 1}
    assert report["differing"] == 2
    (difference,) = report["differences"]
    assert (difference["change"], difference["count"]) == ("autonomous -> assist", 2)
    assert [set(example) for example in difference["examples"]] == [
        {"decisionId", "at", "principalType", "roles"}
    ] * 2
    assert report["errors"] == {"total": 0}
    assert report["cost"]["nanosecondsPerDecision"] > 0


async def test_other_workspaces_are_seen_by_those_who_administer_all(world: ShadowWorld) -> None:
    await world.draft("one", TIGHTER, workspace="beta")
    await world.turn("one", True)
    await world.shadows.look()
    cash(world, 60)
    cash(world, 60, person("bob", workspace="beta"))
    report = world.shadows.report("one")
    assert report is not None
    assert report["compared"]["total"] == 1


async def test_an_error_in_the_shadow_is_counted_and_nothing_else(
    world: ShadowWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.draft("one", TIGHTER)
    await world.turn("one", True)
    await world.shadows.look()

    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    witness: Any = world.policies.witness
    monkeypatch.setattr(witness.draft, "verdict", broken)
    assert cash(world, 60) == "autonomous"
    report = world.shadows.report("one")
    assert report is not None
    assert report["errors"] == {"total": 1, "RuntimeError": 1}
    assert report["compared"]["total"] == 1


async def test_it_ends_with_its_changeset_and_the_next_one_begins(world: ShadowWorld) -> None:
    await world.shadows.start()
    await world.draft("one", TIGHTER)
    await world.turn("one", True)
    world.shadows.changed()
    await until(lambda: world.shadows.report("one") is not None)
    cash(world, 60)
    await world.append(EntryType.POLICY_WITHDRAWN, changesetId="one", reason="No.")
    await world.draft("two", Edit("access.csv", add="p, user:sue, acme, shop.cash, call, deny"))
    await world.turn("two", True)
    world.shadows.changed()
    await until(lambda: world.shadows.report("two") is not None)
    ended = world.shadows.report("one")
    assert ended is not None
    assert ended["differing"] == 1
    (recorded,) = await world.reports()
    assert (recorded.body["changesetId"], recorded.body["on"]) == ("one", False)
    assert recorded.body["report"] == ended


async def test_a_revised_changeset_casts_no_shadow_any_more(world: ShadowWorld) -> None:
    await world.draft("one", TIGHTER)
    await world.turn("one", True)
    await world.shadows.look()
    base = world.policies.current.content
    edit = Edit("access.csv", add="p, user:sue, acme, shop.cash, call, deny")
    await world.append(
        EntryType.POLICY_REVISED,
        changesetId="one",
        title="A change",
        reason="Another.",
        base=base.revision,
        revision=apply_edits(base, [edit]).content.revision,
        edits=[edit.to_json()],
        findings=[],
        cases={},
        status="checked",
    )
    await world.shadows.look()
    assert world.policies.witness is None
    (recorded,) = await world.reports()
    assert recorded.body["on"] is False
    assert recorded.body["report"] == world.shadows.report("one")


async def test_a_later_process_resumes_from_zero(world: ShadowWorld) -> None:
    await world.draft("one", TIGHTER)
    await world.turn("one", True)
    await world.shadows.look()
    cash(world, 60)
    await world.shadows.stop()
    assert world.policies.witness is None
    world.world.clock.forward(60)
    later = world.process("acme")
    await later.start()
    report = later.report("one")
    assert report is not None
    assert report["compared"] == {"total": 0}
    assert report["since"] == "2026-03-01T09:31:00.000000Z"
    await later.stop()


async def test_another_revision_in_force_begins_the_counts_anew(world: ShadowWorld) -> None:
    await world.draft("one", TIGHTER)
    await world.turn("one", True)
    await world.shadows.look()
    cash(world, 60)
    before = world.policies.current
    content = apply_edits(before.content, [Edit("access.csv", add="g, user:sue, admin, acme")])
    after: PolicyRevision = build_revision(content.content, world.world.registry, Path())
    world.policies.adopt(after)
    cash(world, 80)
    report = world.shadows.report("one")
    assert report is not None
    assert (report["inForce"], report["differing"]) == (after.revision, 1)
    late = before.access(OLGA, world.contract("shop.cash"))
    witness: Any = world.policies.witness
    witness.saw_access(OLGA, world.contract("shop.cash"), late)
    again = world.shadows.report("one")
    assert again is not None
    assert (again["notCompared"], again["compared"]["total"]) == (1, 1)


async def test_memory_is_bounded_whatever_differs(world: ShadowWorld) -> None:
    await world.draft("one", Edit("access.csv", add="p, user, acme, *, call, deny"))
    await world.turn("one", True)
    await world.shadows.look()
    contracts = list(world.world.registry.operations.values())
    for _ in range(20):
        for one in contracts:
            world.policies.access(AGENT, one)
    report: JsonObject | None = world.shadows.report("one")
    assert report is not None
    assert report["differing"] == report["moreDiffering"] + sum(
        one["count"] for one in report["differences"]
    )
    assert all(len(one["examples"]) <= 5 for one in report["differences"])
