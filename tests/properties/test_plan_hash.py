"""The deterministic hash: the same for the same plan anywhere, another for any other plan."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.plan import Plan
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime.compiler import Compiler
from tests.unit.runtime.loop_world import FILES, write_contracts

ROOT = Path(__file__).parents[2]
QUICK = settings(max_examples=60, deadline=None)
Draft = dict[str, Any]
Compile = Callable[..., Plan]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("hash")
    write_contracts(made / "schema", FILES)
    changed = {"plain.yaml": FILES["plain.yaml"].replace("Always.", "Sometimes.")}
    newer = FILES["plain.yaml"].replace("version: 1.0.0", "version: 1.1.0")
    write_contracts(made / "changed", FILES | changed)
    write_contracts(made / "newer", FILES | {"newer.yaml": newer})
    return made


@pytest.fixture(scope="module")
def compiled(folder: Path) -> Compile:
    sealer = KeyringSealer(Keyring.open(folder / "data"))
    registries = {
        name: write_contracts(folder / name, {}) for name in ("schema", "changed", "newer")
    }

    def compile_draft(draft: Draft, workspace: str = "acme", schema: str = "schema") -> Plan:
        return Compiler(registries[schema], sealer, lambda: "plan_1").compile(workspace, draft)

    return compile_draft


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("abé\U0001f600$", max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """A draft that compiles: a read and some commands behind it."""
    steps: list[Draft] = [
        {"key": "r", "contract": "shop.read", "input": {"id": draw(st.text(max_size=4))}}
    ]
    for key in draw(st.lists(st.sampled_from("abcde"), unique=True, min_size=1, max_size=4)):
        value: Draft = {"id": key, "extra": {"v": draw(json_values), "w": draw(json_values)}}
        if draw(st.booleans()):
            value["amount"] = {"$from": "r.amount"}
        if draw(st.booleans()):
            value["email"] = draw(st.sampled_from(["ada@example.com", "eve@example.com"]))
        earlier = [step["key"] for step in steps]
        depends_on = draw(st.lists(st.sampled_from(earlier), unique=True))
        steps.append(
            {"key": key, "contract": "shop.keyed", "input": value, "dependsOn": depends_on}
        )
    return {"steps": steps}


def shuffled(data: st.DataObject, value: Any) -> Any:
    """The value with the members of every object in another order."""
    if isinstance(value, dict):
        keys = data.draw(st.permutations(list(value)))
        return {key: shuffled(data, value[key]) for key in keys}
    if isinstance(value, list):
        return [shuffled(data, item) for item in value]
    return value


@QUICK
@given(st.data())
def test_no_order_has_a_meaning(compiled: Compile, data: st.DataObject) -> None:
    draft = data.draw(drafts())
    other = shuffled(data, draft)
    other["steps"] = data.draw(st.permutations(other["steps"]))
    for step in other["steps"]:
        step["dependsOn"] = data.draw(st.permutations(step.get("dependsOn", [])))
    plan, again = compiled(draft), compiled(other)
    assert again.hash == plan.hash
    assert [step.id for step in again.steps] == [step.id for step in plan.steps]


def _literal(draft: Draft) -> None:
    draft["steps"][-1]["input"]["extra"]["v"] = ["something else"]


def _more(draft: Draft) -> None:
    draft["steps"][-1]["input"]["extra"]["more"] = None


def _id(draft: Draft) -> None:
    draft["steps"][0]["input"]["id"] += "x"


def _contract(draft: Draft) -> None:
    draft["steps"].append({"key": "n", "contract": "shop.plain", "input": {"id": "n"}})


def _key(draft: Draft) -> None:
    draft["steps"][-1]["key"] = "q"


def _edge(draft: Draft) -> None:
    draft["steps"].append({"key": "z", "contract": "shop.read", "input": {"id": "z"}})
    draft["steps"][-2].setdefault("dependsOn", []).append("z")


def _reference(draft: Draft) -> None:
    draft["steps"][-1]["input"]["extra"]["v"] = {"$from": "r.amount"}


def _pii(draft: Draft) -> None:
    draft["steps"][-1]["input"]["email"] = "somebody.else@example.com"


@pytest.mark.parametrize("change", [_literal, _more, _id, _contract, _key, _edge, _reference, _pii])
@settings(max_examples=15, deadline=None)
@given(draft=drafts())
def test_any_change_gives_another_hash(
    compiled: Compile, change: Callable[[Draft], None], draft: Draft
) -> None:
    other = copy.deepcopy(draft)
    change(other)
    plan, changed = compiled(draft), compiled(other)
    assert changed.hash != plan.hash
    assert not {step.id for step in plan.steps} & {step.id for step in changed.steps}


def test_an_edge_and_a_contract_count_by_themselves(compiled: Compile) -> None:
    steps: list[Draft] = [
        {"key": key, "contract": "shop.plain", "input": {"id": "1"}} for key in "ab"
    ]
    ordered = [steps[0], {**steps[1], "dependsOn": ["a"]}]
    safe = [steps[0], {**steps[1], "contract": "shop.safe"}]
    pinned = [steps[0], {**steps[1], "contract": "shop.plain@1.0.0"}]
    assert compiled({"steps": ordered}).hash != compiled({"steps": steps}).hash
    assert compiled({"steps": safe}).hash != compiled({"steps": steps}).hash
    assert compiled({"steps": pinned}).hash == compiled({"steps": steps}).hash


def test_the_content_and_the_version_of_a_contract_count(compiled: Compile) -> None:
    draft = {"steps": [{"key": "a", "contract": "shop.plain", "input": {"id": "1"}}]}
    hashes = {compiled(draft, schema=name).hash for name in ("schema", "changed", "newer")}
    assert len(hashes) == 3


@settings(max_examples=25, deadline=None)
@given(draft=drafts())
def test_only_pii_binds_the_hash_to_a_workspace(compiled: Compile, draft: Draft) -> None:
    has_pii = any("email" in step["input"] for step in draft["steps"])
    assert (compiled(draft).hash != compiled(draft, "globex").hash) is has_pii


_ELSEWHERE = """
import json, sys
from pathlib import Path
from gateway.contracts import load_contracts
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime.compiler import Compiler
folder = Path(sys.argv[1])
sealer = KeyringSealer(Keyring.open(folder / "data"))
compiler = Compiler(load_contracts([folder / "schema"]), sealer, lambda: "plan_2")
for draft in json.load(sys.stdin):
    plan = compiler.compile("acme", draft)
    print(json.dumps([plan.hash, [step.id for step in plan.steps]]))
"""


@settings(max_examples=1, deadline=None)
@given(st.lists(drafts(), min_size=20, max_size=20))
def test_another_process_with_another_hash_seed_finds_the_same(
    compiled: Compile, folder: Path, many: list[Draft]
) -> None:
    plans = [compiled(draft) for draft in many]
    expected = [[plan.hash, [step.id for step in plan.steps]] for plan in plans]
    for seed in ("1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", _ELSEWHERE, str(folder)],
            input=json.dumps(many), capture_output=True, text=True, timeout=60, check=True,
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert [json.loads(line) for line in done.stdout.splitlines()] == expected
