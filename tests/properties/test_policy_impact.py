"""Impact equals deciding everything twice: no shortcut of the analysis changes what it finds."""

import itertools
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import open_history
from gateway.loading import contract_folders
from gateway.model.json import JsonObject, decode
from gateway.model.principal import Principal, PrincipalType
from gateway.model.sealing import unseal_all
from gateway.policy import Policies, PolicyContent, PolicyRevision, build_revision, read_content
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime import Impact, ImpactScope
from gateway.runtime.requester import requester_access
from gateway.shipped import shipped_policies, shipped_schema
from tests.bench.impact_journal import Generator
from tests.loaded import load_contracts
from tests.properties.amounts import examples

REGISTRY = load_contracts(contract_folders((shipped_schema(),)))
CONTENT = read_content(shipped_policies())
NOW = "2027-01-01T00:00:00.000000Z"

ACCESS_ROWS = (
    "p, planner, *, controlPlane.execution.list, call, deny",
    "p, user:user-3, ws-3, controlPlane.plan.get, call, allow",
    "p, auditor, ws-1, support.refund.issue, call, allow",
    "p, type:agent, *, kind:query, call, deny",
    "g, user:user-4, admin, ws-4",
    "g, approver, admin, *",
)
VERDICT_ROWS = (
    "p, 150, type:human, *, support.refund.issue, *, amount > 200, assist, boss, 2, 1h, -",
    "p, 150, planner, *, support.refund.issue, *, amount <= 40, blocked, -, -, -, -",
    "p, 10, *, ws-2, risk:high, *, has(customerEmail), assist, approver, 1, 2h, 1h:boss",
    "p, 205, type:service, *, support.refund.issue, *, currency == 'EUR', autonomous, -, -, -, -",
)


@cache
def revision(access: tuple[str, ...], verdict: tuple[str, ...], limit: int) -> PolicyRevision:
    """The shipped policies with these rows more and this limit of refunds."""
    files = dict(CONTENT.files)
    files["access.csv"] += "".join(f"{row}\n" for row in access)
    rows = files["verdict.csv"].replace("amount <= 100,", f"amount <= {limit},")
    files["verdict.csv"] = rows.replace("amount > 100,", f"amount > {limit},")
    files["verdict.csv"] += "".join(f"{row}\n" for row in verdict)
    return build_revision(PolicyContent(files), REGISTRY, Path())


def brute_force(
    database: Path, sealer: KeyringSealer, now: PolicyRevision, then: PolicyRevision
) -> Counter[str]:
    """Every change by kind and name, decided one by one from the rows."""
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(database)) as connection:
        runs = dict(connection.execute("select id, submitter from execution"))
        plans = {
            own: decode(steps)[0] for own, steps in connection.execute("select id, steps from plan")
        }
        rows = connection.execute(
            "select type, workspace, execution_id, body from entry"
        ).fetchall()
    for kind, workspace, execution_id, text in rows:
        body = decode(text)
        if execution_id is None:
            who = Principal(
                PrincipalType(body["principalType"]),
                body["subject"],
                workspace,
                frozenset(body["roles"]),
            )
            told = [each.access(who, contract(body)).allowed for each in (now, then)]
            found += change("call.access", *("allow" if one else "deny" for one in told))
        elif kind != "step.completed":
            who = Principal.from_json(decode(runs[execution_id]))
            step = plans[body["planId"]]
            told_twice = [decided(each, who, step, sealer) for each in (now, then)]
            for name in KINDS[kind]:
                part = 0 if name.endswith("access") else 1
                found += change(name, *(one[part] for one in told_twice))
    return found


KINDS = {
    "plan.verified": ("plan.access", "plan.verdict"),
    "step.dispatched": ("dispatch.access", "dispatch.verdict"),
    "approval.requested": ("approval.verdict",),
}


def contract(body: JsonObject):  # type: ignore[no-untyped-def]  # the contract of a recorded call
    return REGISTRY.operations[body["contract"]]


def change(kind: str, now: object, then: object) -> Counter[str]:
    if now == then:
        return Counter()
    (first, *terms), (second, *_) = (
        one if isinstance(one, tuple) else (one,) for one in (now, then)
    )
    named = "other terms" if terms and first == second else f"{first} -> {second}"
    return Counter([f"{kind} {named}"])


def decided(
    revision: PolicyRevision, who: Principal, step: JsonObject, sealer: KeyringSealer
) -> tuple[str, tuple[object, ...]]:
    """Access and effective verdict, with its terms where somebody is asked."""
    called = contract(step)
    access = requester_access(Policies(revision), who, called)
    value = unseal_all(sealer, who.workspace, step["input"])
    verdict = revision.verdict(who, called, value)
    effect = verdict.verdict.value if access.allowed else "blocked"
    terms: tuple[object, ...] = ()
    if effect == "assist":
        terms = (
            *(verdict.approver_role, verdict.quorum, verdict.expires_in),
            *(verdict.escalate_after, verdict.escalate_to),
        )
    return ("allow" if access.allowed else "deny"), (effect, *terms)


def found_by(report: JsonObject) -> Iterator[tuple[str, int]]:
    for one in report["flips"]:
        yield f"{one['kind']} {one['change']}", one["count"]


some = st.tuples(
    st.lists(st.sampled_from(ACCESS_ROWS), unique=True, max_size=3).map(tuple),
    st.lists(st.sampled_from(VERDICT_ROWS), unique=True, max_size=2).map(tuple),
    st.sampled_from((40, 100, 180)),
)


@settings(max_examples=examples(12), deadline=None)
@given(in_force=some, draft=some, seed=st.integers(0, 1_000))
def test_flips_are_those_of_deciding_everything_twice(
    in_force: tuple[tuple[str, ...], tuple[str, ...], int],
    draft: tuple[tuple[str, ...], tuple[str, ...], int],
    seed: int,
) -> None:
    now, then = revision(*in_force), revision(*draft)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sealer = KeyringSealer(Keyring.open(folder))
        database = folder / "gateway.db"
        written = Generator(now, REGISTRY, sealer, seed).write(database, 60, 25, batch_of=30)
        with open_history(database) as history:
            analyze = [
                Impact(history, REGISTRY, sealer, now, each).analyze(ImpactScope(), NOW)
                for each in (then, now)
            ]
        report, same = analyze
        found: Counter[str] = Counter()
        for kind, count in found_by(report):
            found[kind] += count
        assert report["moreFlips"] == 0
        assert found == brute_force(database, sealer, now, then)
    for one in analyze:
        assert one["decisions"]["total"] == one["decisions"]["decided"] == written
        assert one["decisions"]["drifted"] == 0
    assert same["decisions"]["flips"] == 0
    assert same["plans"]["flips"] == 0
    assert list(itertools.chain.from_iterable(one["examples"] for one in same["flips"])) == []
