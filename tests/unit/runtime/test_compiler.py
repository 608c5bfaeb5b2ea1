"""Compiling, the hashes of plans, plans at rest, and verification."""

from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.model.contract import Risk
from gateway.model.decision import Verdict
from gateway.model.json import canonical
from gateway.model.pii import Owner
from gateway.model.plan import Plan
from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime.compiler import Compiler, draft_of
from gateway.runtime.hashing import action_digest
from gateway.runtime.stored_plan import open_plan, seal_plan
from gateway.runtime.verifier import Verification, Verifier
from tests.loaded import load_policies
from tests.unit.runtime.loop_world import AGENT, FILES, step, write_contracts, write_policies

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return write_contracts(tmp_path_factory.mktemp("schema"), FILES)


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> KeyringSealer:
    return KeyringSealer(Keyring.open(tmp_path_factory.mktemp("data") / "data"))


@pytest.fixture(scope="module")
def compiler(registry: Registry, sealer: KeyringSealer) -> Compiler:
    return Compiler(registry, sealer, lambda: "plan_1")


def compiled(compiler: Compiler, *steps: Any, workspace: str = "acme") -> Plan:
    return compiler.compile(workspace, {"steps": list(steps)})


def issues(compiler: Compiler, *steps: Any) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as refused:
        compiled(compiler, *steps)
    assert refused.value.problem.code == "VALIDATION_FAILED"
    return [(issue.path, issue.code) for issue in refused.value.problem.issues]


def test_a_plan_is_ordered_typed_and_bound(compiler: Compiler, registry: Registry) -> None:
    plan = compiled(
        compiler,
        step("z", "keyed", amount={"$from": "a.amount"}),
        step("a", "read"),
        step("m", "plain", ["a"]),
    )
    assert [one.key for one in plan.steps] == ["a", "m", "z"]
    assert plan.by_key["z"].depends_on == ("a",)
    assert plan.by_key["z"].contract_digest == registry.operations["shop.keyed@1.0.0"].digest
    assert [(edge.source, edge.target, edge.path) for edge in plan.edges] == [
        ("a", "m", ""),
        ("a", "z", "amount"),
    ]
    assert len({one.id for one in plan.steps}) == 3


def test_everything_that_is_wrong_is_told_at_once(compiler: Compiler) -> None:
    at = "/input/draft/steps"
    found = issues(
        compiler,
        {"key": "a", "contract": "shop.nothing", "input": {}},
        {"key": "b", "contract": "shop.plain", "input": {"other": 1}},
        step("c", "keyed", ["ghost"], amount={"$from": "r.note"}, email={"$from": "x.y"}),
        step("d", "keyed", extra=[{"$from": "r.id"}], amount={"$from": "r.price"}),
        step("e", "plain", ["f"]),
        step("f", "plain", ["e"]),
        step("g", "keyed", thing={"$from": "r.id"}, amount={"$from": "r"}),
        step("r", "read"),
        step("s", "plain", ["e"]),
    )
    assert sorted(found) == [
        (f"{at}/0/contract", "UNKNOWN_CONTRACT"),
        (f"{at}/1/input/id", "REQUIRED"),
        (f"{at}/1/input/other", "UNKNOWN_FIELD"),
        (f"{at}/2/dependsOn/0", "UNKNOWN_STEP"),
        (f"{at}/2/input/amount", "TYPE_MISMATCH"),
        (f"{at}/2/input/email", "UNKNOWN_STEP"),
        (f"{at}/3/input/amount", "UNKNOWN_FIELD"),
        (f"{at}/3/input/extra/0", "REFERENCE_MISPLACED"),
        (f"{at}/4", "CYCLE"),
        (f"{at}/5", "CYCLE"),
        (f"{at}/6/input/amount", "UNKNOWN_FIELD"),
        (f"{at}/6/input/thing", "UNKNOWN_FIELD"),
    ]


def test_a_reference_may_stand_for_a_required_field(compiler: Compiler) -> None:
    plan = compiled(
        compiler,
        step("a", "read"),
        {"key": "b", "contract": "shop.plain@1.0.0", "input": {"id": {"$from": "a.id"}}},
    )
    assert plan.by_key["b"].depends_on == ("a",)


def test_a_null_may_not_flow_into_what_is_required(compiler: Compiler) -> None:
    found = issues(
        compiler,
        step("a", "read"),
        {"key": "b", "contract": "shop.plain", "input": {"id": {"$from": "a.note"}}},
    )
    assert found == [("/input/draft/steps/1/input/id", "TYPE_MISMATCH")]


def test_a_step_cannot_refer_to_itself(compiler: Compiler) -> None:
    found = issues(compiler, step("a", "keyed", extra={"$from": "a.id"}))
    assert found == [("/input/draft/steps/0", "CYCLE")]


def test_a_whole_input_is_no_reference(compiler: Compiler) -> None:
    found = issues(
        compiler,
        step("a", "read"),
        {"key": "b", "contract": "shop.plain", "input": {"$from": "a.id"}},
    )
    assert ("/input/draft/steps/1/input/$from", "UNKNOWN_FIELD") in found


def test_a_built_in_contract_cannot_be_a_step(tmp_path: Path, sealer: KeyringSealer) -> None:
    text = FILES["plain.yaml"].partition("handler:")[0]
    built_in = write_contracts(tmp_path, {"plain.yaml": text})
    found = issues(Compiler(built_in, sealer, lambda: "plan_1"), step("a", "plain"))
    assert found == [("/input/draft/steps/0/contract", "NOT_PLANNABLE")]


def test_the_draft_of_a_plan_compiles_to_the_same_plan(compiler: Compiler) -> None:
    plan = compiled(compiler, step("b", "plain", ["a"]), step("a", "read"))
    assert compiler.compile("acme", draft_of(plan)) == plan


def test_a_direct_call_reads_no_reference_in_its_input(
    compiler: Compiler, registry: Registry
) -> None:
    value = {"id": "1", "extra": {"$from": "a.b"}}
    plan = compiler.single("acme", registry.operations["shop.keyed@1.0.0"], value)
    (only,) = plan.steps
    assert (only.input, only.depends_on, plan.edges) == (value, (), ())
    policies_see = Verifier(registry, None)  # type: ignore[arg-type] # nothing is decided here
    assert policies_see.contracts(plan, registry)[only.key].key == "shop.keyed"


def test_pii_enters_the_hash_as_a_keyed_commitment(compiler: Compiler) -> None:
    first = compiled(compiler, step("a", "keyed", email=EMAIL))
    assert compiled(compiler, step("a", "keyed", email=EMAIL)).hash == first.hash
    others = [
        compiled(compiler, step("a", "keyed", email="eve@example.com")),
        compiled(compiler, step("a", "keyed")),
        compiled(compiler, step("a", "keyed", email=EMAIL), workspace="globex"),
    ]
    assert len({first.hash, *(plan.hash for plan in others)}) == 4
    assert first.hash not in canonical(draft_of(first)).decode()


def test_a_reference_in_a_pii_field_does_not_bind_the_hash_to_a_workspace(
    compiler: Compiler,
) -> None:
    steps = [step("a", "read"), step("b", "keyed", email={"$from": "a.email"})]
    hashes = {compiled(compiler, *steps, workspace=name).hash for name in ("acme", "globex")}
    assert len(hashes) == 1


@pytest.mark.parametrize("reserved", ["$sealed", "$hmac"])
def test_what_marks_sealed_and_committed_values_cannot_be_planted(
    compiler: Compiler, reserved: str
) -> None:
    with pytest.raises(ProblemError, match="the gateway's own"):
        compiled(compiler, step("a", "keyed", extra={"x": [{reserved: [1, "c", "f"]}]}))


def test_a_plan_at_rest_holds_no_pii_and_opens_as_it_was(
    compiler: Compiler, sealer: KeyringSealer
) -> None:
    plan = compiled(
        compiler,
        step("a", "read"),
        step("b", "keyed", email={"$from": "a.email"}),
        step("c", "keyed", email=EMAIL),
    )
    stored = seal_plan(sealer, Owner("acme", "execution/1"), plan)
    told = str([one.to_json() for one in stored.steps])
    assert EMAIL not in told
    assert stored.by_key["b"].input["email"] == {"$from": "a.email"}
    assert open_plan(sealer, "acme", stored) == plan


def test_a_direct_call_seals_pii_that_looks_like_a_reference(
    tmp_path: Path, sealer: KeyringSealer
) -> None:
    text = FILES["keyed.yaml"].replace("email: EmailAddress", "email: JSON")
    registry = write_contracts(tmp_path, {"keyed.yaml": text, "done.yaml": FILES["done.yaml"]})
    compiler = Compiler(registry, sealer, lambda: "plan_1")
    value = {"id": "1", "email": {"$from": "a secret"}}
    plan = compiler.single("acme", registry.operations["shop.keyed@1.0.0"], value)
    stored = seal_plan(sealer, Owner("acme", "execution/1"), plan)
    assert "a secret" not in str(stored.steps[0].input)
    assert open_plan(sealer, "acme", stored) == plan


DECISION: dict[str, Any] = {
    "verdict": "assist",
    "rules": [{"at": "verdict.csv:3", "rule": "p, 1"}],
    "approverRole": "approver",
    "quorum": 1,
    "escalateAfter": None,
    "escalateTo": "",
}
BOUND: dict[str, Any] = {
    "execution_id": "exec_1",
    "run_id": "run_1",
    "hashed": "00",
    "arguments": {"amount": 1},
    "decision": DECISION,
    "requester_roles": ["user"],
    "expires_at": "2026-03-01T10:00:00.000000Z",
}


@pytest.mark.parametrize(
    "change",
    [
        {"execution_id": "exec_2"},
        {"run_id": "run_2"},
        {"hashed": "01"},
        {"arguments": {"amount": 2}},
        {"expires_at": "2026-03-01T10:00:00.000001Z"},
        {"decision": DECISION | {"verdict": "autonomous"}},
        {"decision": DECISION | {"rules": [{"at": "verdict.csv:3", "rule": "p, 2"}]}},
        {"decision": DECISION | {"rules": []}},
        {"decision": DECISION | {"approverRole": "admin"}},
        {"decision": DECISION | {"quorum": 2}},
        {"decision": DECISION | {"escalateAfter": 60.0}},
        {"decision": DECISION | {"escalateTo": "admin"}},
        {"requester_roles": ["user", "admin"]},
    ],
)
def test_an_action_digest_binds_everything(compiler: Compiler, change: dict[str, Any]) -> None:
    (only,) = compiled(compiler, step("a", "plain")).steps
    assert action_digest(step=only, **BOUND) != action_digest(step=only, **BOUND | change)


def test_an_action_digest_stands_when_rules_only_move(compiler: Compiler) -> None:
    (only,) = compiled(compiler, step("a", "plain")).steps
    moved = {"decision": DECISION | {"rules": [{"at": "verdict.csv:9", "rule": "p, 1"}]}}
    assert action_digest(step=only, **BOUND) == action_digest(step=only, **BOUND | moved)


@pytest.fixture(scope="module")
def verifier(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    folder = write_policies(tmp_path_factory.mktemp("policies") / "policies")
    return Verifier(registry, load_policies(folder, registry))


def verified(verifier: Verifier, compiler: Compiler, *steps: Any) -> Verification:
    return verifier.verify(compiled(compiler, *steps), AGENT)


@pytest.mark.parametrize(
    ("names", "verdict", "risk"),
    [
        (["read", "plain"], Verdict.AUTONOMOUS, Risk.LOW),
        (["read", "two"], Verdict.ASSIST, Risk.HIGH),
        (["two", "never", "plain"], Verdict.BLOCKED, Risk.CRITICAL),
        (["plain", "boss"], Verdict.BLOCKED, Risk.LOW),
    ],
)
def test_a_plan_is_as_good_as_its_worst_step(
    verifier: Verifier, compiler: Compiler, names: list[str], verdict: Verdict, risk: Risk
) -> None:
    found = verified(verifier, compiler, *(step(f"s{name}", name) for name in names))
    assert (found.verdict, found.risk) == (verdict, risk)
    blocked = {reason.partition(":")[0] for reason in found.blocked_reasons}
    assert blocked == {f"s{name}" for name in names if name in ("never", "boss")}
    assert set(found.decisions()) == {one.step.id for one in found.steps}


def test_an_unknown_argument_counts_as_its_worst_possibility(
    verifier: Verifier, compiler: Compiler
) -> None:
    assert verified(verifier, compiler, step("a", "cash", amount=50)).verdict is Verdict.AUTONOMOUS
    flowing = [step("r", "read"), step("a", "cash", amount={"$from": "r.amount"})]
    assert verified(verifier, compiler, *flowing).verdict is Verdict.ASSIST


def test_pii_that_would_leak_blocks_the_step_that_it_would_flow_into(
    verifier: Verifier, compiler: Compiler
) -> None:
    fine = verified(
        verifier, compiler, step("r", "read"), step("a", "keyed", email={"$from": "r.email"})
    )
    assert fine.verdict is Verdict.AUTONOMOUS
    leaking = verified(
        verifier, compiler, step("r", "read"), step("a", "keyed", extra={"$from": "r.email"})
    )
    assert leaking.verdict is Verdict.BLOCKED
    (reason,) = [one for one in leaking.blocked_reasons if "leak" in one]
    assert reason.startswith("a: ")
    assert "r.email" in reason


def test_a_plan_whose_contract_changed_cannot_be_verified(
    verifier: Verifier, compiler: Compiler, tmp_path: Path, sealer: KeyringSealer
) -> None:
    other = dict(FILES) | {"plain.yaml": FILES["plain.yaml"].replace("id: ID!}", "id: ID}", 1)}
    changed = Compiler(write_contracts(tmp_path, other), sealer, lambda: "plan_1")
    with pytest.raises(ProblemError) as refused:
        verifier.verify(compiled(changed, step("a", "plain")), AGENT)
    assert refused.value.problem.code == "PRECONDITION_FAILED"
