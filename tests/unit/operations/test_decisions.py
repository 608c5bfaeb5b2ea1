"""The decision point asked by others: under the policy in force, or not at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.model.decision import AccessDecision
from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.ports import Records
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.operations import decisions
from gateway.pipeline import Admitted, Call
from gateway.policy import Policies, apply_edits, build_revision
from gateway.runtime import Loop
from tests.loaded import load_contracts, load_policies

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "policies"
SCHEMA = [ROOT / "schema" / name for name in ("control-plane", "policy-admin", "support")]
QUESTION = {
    "subject": {"type": "user", "id": "zoe"},
    "action": {"name": "call"},
    "resource": {"type": "operation", "id": "controlPlane.trace.get"},
}
PEP = Principal(PrincipalType.SERVICE, "pep", "acme", frozenset({"policy-enforcer"}))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Deciding:
    """What the handlers need of the loop."""

    policies: Policies

    def answer(self, handler: Any, value: JsonObject) -> JsonObject:
        contract = self.policies.registry.operations["policy.decision.evaluate@1.0.0"]
        access = AccessDecision("dec_1", True, "", self.policies.revision)
        admitted = Admitted(Call(contract, value, PEP), value, access)
        found: JsonObject = handler(cast("Loop", self), admitted, cast("Records", None))
        return found


@pytest.fixture
def deciding() -> Deciding:
    return Deciding(load_policies(POLICIES, load_contracts(SCHEMA)))


def test_another_policy_is_seen_at_once(deciding: Deciding) -> None:
    evaluation = {"evaluations": [QUESTION]}
    searched = {**QUESTION, "kind": "SUBJECT"}
    before = deciding.policies.current
    assert deciding.answer(decisions.evaluate, evaluation)["results"][0]["decision"] is False
    assert deciding.answer(decisions.find, searched)["results"] == []

    row = "g, user:zoe, auditor, acme"
    edited = apply_edits(before.content, [Edit("access.csv", add=row)])
    after = build_revision(edited.content, before.registry, POLICIES)
    deciding.policies.adopt(after)

    told = deciding.answer(decisions.evaluate, evaluation)
    assert told == {"results": [{"decision": True}], "policyVersion": after.revision}
    found = deciding.answer(decisions.find, searched)
    assert found["results"] == [{"type": "user", "id": "zoe"}]
    assert found["policyVersion"] == after.revision != before.revision


async def test_nothing_is_decided_where_the_policy_in_force_is_not_known(
    deciding: Deciding,
) -> None:
    async def refresh() -> None:
        """Finds out nothing."""

    loop = cast("Loop", deciding)
    await decisions.settle(loop, cast("Admitted", None))
    deciding.policies.watched_by(refresh)
    with pytest.raises(ProblemError) as refused:
        await decisions.settle(loop, cast("Admitted", None))
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"


def test_a_batch_has_a_hundred_questions_at_most(deciding: Deciding) -> None:
    told = deciding.answer(decisions.evaluate, {"evaluations": [QUESTION] * 100})
    assert len(told["results"]) == 100
    with pytest.raises(ProblemError) as refused:
        deciding.answer(decisions.evaluate, {"evaluations": [QUESTION] * 101})
    assert refused.value.problem.issues[0].path == "/input/evaluations"
