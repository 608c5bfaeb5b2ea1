"""A gateway in either HTTP profile, as whoever sets it meets it."""

from pathlib import Path

import pytest

from tests.processes import HTTP
from tests.world import World, end_world, make_world

GRAPHQL, PLAIN = "application/graphql-response+json", "application/json"
UNKNOWN = '{ controlPlaneExecutionGet(input: {executionId: "none"}) { execution { runId } } }'


def statuses(world: World, media: str) -> list[int]:
    """How data, a field that fails, and a document that does not fit are answered."""
    headers = {"authorization": f"Bearer {world.olga.token}", "accept": media}
    queries = ["{ __typename }", UNKNOWN, "{ nothing }"]
    answers = [
        HTTP.post(f"{world.gateway.url}/graphql", json={"query": query}, headers=headers)
        for query in queries
    ]
    assert all(answer.json() for answer in answers)
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize(
    ("settings", "graphql", "plain"),
    [
        ({}, [200, 294, 422], [200, 200, 422]),
        ({"GATEWAY_HTTP_PROFILE": "audit"}, [200, 200, 400], [200, 200, 200]),
    ],
)
def test_the_setting_says_which_statuses_are_sent(
    tmp_path: Path, settings: dict[str, str], graphql: list[int], plain: list[int]
) -> None:
    world = make_world(tmp_path, **settings)
    try:
        assert statuses(world, GRAPHQL) == graphql
        assert statuses(world, PLAIN) == plain
    finally:
        end_world(world)
