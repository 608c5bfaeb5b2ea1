"""Reviews of contracts from the record of a loop: grants, blocks, old entries, bounds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.auditing import Review, Span, review
from gateway.auditing.review import activations_in
from gateway.journal import open_audit
from gateway.model.audit_history import AuditHistory
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject
from gateway.model.policy import Activation
from gateway.model.ports import Page
from gateway.model.time import stamp
from gateway.runtime import GrantTerms
from tests.unit.events.event_world import EVERYTHING, OLGA, EventWorld, take
from tests.unit.runtime.loop_world import AGENT, FIONA, VERDICT, person, step

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.com"
PATTERN = {"id": "a", "amount": {"$max": 500}, "email": None}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[EventWorld]:
    made = await EventWorld.open(tmp_path)
    yield made
    made.feed.close()
    await made.journal.close()


async def asked(world: EventWorld, key: str, span: Span | None = None, **more: Any) -> JsonObject:
    """The review of ``shop.<key>``, over all time or a span."""
    await world.journal.write(lambda _: None)
    contract = f"shop.{key}"
    wanted = Review("acme", contract, world.registry.resolve(contract), span or Span(), **more)
    current = world.loop.policies.current
    with open_audit(world.folder / "gateway.db") as history:
        return review(
            history, wanted, lambda _, name: current if name == current.revision else None
        )


async def grant(world: EventWorld) -> None:
    contract = world.registry.operations["shop.cash@1.0.0"]
    until = stamp(world.clock.now() + timedelta(days=1))
    terms = GrantTerms(contract, PATTERN, AGENT.subject, None, 5, until, "They do it every day.")
    await world.journal.write(lambda tx: world.loop.grants.issue(tx, FIONA, terms))


async def test_a_grant_is_consent_when_it_is_issued_and_when_it_is_used(world: EventWorld) -> None:
    await grant(world)
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    found = await asked(world, "cash")
    issued, used = found["approved"]["items"]
    assert (issued["kind"], issued["by"], issued["hasNote"]) == ("GRANT_ISSUED", "fiona", True)
    assert (used["kind"], used["by"], used["role"]) == ("GRANT_USED", "fiona", "approver")
    assert used["executionId"] == execution_id
    assert used["requestedBy"] == AGENT.subject
    assert "amount > 100" in used["rule"]["text"]
    assert used["grantId"] == issued["grantId"]
    (done,) = found["did"]["items"]
    assert (done["kind"], done["outcome"], done["grantId"]) == (
        "STEP",
        "COMPLETED",
        used["grantId"],
    )
    assert (found["totals"]["grantsUsed"], found["totals"]["grantsIssued"]) == (1, 1)


ESCALATES = VERDICT.replace(
    "amount > 100, assist, approver, 1, 1h, -", "amount > 100, assist, approver, 1, 1h, 10m:chief"
)


async def test_after_an_escalation_each_consent_says_its_own_role(world: EventWorld) -> None:
    await world.decide_by(ESCALATES.replace("approver, 1", "approver, 2"))
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    world.clock.forward(600)
    await world.advance(execution_id)
    for who in (person("carla", "chief"), FIONA):
        await world.approve(execution_id, "a", who)
    items = (await asked(world, "cash"))["approved"]["items"]
    assert [(one["by"], one["role"]) for one in items] == [
        ("carla", "chief"),
        ("fiona", "approver"),
    ]
    rejected = await world.begin(step("a", "cash", amount=500))
    await world.advance(rejected)
    world.clock.forward(600)
    await world.advance(rejected)
    await world.reject(rejected, "a", person("carla", "chief"))
    assert (await asked(world, "cash"))["approved"]["items"][-1]["role"] == "chief"


async def test_a_step_that_verification_blocks_is_a_denial(world: EventWorld) -> None:
    execution = await world.verify(await world.compile([step("a", "never"), step("b", "plain")]))
    found = await asked(world, "never")
    (row,) = found["did"]["items"]
    assert (row["kind"], row["effect"], row["outcome"]) == ("STEP", "DENY", "BLOCKED")
    assert (row["executionId"], row["actor"]) == (execution.id, AGENT.subject)
    assert "critical" in row["rule"]["text"]
    assert found["totals"]["denied"] == 1
    assert (await asked(world, "plain"))["did"]["items"] == []


async def test_a_step_that_is_blocked_at_its_dispatch_is_a_denial(world: EventWorld) -> None:
    execution_id = await world.begin(step("a", "plain"))
    await world.decide_by("p, 1, *, *, shop.plain, *, true, blocked, -, -, -, -\n")
    await world.advance(execution_id)
    (row,) = (await asked(world, "plain"))["did"]["items"]
    assert (row["effect"], row["outcome"]) == ("DENY", "BLOCKED")
    assert row["rule"]["text"].endswith("true, blocked, -, -, -, -")


async def test_what_a_subscriber_saw_in_an_event_is_of_the_contract_that_emits_it(
    world: EventWorld,
) -> None:
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    execution_id = await world.begin(step("a", "mail", email=EMAIL))
    await world.advance(execution_id)
    await take(events, 6)
    await events.aclose()
    found = await asked(world, "mail")
    (row,) = found["saw"]["items"]
    assert (row["actor"], row["via"]) == ("olga", "controlPlane.event.list@1.0.0")
    assert row["fields"] == [
        {"contract": "shop.mail.sent@1.0.0", "field": "payload.email", "treatment": "MASK"}
    ]
    assert row["executions"] == [execution_id]
    assert (await asked(world, "plain"))["saw"]["items"] == []


async def test_an_answer_of_an_earlier_release_is_told_as_not_recorded(world: EventWorld) -> None:
    old = {"contract": "shop.read@1.0.0", "subject": "olga", "decision": {"effect": "allow"}}
    await world.append(EntryType.QUERY_ANSWERED, old)
    await world.append(EntryType.QUERY_ANSWERED, {**old, "seen": {}})
    found = await asked(world, "read")
    (row,) = found["saw"]["items"]
    assert (row["recorded"], row["fields"]) == (False, [])
    assert found["notRecorded"] == 1
    assert found["totals"]["calls"] == 2


async def test_a_revision_without_content_is_told_as_undecidable(world: EventWorld) -> None:
    before = world.loop.policies.revision
    await world.decide_by("p, 1, *, *, *, *, true, autonomous, -, -, -, -\n")
    found = await asked(world, "plain")
    assert found["could"]["undecidable"] == [before]
    assert {row["policyVersion"] for row in found["could"]["items"]} == {
        world.loop.policies.revision
    }


async def test_a_revision_that_decided_while_the_clock_was_hours_ahead_is_told(
    world: EventWorld,
) -> None:
    """The second of three came into force, and decided, before the clock was set back."""
    hours, begun = 3_600, world.clock.moment

    async def decides(number: int) -> str:
        await world.decide_by(f"p, {number}, *, *, *, *, true, autonomous, -, -, -, -\n")
        revision = world.loop.policies.revision
        body = {"contract": "shop.plain@1.0.0", "subject": "olga"}
        decision = {"effect": "allow", "policyRevision": revision}
        await world.append(EntryType.QUERY_ANSWERED, {**body, "decision": decision})
        return revision

    world.clock.forward(hours)
    names = [await decides(1)]
    world.clock.forward(10 * hours)
    names.append(await decides(2))
    world.clock.forward(-9 * hours)
    names.append(await decides(3))

    async def told(since: int, until: int) -> list[str]:
        moments = (stamp(begun + timedelta(hours=one)) for one in (since, until))
        found = await asked(world, "plain", Span(*moments))
        return [one["revision"] for one in found["policyRevisions"]][-2:]

    assert await told(10, 12) == names[1:]
    assert await told(2, 3) == [names[0], names[2]]
    assert (await told(20, 21)) == names[2:]


async def test_a_contract_that_is_gone_has_a_record_and_no_decisions(world: EventWorld) -> None:
    gone = {"contract": "shop.gone@1.0.0", "subject": "olga", "decision": {"effect": "allow"}}
    await world.append(EntryType.QUERY_ANSWERED, gone)
    found = await asked(world, "gone")
    assert (found["served"], found["totals"]["calls"]) == (False, 1)
    assert found["could"]["items"] == []
    assert found["could"]["undecidable"] == [world.loop.policies.revision]


async def test_a_long_span_goes_on_behind_what_was_looked_at(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"contract": "shop.read@1.0.0", "subject": "olga", "decision": {"effect": "allow"}}
    for _ in range(12):
        await world.append(EntryType.QUERY_ANSWERED, body)
    monkeypatch.setattr(import_module("gateway.auditing.review"), "MOST_LOOKED", 5)
    first = await asked(world, "read")
    assert first["complete"] is False
    found, after = first["did"]["items"], first["did"]["next"]
    while after is not None:
        page = await asked(world, "read", parts=("DID",), after=int(after))
        found += page["did"]["items"]
        after = page["did"].get("next")
    assert len({one["cursor"] for one in found}) == len(found) == 12


async def test_who_may_not_read_rules_is_told_none(world: EventWorld) -> None:
    await grant(world)
    await world.advance(await world.begin(step("a", "cash", amount=500)))
    found = await asked(world, "cash", rules=False)
    lists = [found[name]["items"] for name in ("could", "did", "approved")]
    assert all(lists)
    assert not any("rule" in row or "path" in row for rows in lists for row in rows)


class Activating:
    """A record into which one more activation comes after each page that is read."""

    def __init__(self, many: int) -> None:
        self.made = many

    def policy_activations(self, page: Page) -> tuple[list[Activation], int]:
        numbers = range(self.made, 0, -1)[page.offset : page.offset + page.limit]
        found = [
            Activation(one, f"sha256:{one}", None, "files", None, "", _moment(one))
            for one in numbers
        ]
        told = found, self.made
        self.made += 1
        return told


def _moment(number: int) -> str:
    return f"2026-01-01T00:00:{number // 100:02}.{number % 100:06}Z"


def test_an_activation_that_comes_between_two_pages_lists_none_twice() -> None:
    history = cast("AuditHistory", Activating(450))
    found = activations_in(history, Span(), frozenset())
    assert [one.number for one, _ in found] == list(range(1, 451))
    assert [until for _, until in found] == [*map(_moment, range(2, 451)), None]
