"""What voids a request says which of its terms changed: policy, grants, arguments or contract."""

from dataclasses import replace

import pytest

from gateway.model.entry import EntryType
from gateway.model.json import encode
from tests.unit.runtime.loop_world import FIONA, FRANK, POLICIES, VERDICT, LoopWorld, person, step

pytestmark = pytest.mark.anyio

HIGH = step("a", "cash", amount=500)
ACCESS = (POLICIES / "access.csv").read_text()
ASKS = "amount > 100, assist, approver, 1, 1h, -"


async def asked(world: LoopWorld) -> str:
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    return execution_id


async def void_reason(world: LoopWorld, execution_id: str) -> str:
    await world.advance(execution_id)
    (voided,) = await world.entries(execution_id, EntryType.APPROVAL_VOIDED)
    assert world.actions.made("cash") == []
    reason: str = voided.body["reason"]
    return reason


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ("amount > 200, assist, approver, 1, 1h, -", "the policy rule (now verdict.csv:2)."),
        ("amount > 100, assist, admin, 1, 1h, -", "approver role (it was approver, now admin)"),
        ("amount > 100, assist, approver, 2, 1h, -", "the quorum (it was 1, now 2)"),
        (
            "amount > 100, assist, approver, 1, 2h, -",
            "the time that a request stands (it was 1 hour, now 2 hours)",
        ),
        (
            "amount > 100, assist, approver, 1, 90m, -",
            "the time that a request stands (it was 1 hour, now 90 minutes)",
        ),
        (
            "amount > 100, assist, approver, 1, 3d, -",
            "the time that a request stands (it was 1 hour, now 3 days)",
        ),
        (
            "amount > 100, assist, approver, 1, 61s, -",
            "the time that a request stands (it was 1 hour, now 61 seconds)",
        ),
        (
            "amount > 100, assist, approver, 1, 1h, 5m:chief",
            "(it was none, now 5 minutes), the role that it escalates to (it was none, now chief)",
        ),
    ],
)
async def test_changed_policy_is_named(world: LoopWorld, asks: str, told: str, given: bool) -> None:
    execution_id = await asked(world)
    if given:
        await world.approve(execution_id, "a")
    await world.decide_by(VERDICT.replace(ASKS, asks))
    reason = await void_reason(world, execution_id)
    assert told in reason
    assert "the policy rule" in reason
    assert "grants" not in reason
    assert "arguments" not in reason
    assert await world.status(execution_id) == "waiting_approval"


async def test_a_policy_that_does_not_ask_or_blocks_is_named(world: LoopWorld) -> None:
    free, stopped = await asked(world), await asked(world)
    await world.decide_by(VERDICT.replace(ASKS, "amount > 100, autonomous, -, -, -, -"))
    await world.advance(free)
    (voided,) = await world.entries(free, EntryType.APPROVAL_VOIDED)
    assert (
        "does not ask for an approval any more: shop.cash runs by itself" in voided.body["reason"]
    )
    await world.decide_by(VERDICT.replace(ASKS, "amount > 100, blocked, -, -, -, -"))
    await world.advance(stopped)
    (voided,) = await world.entries(stopped, EntryType.APPROVAL_VOIDED)
    assert voided.body["reason"].startswith("What was asked has changed: policy. shop.cash: ")


@pytest.mark.parametrize("given", [True, False])
async def test_changed_grants_of_the_requester_are_named(world: LoopWorld, given: bool) -> None:
    execution_id = await asked(world)
    if given:
        await world.approve(execution_id, "a")
    await world.decide_by(VERDICT, access=ACCESS + "g, user:agent-7, trusted, *\n")
    reason = await void_reason(world, execution_id)
    assert reason == "What was asked has changed: the grants of the requester (now with trusted)."
    assert await world.status(execution_id) == "waiting_approval"


async def test_grants_that_were_taken_back_are_named(world: LoopWorld) -> None:
    await world.decide_by(VERDICT, access=ACCESS + "g, user:agent-7, trusted, *\n")
    execution_id = await asked(world)
    await world.decide_by(VERDICT)
    assert "now without trusted" in await void_reason(world, execution_id)


async def test_a_requester_who_may_not_call_it_any_more_is_named(world: LoopWorld) -> None:
    execution_id = await asked(world)
    denied = "p, user:agent-7, *, shop.cash, call, deny\n"
    await world.decide_by(VERDICT, access=ACCESS + denied)
    reason = await void_reason(world, execution_id)
    assert reason.startswith("What was asked has changed: the grants of the requester. Policy deni")
    assert await world.status(execution_id) == "failed"


async def test_grants_of_somebody_else_void_nothing(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.decide_by(VERDICT, access=ACCESS + "g, user:agent-8, trusted, *\n")
    await world.advance(execution_id)
    assert await world.entries(execution_id, EntryType.APPROVAL_VOIDED) == []


async def test_changed_arguments_are_named_without_their_values(world: LoopWorld) -> None:
    paid = {"id": "x", "amount": {"$from": "r.amount"}}
    execution_id = await world.begin(
        step("r", "read"), {"key": "a", "contract": "shop.cash", "input": paid}
    )
    await world.advance(execution_id)
    assert (await world.step(execution_id, "a")).status.value == "completed"  # 80.5 needs nobody

    execution_id = await world.begin(
        step("r", "read"),
        {"key": "a", "contract": "shop.two", "input": {"id": {"$from": "r.id"}}},
    )
    await world.advance(execution_id)
    read = await world.step(execution_id, "r")
    altered = encode({**(read.output or {}), "id": "secret-7"})
    await world.journal.run(
        lambda unit: unit._session._cursor.execute(
            "UPDATE step SET output = ? WHERE plan_id = ? AND id = ?",
            (altered, read.plan_id, read.id),
        )
    )
    await world.advance(execution_id)
    (voided,) = await world.entries(execution_id, EntryType.APPROVAL_VOIDED)
    assert voided.body["reason"] == "What was asked has changed: the arguments."


async def test_a_changed_contract_is_named(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await asked(world)
    found = world.registry.operations["shop.cash@1.0.0"]
    other = replace(found, digest="f" * 64)
    changed = {**world.registry.operations, other.ref: other}  # as after a restart
    monkeypatch.setattr(world.registry, "operations", changed)
    assert "has changed: the contract. shop.cash@1.0.0" in await void_reason(world, execution_id)


async def test_a_request_shows_why_it_is_void(world: LoopWorld) -> None:
    execution_id = await asked(world)
    before = await world.approval(execution_id, "a")
    await world.decide_by(VERDICT.replace(ASKS, "amount > 100, assist, approver, 2, 1h, -"))
    reason = await void_reason(world, execution_id)
    rows = await world.journal.run(
        lambda unit: unit._session._cursor.execute(
            "SELECT status, note FROM approval WHERE id = ?", (before.id,)
        ).fetchall()
    )
    assert rows == [("void", reason)]


LETS = ACCESS + "g, user:ann, approver, *\ng, user:ann, break-glass, *\n"


@pytest.mark.parametrize("how", ["approve", "override"])
async def test_consent_of_somebody_who_lost_the_role_since_is_none(
    world: LoopWorld, how: str
) -> None:
    await world.decide_by(VERDICT, access=LETS)
    execution_id, ann = await asked(world), person("ann")
    if how == "approve":
        assert await world.approve(execution_id, "a", ann) == "approved"
    else:
        execution, found = await world.execution(execution_id), await world.step(execution_id, "a")
        use = world.loop.override.use
        await world.journal.write(lambda tx: use(tx, execution, found.id, ann, "An emergency."))
    await world.decide_by(VERDICT)
    reason = await void_reason(world, execution_id)
    role = "approver" if how == "approve" else "break-glass"
    assert f"could not do so now: ann does not hold the role {role} any more." in reason
    assert await world.status(execution_id) == "waiting_approval"
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_one_of_two_who_approved_and_lost_the_role_is_enough(world: LoopWorld) -> None:
    await world.decide_by(VERDICT, access=LETS)
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)
    assert await world.approve(execution_id, "a", person("ann")) == "pending"
    await world.decide_by(VERDICT)
    await world.approve(execution_id, "a", FIONA)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert world.actions.calls == []
    for who in (FIONA, FRANK):
        await world.approve(execution_id, "a", who)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
