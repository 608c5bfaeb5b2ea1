"""Answers have a bound, and so has what a query reads of the record for one."""

from collections.abc import Iterator

import pytest

from tests.processes import JsonObject
from tests.world import World, end_world, make_world

MOST = 65_536
TEXT = "x" * 3000
INTENTS = 30


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway whose answers are small, with more intents than one of them can be made of."""
    made = make_world(tmp_path_factory.mktemp("world"), GATEWAY_MAX_ANSWER_BYTES=str(MOST))
    for _ in range(INTENTS):
        made.submit(text=TEXT)
    yield made
    end_world(made)


def listing(world: World, limit: int) -> JsonObject:
    query = "{ controlPlaneExecutionList(input: {limit: %d}) { total items { executionId } } }"
    body: JsonObject = world.olga.send(query % limit).json()
    return body


def test_a_query_that_would_read_too_much_is_refused_at_its_field(world: World) -> None:
    body = listing(world, INTENTS)
    assert body["data"] == {"controlPlaneExecutionList": None}
    (error,) = body["errors"]
    assert error["path"] == ["controlPlaneExecutionList"]
    problem = error["extensions"]["problem"]
    assert (problem["code"], problem["maximum"]) == ("ANSWER_LIMIT_EXCEEDED", MOST)


def test_a_page_of_less_is_answered(world: World) -> None:
    found = listing(world, 10)["data"]["controlPlaneExecutionList"]
    assert (found["total"], len(found["items"])) == (INTENTS, 10)


def test_an_answer_that_tells_a_text_too_often_is_left_out(world: World) -> None:
    value = {"workspaceId": "acme", "text": "Look at this.", "metadata": {"note": TEXT}}
    intent = world.agent.mutate("controlPlaneIntentSubmit", "executionId", value)
    told = " ".join(f"a{number}: entries {{ metadata }}" for number in range(25))
    query = 'controlPlaneTraceGet(input: {executionId: "%s", includePayloads: true}) { %s }'
    asked = query % (intent["executionId"], "entries { metadata }")
    once = world.olga.send(f"{{ {asked} }}")
    assert "errors" not in once.json()
    assert TEXT in once.text
    body = world.olga.send("{ %s }" % (query % (intent["executionId"], told))).json()
    assert body["data"] is None
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "ANSWER_LIMIT_EXCEEDED"
    assert "path" not in error
    assert TEXT not in error["message"]
