"""The time of an operation: queries are given up, commands that have begun are not."""

import asyncio
from typing import Any

import pytest

from gateway.model.contract import OperationContract
from gateway.surfaces.graphql import Limits
from tests.unit.graphql.support import SHIPPED, FakeDoor, application, post

SHORT, LONG = Limits(operation_seconds=0.1), Limits(operation_seconds=30)


class SlowDoor(FakeDoor):
    """Takes its time; knows which calls came to their end."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.done: list[str] = []

    async def call(
        self, contract: OperationContract, given: dict[str, Any], **rest: Any
    ) -> dict[str, Any]:
        answer = await super().call(contract, given, **rest)
        await asyncio.sleep(self.seconds)
        self.done.append(contract.key)
        return answer


def codes(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["path"][0], entry["extensions"]["code"]) for entry in body.get("errors", ())]


def test_a_query_is_given_up_and_says_so() -> None:
    door = SlowDoor(30)
    body = post(
        application(door, limits=SHORT), "{ a: shopPing { done } b: shopPing { done } }"
    ).json()
    assert body["data"] == {"a": None, "b": None}
    assert sorted(codes(body)) == [("a", "TIMEOUT"), ("b", "TIMEOUT")]
    assert body["errors"][0]["extensions"]["problem"]["retryable"] is True
    assert door.done == []


class LateDoor(SlowDoor):
    """Every call takes so long by a clock that nothing else moves."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def call(self, *given: Any, **rest: Any) -> dict[str, Any]:
        self.now += self.seconds
        return await super().call(*given, **rest)


def test_a_command_that_has_begun_is_answered_and_the_next_does_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = LateDoor(0.3)
    monkeypatch.setattr("gateway.surfaces.graphql.limiting.deadline.time", door)
    query = "mutation { a: shopReset { done } b: shopReset { done } }"
    body = post(application(door, limits=SHORT), query).json()
    assert body["data"] == {"a": {"done": True}, "b": None}
    assert codes(body) == [("b", "TIMEOUT")]
    assert "was not begun" in body["errors"][0]["message"]
    assert door.done == [SHIPPED["shopReset"].key]
    assert len(door.calls) == 1


def test_a_time_out_of_somebody_else_is_not_told_as_ours() -> None:
    door = FakeDoor({"shop.ping": TimeoutError("secret-word")})
    body = post(application(door), "{ shopPing { done } }").json()
    assert codes(body) == [("shopPing", "INTERNAL_ERROR")]


@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_in_time_nothing_changes(kind: str) -> None:
    name = "shopPing" if kind == "query" else "shopReset"
    body = post(application(SlowDoor(0), limits=LONG), f"{kind} {{ {name} {{ done }} }}").json()
    assert body == {"data": {name: {"done": True}}}
