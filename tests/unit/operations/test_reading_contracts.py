"""What callers read of contracts: nothing of those that they may not call."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.model.decision import AccessDecision
from gateway.model.json import JsonObject
from gateway.model.policy import Edit
from gateway.model.ports import Records
from gateway.model.principal import Principal, PrincipalType
from gateway.operations import contracts
from gateway.pipeline import Admitted, Call
from gateway.policy import Policies, apply_edits, build_revision
from gateway.runtime import Loop
from tests.loaded import load_contracts, load_policies

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "policies"
SHIPPED = [ROOT / "schema" / name for name in ("control-plane", "policy-admin", "support")]
KEY = "shop.parcel.send"
PARCEL = """\
key: shop.parcel.send
version: {version}
kind: command
title: Send parcel
description: Sends a parcel.
domain: shop
owners: [shop.logistics]
risk: low
input: {{parcelId: ID!}}
output: {{parcelId: ID!}}
policy: {{auth: user}}
handler: {{http: {{url: "https://parcels.example/v1"}}}}
"""


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    """Two versions of a command, the newer of which users may not call yet."""
    folder = tmp_path_factory.mktemp("shop")
    for version in ("1.0.0", "2.0.0"):
        (folder / f"{version}.yaml").write_text(PARCEL.format(version=version))
    before = load_policies(POLICIES, load_contracts([*SHIPPED, folder])).current
    denied = Edit("access.csv", add=f"p, user, *, {KEY}@2.0.0, call, deny")
    edited = apply_edits(before.content, [denied])
    return Policies(build_revision(edited.content, before.registry, POLICIES))


def read(policies: Policies, *roles: str) -> JsonObject:
    """The first version, as somebody with these roles reads it."""
    who = Principal(PrincipalType.HUMAN, "ulla", "acme", frozenset(roles))
    asked = {"contract": f"{KEY}@1.0.0"}
    get = policies.registry.operations["controlPlane.contract.get@1.0.0"]
    access = AccessDecision("dec_1", True, "", policies.revision)
    loop = SimpleNamespace(policies=policies, registry=policies.registry)
    admitted = Admitted(Call(get, asked, who), asked, access)
    answer = contracts.get(cast("Loop", loop), admitted, cast("Records", None))
    found: JsonObject = answer["contract"]
    return found


@pytest.mark.parametrize(
    ("role", "versions"),
    [("user", ["1.0.0"]), ("auditor", ["2.0.0", "1.0.0"]), ("admin", ["2.0.0", "1.0.0"])],
)
def test_a_version_that_the_caller_may_not_call_is_not_named(
    policies: Policies, role: str, versions: list[str]
) -> None:
    assert [one["version"] for one in read(policies, "user", role)["versions"]] == versions
