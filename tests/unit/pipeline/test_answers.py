"""Answers of handlers, held to their contracts: events and output."""

from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.model.action import Answered
from gateway.model.problem import ProblemError
from gateway.pipeline import accept_answer
from tests.unit.runtime.loop_world import FILES, write_contracts

DONE = "shop.keyed.done@1.0.0"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return write_contracts(tmp_path, FILES)


def accept(registry: Registry, output: Any, *events: Any, **given: Any) -> list[Any]:
    contract = registry.operations["shop.keyed@1.0.0"]
    answer = accept_answer(registry, contract, {"id": "in", **given}, Answered(output, events))
    return [answer.output, *answer.events]


def test_a_declared_event_is_built_from_output_and_input(registry: Registry) -> None:
    found = accept(registry, {"id": "out"}, amount=1.5, email="ada@example.com")
    assert found == [{"id": "out"}, (DONE, {"id": "out", "amount": 1.5})]


def test_an_event_that_the_handler_emits_goes_before_a_built_one(registry: Registry) -> None:
    found = accept(registry, {"id": "out"}, (DONE, {"id": "own"}), amount=1.5)
    assert found[1:] == [(DONE, {"id": "own"})]


def test_an_event_counts_as_often_as_the_handler_emits_it(registry: Registry) -> None:
    """One call may ship two parcels."""
    events = [(DONE, {"id": name}) for name in ("one", "two", "one")]
    assert accept(registry, {"id": "out"}, *events)[1:] == events


def nested(depth: int) -> Any:
    """As deep as an action may answer in JSON, or nearly."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("output", "events", "named"),
    [
        ({"id": "out"}, [("shop.other@1.0.0", {"id": "x"})], "shop.other@1.0.0"),
        ({"id": "out"}, [(DONE, {"id": "x", "more": 1})], "/events/shop.keyed.done@1.0.0"),
        ({"id": "out"}, [(DONE, {"id": []}), (DONE, {"id": "x"})], "/events/shop.keyed.done@1.0.0"),
        ({"id": "out"}, [(DONE, [1])], "/events/shop.keyed.done@1.0.0"),
        ({"id": "out"}, [(DONE, {"id": object()})], "/events/shop.keyed.done@1.0.0"),
        ({"id": "out"}, [(DONE, {"id": "\ud800"})], "/events/shop.keyed.done@1.0.0"),
        ({"id": "out", "more": 1}, [], "/output/more"),
        ({}, [], "/output/id"),
        ({"id": nested(250)}, [], "/output/id"),
        ({"id": "out", "more": nested(250)}, [], "/output/more"),
        ("text", [], "/output"),
        (None, [], "/output"),
    ],
)
def test_what_the_contract_does_not_allow_is_refused(
    registry: Registry, output: Any, events: list[Any], named: str
) -> None:
    with pytest.raises(ProblemError) as refused:
        accept(registry, output, *events)
    told = refused.value.problem
    assert (told.code, told.retryable) == ("BAD_GATEWAY", False)
    assert named in told.detail
