"""The audits of the npm package graphql-http, all of them, against both HTTP profiles."""

from collections.abc import Iterator

import pytest

from tests.conformance.clients import JsonObject, client
from tests.world import World, end_world, make_world

COUNT = 61
LIMIT = 90  # seconds; each audit is a request, and they come one after another

UNDECIDED = "plain JSON for whoever takes anything: the text leaves the choice to the server"
WELL_FORMED = "400 for what is no well-formed request: the text says 422"
LEGACY = "200 for a refusal in plain JSON: the text gives it the status that all others get"
VALID = "400 for a request that does not fit the schema: the text says 422"

DIFFERENCES = {
    **dict.fromkeys(["47DE", "80D8"], UNDECIDED),
    **dict.fromkeys(["423L", "3E3A"], WELL_FORMED),
    **{f"{group}{n}": WELL_FORMED for group in ("LKJ", "6C0", "476", "58B") for n in range(4)},
    **dict.fromkeys(["572B", "FDE2", "7B9B"], LEGACY),
    "86EE": VALID,  # 74FF means the same of documents, but sends one that does not even parse
}
"""The audits that the current text contradicts, and where; none of them is a MUST."""


def audited(world: World) -> list[JsonObject]:
    """What each audit says of the gateway, which knows who asks."""
    headers = {"authorization": f"Bearer {world.olga.token}"}
    url = f"{world.gateway.url}/graphql"
    with client("audits.mjs", url=url, headers=headers) as heard:
        return heard.end(LIMIT)


@pytest.fixture
def audit_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("audit"), GATEWAY_HTTP_PROFILE="audit")
    yield world
    end_world(world)


def test_the_audit_profile_passes_every_audit(audit_world: World) -> None:
    told = audited(audit_world)
    assert len({audit["audit"] for audit in told}) == len(told) == COUNT
    assert [audit for audit in told if audit["status"] != "ok"] == []


def test_the_spec_profile_differs_where_the_current_text_does_and_nowhere_else(
    world: World,
) -> None:
    told = audited(world)
    assert len({audit["audit"] for audit in told}) == len(told) == COUNT
    failed = {audit["audit"]: audit["status"] for audit in told if audit["status"] != "ok"}
    assert failed.keys() == DIFFERENCES.keys()
    assert "error" not in failed.values(), "an audit that fails as an error is a MUST"
