"""Impact analysis over what the loop itself recorded, decided again under other rules."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.journal import open_history
from gateway.journal.decision_history import SqlDecisionHistory
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import RunMode
from gateway.model.json import JsonObject
from gateway.model.pii import envelopes_in
from gateway.model.ports import Tx
from gateway.model.principal import Principal
from gateway.pipeline import Admitted, Call, CallRecorder
from gateway.policy import PolicyRevision, build_revision, read_content
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime import GrantTerms, Impact, ImpactScope, Progress
from tests.unit.runtime.loop_world import (
    AGENT,
    FIONA,
    OLGA,
    VERDICT,
    WORKSPACE,
    LoopWorld,
    person,
    step,
    write_policies,
)

pytestmark = pytest.mark.anyio
NOW = "2026-03-01T10:00:00.000000Z"
DENY = "p, user:agent-7, acme, shop.cash, call, deny\n"
ACCESS = (Path(__file__).parents[3] / "policies" / "access.csv").read_text()


def revision(world: LoopWorld, verdict: str = VERDICT, **files: str) -> PolicyRevision:
    """A revision that is not in force."""
    folder = write_policies(world.folder / world.ids.new("draft"), verdict, **files)
    return build_revision(read_content(folder), world.registry, folder)


def analyzed(
    world: LoopWorld,
    draft: PolicyRevision,
    scope: ImpactScope | None = None,
    registry: Registry | None = None,
    sealer: Any = None,
) -> JsonObject:
    """The report about ``draft``; whatever it says, its counts add up."""
    with open_history(world.folder / "gateway.db") as history:
        impact = Impact(
            history,
            registry or world.registry,
            sealer or world.sealer,
            world.loop.policies.current,
            draft,
        )
        told: list[Progress] = []
        report = impact.analyze(scope or ImpactScope(), NOW, told.append)
    counts = report["decisions"]
    assert counts["undecidable"] == sum(one["count"] for one in report["undecidable"])
    assert counts["decided"] == sum(one["decided"] for one in report["byKind"])
    assert counts["total"] == counts["decided"] + counts["undecidable"]
    assert counts["flips"] == sum(report["byChange"].values())
    assert told[-1] == Progress(1.0, counts["total"])
    return report


async def refunded(world: LoopWorld, amount: float, **more: Any) -> str:
    """A run of one refund, as far as it goes."""
    execution_id = await world.begin(step("a", "cash", amount=amount, **more))
    await world.advance(execution_id)
    return execution_id


def limit(amount: int) -> str:
    return VERDICT.replace("amount > 100", f"amount > {amount}").replace(
        "amount <= 100", f"amount <= {amount}"
    )


def reasons(report: JsonObject) -> dict[str, int]:
    return {one["reason"]: one["count"] for one in report["undecidable"]}


async def test_the_same_rules_decide_what_the_loop_recorded(world: LoopWorld) -> None:
    """Every shape of a decision that the loop records: again it comes to the very same."""
    for amount in (20, 150):
        await refunded(world, amount, email="ada@example.com")
    await world.advance(await world.begin(step("a", "plain"), mode=RunMode.ASSIST))
    await world.advance(await world.begin(step("a", "cash", amount=5), mode=RunMode.DRY_RUN))
    chained = [step("a", "read"), step("b", "cash", ["a"], amount={"$from": "a.amount"})]
    await world.advance(await world.begin(*chained))
    leaking = [step("a", "read"), step("b", "unbook", ["a"], why={"$from": "a.email"})]
    await world.verify(await world.compile(leaking))
    await world.verify(await world.compile([step("a", "never")]))
    report = analyzed(world, revision(world))
    assert report["decisions"]["flips"] == report["decisions"]["drifted"] == 0
    assert report["undecidable"] == []
    kinds = {one["kind"]: one["decided"] for one in report["byKind"]}
    assert kinds == {
        "plan.access": 9,
        "plan.verdict": 9,
        "dispatch.access": 3,
        "dispatch.verdict": 3,
        "approval.verdict": 2,
    }
    assert report["plans"]["verified"] == 7
    assert report["plans"]["flips"] == 0
    assert report["approvals"] == {
        "waiting": 2,
        "undecidable": 0,
        "erased": 0,
        "changing": 0,
        "byChange": {},
        "examples": [],
    }


async def test_a_tighter_limit_flips_what_lies_between(world: LoopWorld) -> None:
    ids = [await refunded(world, amount) for amount in (20, 60, 80, 150)]
    report = analyzed(world, revision(world, limit(50)))
    assert report["byChange"] == {"autonomous -> assist": 4}
    for one in report["flips"]:
        assert (one["contract"], one["count"]) == ("shop.cash@1.0.0", 2)
        assert [example["executionId"] for example in one["examples"]] == ids[1:3]
        for example in one["examples"]:
            assert example["stepId"] == (await world.step(example["executionId"], "a")).id
            assert example["position"] > 0
    assert [one["executionId"] for one in report["plans"]["examples"]] == ids[1:3]
    assert report["approvals"]["byChange"] == {"void": 1}  # the rule has another text
    (void,) = report["approvals"]["examples"]
    assert void["executionId"] == ids[3]
    assert any("policy rule" in change for change in void["changes"])


async def test_a_looser_limit_asks_nobody_any_more(world: LoopWorld) -> None:
    await refunded(world, 150)
    report = analyzed(world, revision(world, limit(200)))
    assert report["byChange"] == {"assist -> autonomous": 2}
    assert report["approvals"]["byChange"] == {"autonomous": 1}
    assert report["plans"]["byChange"] == {"assist -> autonomous": 1}
    assert report["plans"]["flipsOfOpen"] == 1


async def test_other_terms_of_an_approval_are_a_change(world: LoopWorld) -> None:
    await refunded(world, 150)
    stricter = VERDICT.replace("assist, approver, 1, 1h, -", "assist, approver, 2, 2h, -")
    report = analyzed(world, revision(world, stricter))
    assert report["byChange"] == {"other terms": 2}
    (example, *_) = report["flips"][0]["examples"]
    assert (example["inForce"]["terms"]["quorum"], example["draft"]["terms"]["quorum"]) == (1, 2)
    assert report["plans"]["flips"] == 0
    assert report["approvals"]["byChange"] == {"void": 1}


async def test_consent_falls_where_its_giver_would_lose_the_role(world: LoopWorld) -> None:
    await world.decide_by(VERDICT, access=ACCESS + "g, user:ann, approver, *\n")
    given, open_still = await refunded(world, 150), await refunded(world, 160)
    await world.approve(given, "a", person("ann"))
    report = analyzed(world, revision(world))
    assert report["approvals"]["byChange"] == {"void": 1}
    (void,) = report["approvals"]["examples"]
    assert void["executionId"] == given != open_still
    assert void["changes"] == ["ann does not hold the role approver any more."]


async def test_denied_access_blocks_the_steps_and_what_waits(world: LoopWorld) -> None:
    await refunded(world, 20)
    await refunded(world, 150)
    report = analyzed(world, revision(world, access=ACCESS + DENY))
    assert report["byChange"] == {
        "allow -> deny": 3,
        "autonomous -> blocked": 2,
        "assist -> blocked": 2,
    }
    assert report["approvals"]["byChange"] == {"blocked": 1}
    assert report["byRole"][0]["role"] == "user"


async def test_a_step_that_was_blocked_on_its_arguments_can_be_decided_again(
    world: LoopWorld,
) -> None:
    chained = [step("a", "read"), step("b", "cash", ["a"], amount={"$from": "a.amount"})]
    execution_id = await world.begin(*chained)
    await world.decide_by(f"p, 5, *, *, shop.cash, *, amount > 70, blocked, -, -, -, -\n{VERDICT}")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    (blocked,) = await world.entries(execution_id, EntryType.STEP_BLOCKED)
    assert blocked.body["input"]["amount"] == 80.5
    report = analyzed(world, revision(world))
    assert report["undecidable"] == []
    assert report["decisions"]["drifted"] == 0
    assert report["byChange"] == {"blocked -> autonomous": 1}


async def test_what_was_decided_under_earlier_rules_has_drifted(world: LoopWorld) -> None:
    await refunded(world, 60)
    await world.decide_by(limit(50))
    same = analyzed(world, world.loop.policies.current)
    assert same["decisions"]["flips"] == 0
    assert same["decisions"]["drifted"] == 2
    back = analyzed(world, revision(world))
    assert back["byChange"] == {"assist -> autonomous": 2}
    assert {one["recorded"] for one in back["flips"][0]["examples"]} == {"autonomous"}


async def test_only_the_latest_verification_of_a_plan_counts(world: LoopWorld) -> None:
    execution = await world.verify(await world.compile([step("a", "cash", amount=60)]))
    world.clock.forward(5)
    await world.verify(execution)
    report = analyzed(world, revision(world, limit(50)))
    assert report["plans"]["verified"] == report["plans"]["flips"] == 1
    assert report["decisions"]["total"] == 4


async def test_days_and_workspace_narrow_what_is_looked_at(world: LoopWorld) -> None:
    await refunded(world, 60)
    world.clock.forward(-3 * 86_400)
    await refunded(world, 80)
    draft = revision(world, limit(50))
    assert analyzed(world, draft)["decisions"]["flips"] == 4
    recent = analyzed(world, draft, ImpactScope(days=2, workspace=WORKSPACE))
    assert recent["decisions"]["flips"] == 2
    assert recent["since"] == "2026-02-27T10:00:00.000000Z"
    assert analyzed(world, draft, ImpactScope(workspace="beta"))["decisions"]["total"] == 0


# --- calls


async def recorded(world: LoopWorld, who: Principal, key: str, value: JsonObject) -> None:
    """A query as the pipeline records it."""
    contract = world.registry.operations[f"shop.{key}@1.0.0"]
    policies = world.loop.policies
    access = policies.access(who, contract)
    verdict = policies.verdict(who, contract, value) if contract.handler else None
    recorder = CallRecorder(world.journal, world.sealer, world.clock)
    if not access.allowed:
        await recorder.denied(Call(contract, value, who), access.to_json())
    else:
        admitted = Admitted(Call(contract, value, who), value, access, verdict)
        if verdict is not None and verdict.verdict.value != "autonomous":
            await recorder.blocked(admitted)
        else:
            await recorder.queue(recorder.answered(admitted))
    await world.journal.write(lambda _: None)


async def test_queries_with_a_handler_are_decided_again_on_their_input(world: LoopWorld) -> None:
    rule = "p, 1, *, *, shop.read, *, id == 'x', blocked, -, -, -, -\n"
    await recorded(world, AGENT, "read", {"id": "x"})
    await world.decide_by(rule + VERDICT)
    await recorded(world, AGENT, "read", {"id": "x"})
    await recorded(world, AGENT, "read", {"id": "y"})
    report = analyzed(world, revision(world))
    kinds = {one["kind"]: one["decided"] for one in report["byKind"]}
    assert kinds == {"call.access": 3, "call.verdict": 3}
    assert report["byChange"] == {"blocked -> autonomous": 2}
    assert report["decisions"]["drifted"] == 1
    assert report["undecidable"] == []


async def test_roles_and_capabilities_of_the_token_count(world: LoopWorld) -> None:
    narrow = Principal(AGENT.type, "nora", WORKSPACE, frozenset({"user"}), frozenset({"none.core"}))
    await recorded(world, narrow, "read", {"id": "x"})
    await recorded(world, person("vera", "auditor"), "read", {"id": "x"})
    (denied, allowed) = await calls(world)
    assert (denied["roles"], denied["capabilities"]) == (["user"], ["none.core"])
    assert (allowed["roles"], allowed["capabilities"]) == (["auditor", "user"], None)
    access = f"{ACCESS}p, auditor, *, shop.read, call, deny\n"
    report = analyzed(world, revision(world, access=access))
    assert report["decisions"]["drifted"] == 0
    assert report["byChange"] == {"allow -> deny": 1}
    assert {one["role"] for one in report["byRole"]} == {"auditor", "user"}


async def calls(world: LoopWorld) -> list[JsonObject]:
    found = await world.journal.read(lambda records: records.entries_after(0, 10_000))
    return [one.body for one in found if "principalType" in one.body]


async def test_denials_without_a_token_count_as_often_as_they_were_counted(
    world: LoopWorld,
) -> None:
    counts = {"shop.read@1.0.0": 4, "shop.cash@1.0.0": 2, "authentication": 9}
    body = {"minute": "2026-03-01T09:30Z", "counts": counts, "principal": "anonymous"}
    await append(world, EntryType.CALLS_DENIED, body, workspace="")
    report = analyzed(world, revision(world))
    assert report["decisions"] == {
        "total": 6,
        "decided": 6,
        "undecidable": 0,
        "flips": 0,
        "drifted": 0,
    }
    opened = f"{ACCESS}p, anonymous, *, shop.read, call, allow\n"
    opened += "p, anonymous, *, shop.cash, call, allow\n"
    report = analyzed(world, revision(world, access=opened))
    assert report["byChange"] == {"deny -> allow": 2}
    assert reasons(report) == {"counted": 4}


# --- what cannot be decided again


async def append(
    world: LoopWorld, kind: EntryType, body: JsonObject, workspace: str = WORKSPACE
) -> None:
    def unit(tx: Tx) -> None:
        tx.append(NewEntry(kind, workspace, body))

    await world.journal.write(unit)


async def test_what_cannot_be_decided_again_is_counted_by_its_reason(world: LoopWorld) -> None:
    decision = {"decisionId": "dec_1", "effect": "allow"}
    known = {"subject": "sue", "principalType": "human", "roles": ["user"], "capabilities": None}
    old = {"subject": "sue", "principalType": "human", "decision": decision}
    for body in (
        {**old, "contract": "shop.read@1.0.0"},
        {**known, "decision": decision, "contract": "shop.gone@1.0.0"},
        {**known, "decision": decision},
        {**known, "decision": "half"},
        {**known, "decision": None},
    ):
        await append(world, EntryType.QUERY_ANSWERED, body)
    verdict = {"decisionId": "dec_2", "verdict": "autonomous"}
    asked = {**known, "decision": decision, "verdict": verdict, "contract": "shop.read@1.0.0"}
    await append(world, EntryType.QUERY_ANSWERED, asked)
    changed = {**asked, "input": {"id": "x"}, "contractDigest": "0" * 64}
    await append(world, EntryType.QUERY_ANSWERED, changed)
    report = analyzed(world, revision(world))
    assert reasons(report) == {
        "no_roles": 1,
        "contract_gone": 1,
        "incomplete": 3,
        "no_input": 1,
        "contract_changed": 1,
    }
    assert report["decisions"]["total"] == 9
    assert all(one["examples"] and one["message"] for one in report["undecidable"])


async def test_a_contract_that_changed_or_went_leaves_its_steps_undecided(
    world: LoopWorld,
) -> None:
    await refunded(world, 20)
    await refunded(world, 150)
    others = [one for one in world.registry.operations.values() if one.key != "shop.cash"]
    report = analyzed(world, revision(world), registry=Registry(others))
    assert reasons(report) == {"contract_gone": 7}
    assert (report["plans"]["verified"], report["plans"]["undecidable"]) == (2, 2)
    assert (report["approvals"]["waiting"], report["approvals"]["undecidable"]) == (1, 1)


async def test_what_was_erased_is_told_from_what_cannot_be_opened(world: LoopWorld) -> None:
    execution_id = await refunded(world, 60, email="ada@example.com")
    reading = (
        f"p, 1, *, *, shop.cash, *, email == 'ada@example.com', blocked, -, -, -, -\n{VERDICT}"
    )
    envelopes = envelopes_in([entry.body for entry in await world.entries(execution_id)])
    world.keyring.data.destroy("acme", sorted(envelopes), "test")
    report = analyzed(world, revision(world, reading))
    assert (report["byChange"], reasons(report)) == ({}, {"erased": 2})
    assert analyzed(world, revision(world, limit(50)))["undecidable"] == []


async def test_data_that_cannot_be_opened_matters_only_where_a_rule_reads_it(
    world: LoopWorld, tmp_path: Path
) -> None:
    await refunded(world, 60, email="ada@example.com")
    erased = KeyringSealer(Keyring.open(tmp_path / "other"))
    report = analyzed(world, revision(world, limit(50)), sealer=erased)
    assert (report["byChange"], report["undecidable"]) == ({"autonomous -> assist": 2}, [])
    reading = (
        f"p, 1, *, *, shop.cash, *, email == 'ada@example.com', blocked, -, -, -, -\n{VERDICT}"
    )
    assert analyzed(world, revision(world, reading))["byChange"] == {"autonomous -> blocked": 2}
    report = analyzed(world, revision(world, reading), sealer=erased)
    assert (report["byChange"], reasons(report)) == ({}, {"sealed": 2})
    assert report["plans"]["undecidable"] == 1


async def test_a_damaged_record_is_counted_with_all_that_it_held(
    world: LoopWorld, tmp_path: Path
) -> None:
    await world.verify(await world.compile([step(key, "plain") for key in "abc"]))
    await world.journal.close()
    path = world.folder / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        kind, body = connection.execute(
            "select type, body from entry where type = 'plan.verified'"
        ).fetchone()
        broken = json.loads(body)
        first = next(iter(broken["decisions"]))
        del broken["decisions"][first]["access"]
        for text in (json.dumps(broken), body[:50], b"\xff\xfe{"):
            connection.execute(
                "insert into entry select null, chain, seq + 100 + ?, format, at, type, workspace,"
                " execution_id, actor, cast(? as text), previous, hash from entry where type = ?"
                " and seq < 100",
                (len(text), text, kind),
            )
        connection.execute("delete from plan where id not in (select max(id) from plan)")
        connection.commit()
    report = analyzed(world, revision(world))
    assert reasons(report) == {"incomplete": 8}
    assert report["decisions"]["total"] == 6 + 6 + 1 + 1
    world.journal = await type(world.journal).open(  # the fixture closes it
        path, clock=world.clock, writer="writer-1"
    )


# --- standing grants


async def test_grants_whose_issuer_may_consent_no_more_end(world: LoopWorld) -> None:
    contract = world.registry.operations["shop.cash@1.0.0"]
    pattern = {"id": {"$any": True}, "amount": {"$any": True}, "email": {"$any": True}}
    terms = GrantTerms(
        contract, pattern, AGENT.subject, None, 5, "2026-03-02T09:30:00.000000Z", "Often."
    )
    await world.journal.write(lambda tx: world.loop.grants.issue(tx, FIONA, terms))
    assert analyzed(world, revision(world))["grants"]["ending"] == 0
    boss = VERDICT.replace("amount > 100, assist, approver", "amount > 100, assist, boss")
    report = analyzed(world, revision(world, boss))
    assert (report["grants"]["active"], report["grants"]["ending"]) == (1, 1)
    assert report["grants"]["examples"][0]["contract"] == "shop.cash@1.0.0"
    shutil.rmtree(world.folder / "schema")
    assert OLGA.subject not in json.dumps(report)


@pytest.mark.parametrize(
    ("rules", "ending"),
    [
        ("p, 19, *, acme, shop.cash, *, true, assist, boss, 2, 1h, -", 1),
        ("p, 19, *, acme, shop.cash, *, true, blocked, -, -, -, -", 1),
        ("p, 19, *, beta, shop.cash, *, true, blocked, -, -, -, -", 0),
        ("p, 19, type:human, acme, shop.cash, *, true, blocked, -, -, -, -", 0),
        ("p, 19, type:agent, acme, shop.cash, *, true, blocked, -, -, -, -", 1),
        ("p, 19, *, acme, shop.cash, *, amount > 9, blocked, -, -, -, -", 0),
        ("p, 19, *, acme, *, critical, true, blocked, -, -, -, -", 0),
    ],
)
async def test_grants_end_where_an_earlier_rule_decides_whatever_they_are_for(
    world: LoopWorld, rules: str, ending: int
) -> None:
    await granted(world)
    assert analyzed(world, revision(world, f"{rules}\n{VERDICT}"))["grants"]["ending"] == ending


@pytest.mark.parametrize(
    ("where", "ending"),
    [("*, acme", 0), ("*, beta", 1), ("type:human, *", 1), ("user:agent-8, *", 1)],
)
async def test_a_rule_that_never_asks_for_its_calls_keeps_no_grant(
    world: LoopWorld, where: str, ending: int
) -> None:
    await granted(world)
    asking = "p, 20, *, *, shop.cash, *, amount > 100, assist, approver, 1, 1h, -"
    elsewhere = VERDICT.replace(asking, asking.replace("*, *", where, 1))
    assert analyzed(world, revision(world, elsewhere))["grants"]["ending"] == ending


async def test_grants_end_where_everybody_is_denied(world: LoopWorld) -> None:
    await granted(world)
    for row, ending in (
        ("p, *, *, shop.cash, *, deny", 1),
        ("p, user:agent-7, acme, tag:money, call, deny", 0),
        (DENY, 1),
        ("p, *, beta, shop.cash, *, deny", 0),
    ):
        report = analyzed(world, revision(world, access=f"{ACCESS}{row}\n"))
        assert (row, report["grants"]["ending"]) == (row, ending)


async def granted(world: LoopWorld) -> None:
    """A grant for refunds of one agent."""
    contract = world.registry.operations["shop.cash@1.0.0"]
    pattern = {"id": {"$any": True}, "amount": {"$any": True}, "email": {"$any": True}}
    until = "2026-03-02T09:30:00.000000Z"
    terms = GrantTerms(contract, pattern, AGENT.subject, AGENT.type, 5, until, "Often.")
    await world.journal.write(lambda tx: world.loop.grants.issue(tx, FIONA, terms))


async def test_no_waiting_request_is_left_out_or_counted_twice_while_others_are_decided(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [await refunded(world, 150) for _ in range(5)]
    loop, listed, decided = asyncio.get_running_loop(), SqlDecisionHistory.approvals, []

    def approvals(self: SqlDecisionHistory, *given: Any) -> Any:
        found = listed(self, *given)
        if not decided:
            decided.append(world.approve(waiting[0], "a"))
            asyncio.run_coroutine_threadsafe(decided[0], loop).result()
        return found

    monkeypatch.setattr(SqlDecisionHistory, "approvals", approvals)
    monkeypatch.setattr("gateway.runtime.impact_standing._PAGE", 2)
    report = await asyncio.to_thread(analyzed, world, revision(world, limit(200)))
    assert report["approvals"]["waiting"] == 5
    found = [one["executionId"] for one in report["approvals"]["examples"]]
    assert sorted(found) == sorted(waiting)
