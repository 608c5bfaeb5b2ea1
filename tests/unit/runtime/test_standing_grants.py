"""Standing grants: consent beforehand, for exactly what it names, as often as it says."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.journal import rebuild_matches
from gateway.model.action import Declined, Unknown
from gateway.model.entry import EntryType
from gateway.model.execution import RunMode
from gateway.model.grant import MAX_ACTIVE_GRANTS, Grant, GrantFilter
from gateway.model.ports import Page
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.time import after, stamp
from gateway.runtime import GrantTerms, check_pattern
from tests.unit.runtime.loop_world import (
    AGENT,
    FIONA,
    FRANK,
    OLGA,
    VERDICT,
    WORKSPACE,
    LoopWorld,
    person,
    step,
)

pytestmark = pytest.mark.anyio

ANY = {"$any": True}
HIGH = step("a", "cash", amount=500)
PATTERN = {"id": "a", "amount": {"$max": 500}, "email": None}
BUSY = Declined("BUSY", "Busy.", 503, retryable=True)


async def granted(
    world: LoopWorld,
    *,
    issuer: Principal = FIONA,
    arguments: dict[str, Any] = PATTERN,
    name: str = "shop.cash",
    uses: int = 1,
    seconds: float = 600,
    **more: Any,
) -> str:
    found = world.registry.resolve(name)
    assert found is not None
    terms = GrantTerms(
        contract=found,
        arguments=check_pattern(found, arguments, "/input/arguments"),
        requester=more.get("requester", "agent-7"),
        requester_type=more.get("requester_type"),
        max_uses=uses,
        expires_at=after(stamp(world.clock.now()), seconds),
        reason="Small repairs.",
    )
    return await world.journal.write(lambda tx: world.loop.grants.issue(tx, issuer, terms))


async def grant_of(world: LoopWorld, grant_id: str) -> Grant:
    found = await world.journal.read(lambda records: records.grant(WORKSPACE, grant_id))
    assert found is not None
    return found


async def went(world: LoopWorld, *steps: dict[str, Any], **how: Any) -> str:
    execution_id = await world.begin(*(steps or (HIGH,)), **how)
    await world.advance(execution_id)
    return execution_id


async def let_go(world: LoopWorld, **how: Any) -> bool:
    """Whether a run of the large payment went without anybody being asked."""
    execution_id = await went(world, **how)
    asked = await world.entries(execution_id, EntryType.APPROVAL_REQUESTED)
    status = await world.status(execution_id)
    assert status == ("waiting_approval" if asked else "completed")
    return not asked


async def test_a_grant_lets_the_action_go_and_the_trace_says_which(world: LoopWorld) -> None:
    grant_id = await granted(world)
    execution_id = await went(world)
    assert await world.status(execution_id) == "completed"
    (used,) = await world.entries(execution_id, EntryType.GRANT_USED)
    (sent,) = await world.entries(execution_id, EntryType.STEP_DISPATCHED)
    assert sent.body["grantId"] == grant_id == used.body["grantId"]
    assert "approvalId" not in sent.body
    assert (used.body["uses"], used.body["issuer"], used.at) == (1, "fiona", sent.at)
    assert (await grant_of(world, grant_id)).uses == 1


async def test_a_grant_is_used_as_often_as_it_says_and_then_people_are_asked(
    world: LoopWorld,
) -> None:
    await granted(world, uses=2)
    assert [await let_go(world) for _ in range(3)] == [True, True, False]


async def test_two_runs_at_once_cannot_overuse_a_grant(world: LoopWorld) -> None:
    grant_id = await granted(world, uses=3)
    runs = [await world.begin(HIGH) for _ in range(8)]
    loops = [world.process() for _ in runs]
    pairs = zip(runs, loops, strict=True)
    await asyncio.gather(*(world.advance(run, loop) for run, loop in pairs))
    assert sorted([await world.status(run) for run in runs]) == (
        ["completed"] * 3 + ["waiting_approval"] * 5
    )
    assert (await grant_of(world, grant_id)).uses == 3
    assert len(world.actions.made("cash")) == 3


async def test_two_steps_of_one_turn_take_a_use_each(world: LoopWorld) -> None:
    grant_id = await granted(world, arguments={**PATTERN, "id": ANY}, uses=1)
    execution_id = await went(world, HIGH, {**HIGH, "key": "b"})
    assert await world.status(execution_id) == "waiting_approval"
    assert len(world.actions.made("cash")) == 1
    assert (await grant_of(world, grant_id)).uses == 1


@pytest.mark.parametrize(
    "more",
    [
        {"arguments": {**PATTERN, "amount": {"$max": 499.99}}},
        {"arguments": {**PATTERN, "id": "b"}},
        {"arguments": {**PATTERN, "email": "ada@example.com"}},
        {"requester": "agent-8"},
        {"requester": None, "requester_type": PrincipalType.SERVICE},
        {"requester": "agent-7", "requester_type": PrincipalType.HUMAN},
        {"name": "shop.two", "arguments": {"id": "a"}},
    ],
)
async def test_what_a_grant_does_not_name_is_asked_for(
    world: LoopWorld, more: dict[str, Any]
) -> None:
    await granted(world, **more)
    assert not await let_go(world)


@pytest.mark.parametrize(
    "more",
    [
        {"requester": None, "requester_type": PrincipalType.AGENT},
        {"requester_type": PrincipalType.AGENT},
        {"arguments": {"id": ANY, "amount": ANY, "email": ANY}},
        {"arguments": {"id": "a", "amount": 500, "email": None}},
    ],
)
async def test_what_a_grant_names_goes(world: LoopWorld, more: dict[str, Any]) -> None:
    await granted(world, **more)
    assert await let_go(world)


async def test_a_grant_expires_by_itself(world: LoopWorld) -> None:
    await granted(world, seconds=60)
    world.clock.forward(60)
    assert not await let_go(world)


async def test_revoking_takes_effect_on_the_next_dispatch(world: LoopWorld) -> None:
    grant_id = await granted(world, uses=2)
    assert await let_go(world)
    await world.journal.write(lambda tx: world.loop.grants.revoke(tx, FRANK, grant_id, "doubts"))
    assert not await let_go(world)
    assert (await grant_of(world, grant_id)).revoked_by == "frank"
    with pytest.raises(ProblemError) as refused:
        await world.journal.write(lambda tx: world.loop.grants.revoke(tx, FRANK, grant_id, None))
    assert refused.value.problem.code == "CONFLICT"
    assert (refused.value.problem.extra or {})["currentStatus"] == "REVOKED"


@pytest.mark.parametrize("starter", ["olga", "fiona"])
async def test_nobody_grants_what_he_brings_about(world: LoopWorld, starter: str) -> None:
    await granted(world)
    execution = await world.verify(await world.compile([HIGH]))
    revision = world.loop.policies.revision
    mode = RunMode.AUTONOMOUS
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, execution, mode, starter, revision)
    )
    await world.advance(execution.id)
    expected = "waiting_approval" if starter == "fiona" else "completed"
    assert await world.status(execution.id) == expected


async def test_an_issuer_who_submits_or_compiles_is_asked_for_like_anybody(
    world: LoopWorld,
) -> None:
    planner = person("planner", "approver")
    await granted(world, issuer=planner)
    await granted(world, requester="fiona")
    assert not await let_go(world)
    assert not await let_go(world, who=FIONA)


async def test_the_issuer_must_hold_the_role_that_policy_names_at_the_use(
    world: LoopWorld,
) -> None:
    await granted(world)
    await world.decide_by(VERDICT.replace("assist, approver, 1, 1h", "assist, admin, 1, 1h"))
    assert not await let_go(world)
    await granted(world, issuer=person("ada", "admin"))
    assert await let_go(world)


async def test_a_grant_replaces_none_of_several_people(world: LoopWorld) -> None:
    await granted(world, name="shop.two", arguments={"id": "a"})
    execution_id = await went(world, step("a", "two"))
    assert await world.status(execution_id) == "waiting_approval"


async def test_a_run_in_assist_mode_asks_all_the_same(world: LoopWorld) -> None:
    await granted(world)
    assert not await let_go(world, mode=RunMode.ASSIST)


async def test_a_dry_run_takes_no_use(world: LoopWorld) -> None:
    grant_id = await granted(world)
    await went(world, mode=RunMode.DRY_RUN)
    assert (await grant_of(world, grant_id)).uses == 0


async def test_a_grant_leaves_alone_what_was_asked_already(world: LoopWorld) -> None:
    execution_id = await went(world)
    await granted(world)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"


async def test_a_grant_opens_nothing_that_policy_blocks(world: LoopWorld) -> None:
    await granted(world)
    execution = await world.verify(await world.compile([HIGH]))
    blocks = VERDICT.replace(
        "amount > 100, assist, approver, 1, 1h, -", "amount > 100, blocked, -, -, -, -"
    )
    await world.decide_by(blocks)
    assert (await world.verify(execution)).status.value == "blocked"


async def test_a_retry_of_the_same_round_takes_no_further_use(world: LoopWorld) -> None:
    world.actions.will("cash", BUSY)
    grant_id = await granted(world)
    execution_id = await went(world)
    world.clock.forward(3600)  # the grant has expired meanwhile
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    sent = await world.entries(execution_id, EntryType.STEP_DISPATCHED)
    assert [entry.body["grantId"] for entry in sent] == [grant_id, grant_id]
    assert len(await world.entries(execution_id, EntryType.GRANT_USED)) == 1
    assert (await grant_of(world, grant_id)).uses == 1


async def test_another_round_after_an_operators_retry_takes_another_use(world: LoopWorld) -> None:
    world.actions.will("cash", Declined("REFUSED", "No.", 409))
    grant_id = await granted(world, uses=2)
    execution_id = await went(world)
    execution = await world.execution(execution_id)
    assert execution.status.value == "failed"
    await world.journal.write(lambda tx: world.loop.operator.retry(tx, execution, "olga"))
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert (await grant_of(world, grant_id)).uses == 2


async def test_a_retry_under_a_revoked_grant_is_asked_for(world: LoopWorld) -> None:
    world.actions.will("cash", BUSY)
    grant_id = await granted(world, uses=5)
    execution_id = await went(world)
    await world.journal.write(lambda tx: world.loop.grants.revoke(tx, FIONA, grant_id, None))
    world.clock.forward(60)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert len(world.actions.made("cash")) == 1


async def test_an_attempt_that_the_rate_limit_holds_back_takes_no_use(world: LoopWorld) -> None:
    every = VERDICT.replace(
        "p, 10,", "p, 5, *, *, shop.slow, *, true, assist, approver, 1, 1h, -\np, 10,"
    )
    await world.decide_by(every)
    grant_id = await granted(world, name="shop.slow", arguments={"id": ANY}, uses=5)
    first, second = await went(world, step("a", "slow")), await went(world, step("a", "slow"))
    assert await world.status(first) == "completed"
    assert await world.entries(second, EntryType.STEP_RETRYING)
    assert (await grant_of(world, grant_id)).uses == 1


async def test_a_grant_is_bound_to_the_contract_that_it_was_issued_for(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await granted(world)
    found = world.registry.resolve("shop.cash")
    assert found is not None
    other = replace(found, digest="f" * 64)
    changed = {**world.registry.operations, other.ref: other}  # as after a restart
    monkeypatch.setattr(world.registry, "operations", changed)
    monkeypatch.setitem(world.registry._owners, "shop.cash", other)
    assert not await let_go(world)


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (AGENT, "Only people"),
        (person("bot", "approver", kind=PrincipalType.SERVICE), "Only people"),
        (person("gus"), "'approver'"),
    ],
)
async def test_who_may_not_issue_a_grant(world: LoopWorld, who: Principal, told: str) -> None:
    with pytest.raises(ProblemError) as refused:
        await granted(world, issuer=who)
    assert refused.value.problem.code == "FORBIDDEN"
    assert told in refused.value.problem.detail


async def test_workspaces_are_separate(world: LoopWorld) -> None:
    elsewhere = person("fiona", "approver", workspace="beta")
    grant_id = await granted(world, issuer=elsewhere)
    assert not await let_go(world)
    with pytest.raises(ProblemError) as refused:
        await world.journal.write(lambda tx: world.loop.grants.revoke(tx, OLGA, grant_id, None))
    assert refused.value.problem.code == "NOT_FOUND"


async def test_pii_of_a_pattern_is_sealed_and_matched_all_the_same(world: LoopWorld) -> None:
    pattern = {"id": ANY, "amount": ANY, "email": "ada@example.com"}
    grant = await grant_of(world, await granted(world, arguments=pattern, uses=2))
    assert set(grant.arguments["email"]) == {"$sealed"}
    assert grant.arguments["id"] == ANY
    fits = step("a", "cash", amount=500, email="ada@example.com")
    other = step("a", "cash", amount=500, email="eve@example.com")
    assert await world.status(await went(world, fits)) == "completed"
    assert await world.status(await went(world, other)) == "waiting_approval"
    anybody = {"id": ANY, "amount": ANY, "email": ANY}
    assert (await grant_of(world, await granted(world, arguments=anybody))).arguments == anybody


async def test_the_grant_that_expires_first_is_used_first(world: LoopWorld) -> None:
    late, early = await granted(world, seconds=900), await granted(world, seconds=300)
    assert await let_go(world)
    assert (await grant_of(world, late)).uses == 0
    assert (await grant_of(world, early)).uses == 1


async def test_active_grants_for_a_contract_are_bounded(world: LoopWorld) -> None:
    for _ in range(MAX_ACTIVE_GRANTS):
        await granted(world)
    with pytest.raises(ProblemError) as refused:
        await granted(world)
    assert refused.value.problem.code == "LIMIT_EXCEEDED"
    await granted(world, name="shop.two", arguments={"id": "a"})


async def test_grants_are_listed_by_whether_they_are_active(world: LoopWorld) -> None:
    spent, revoked, expired, active = [
        await granted(world, seconds=seconds) for seconds in (300, 301, 302, 900)
    ]
    assert await let_go(world)
    await world.journal.write(lambda tx: world.loop.grants.revoke(tx, FIONA, revoked, None))
    world.clock.forward(600)

    async def listed(which: bool | None) -> tuple[list[str], int]:
        now = stamp(world.clock.now())
        found, total = await world.journal.read(
            lambda records: records.grants(GrantFilter(WORKSPACE, now, which), Page(10))
        )
        return [f"{grant.id} {grant.status(now)}" for grant in found], total

    gone = [f"{expired} expired", f"{revoked} revoked", f"{spent} used_up"]
    assert await listed(True) == ([f"{active} active"], 1)
    assert await listed(False) == (gone, 3)
    assert await listed(None) == ([f"{active} active", *gone], 4)


async def test_the_tables_can_be_folded_anew(world: LoopWorld) -> None:
    world.actions.will("cash", BUSY)
    first = await granted(world, uses=3)
    execution_id = await went(world)
    world.clock.forward(60)
    await world.advance(execution_id)
    await world.journal.write(lambda tx: world.loop.grants.revoke(tx, FIONA, first, "over"))
    assert rebuild_matches(world.journal.path) == []


async def test_a_grant_of_whoever_compiled_the_plan_in_other_letters_is_no_consent(
    world: LoopWorld,
) -> None:
    await granted(world, issuer=person("Planner", "approver"))
    assert not await let_go(world)


@pytest.mark.parametrize(("issuer", "asked"), [(FIONA, True), (FRANK, False)], ids=["own", "other"])
async def test_a_grant_of_whoever_settled_what_an_action_rests_on_is_no_consent(
    world: LoopWorld, issuer: Principal, asked: bool
) -> None:
    await granted(world, issuer=issuer)
    world.actions.will("plain", Unknown("Cut."))
    execution_id = await went(world, step("b", "plain"), {**HIGH, "dependsOn": ["b"]})
    await world.settle_by(FIONA, execution_id, "b")
    await world.advance(execution_id)
    assert await world.status(execution_id) == ("waiting_approval" if asked else "completed")
