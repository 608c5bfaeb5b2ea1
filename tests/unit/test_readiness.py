"""What /readyz finds wrong, part by part."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import readiness
from gateway.model.problem import refuse
from gateway.readiness import Readiness

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class House:
    """The parts that are looked at; each can be made to fail or to hang."""

    def __init__(self) -> None:
        self.head, self.decides, self.looks = "sha256:a", "sha256:a", 0
        self.broken: dict[str, Callable[[], Any]] = {}
        parts = SimpleNamespace(policy_head=lambda: self.head, now="now")
        self.journal = SimpleNamespace(
            read=lambda query: self._answer("record", lambda: query(parts)),
            write=lambda unit: self._answer("writer", lambda: unit(parts)),
        )
        self.policies = SimpleNamespace(revision=self.decides)

    async def _answer(self, part: str, answer: Callable[[], Any]) -> Any:
        self.looks += part == "record"
        found = self.broken.get(part, answer)()
        return await found if asyncio.iscoroutine(found) else found

    def look_for_keys(self) -> object:
        return self.broken.get("keys", lambda: None)()


def fail() -> None:
    raise refuse("SERVICE_UNAVAILABLE", "away")


def crash() -> None:
    raise OSError("kanari")


async def hang() -> None:
    await asyncio.sleep(3600)


async def told(house: House) -> tuple[dict[str, Any], int]:
    return await Readiness(house).told()  # type: ignore[arg-type] # what is looked at of a gateway


async def test_it_is_ready_where_all_parts_are() -> None:
    assert await told(House()) == ({"status": "ready", "policyVersion": "sha256:a"}, 200)


@pytest.mark.parametrize("part", ["record", "writer", "keys"])
@pytest.mark.parametrize("what", [fail, crash])
async def test_a_part_that_fails_is_named(part: str, what: Callable[[], None]) -> None:
    house = House()
    house.broken[part] = what
    body = {"status": "not ready", "part": part, "code": "SERVICE_UNAVAILABLE"}
    assert await told(house) == (body, 503)


@pytest.mark.parametrize("part", ["record", "writer"])
async def test_a_part_that_hangs_is_given_up(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "WITHIN", 0.05)
    house = House()
    house.broken[part] = hang
    body, status = await told(house)
    assert (body["part"], status) == (part, 503)


async def test_another_policy_than_that_in_force_is_told() -> None:
    house = House()
    house.head = "sha256:b"
    assert await told(house) == (
        {
            "status": "not ready",
            "part": "policy",
            "policyVersion": "sha256:b",
            "decidesUnder": "sha256:a",
        },
        503,
    )


async def test_however_many_ask_it_looks_once() -> None:
    house = House()
    looking = Readiness(house)  # type: ignore[arg-type] # what is looked at of a gateway
    await asyncio.gather(*(looking.told() for _ in range(50)))
    assert house.looks == 1


async def test_it_looks_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    house = House()
    looking = Readiness(house)  # type: ignore[arg-type] # what is looked at of a gateway
    assert (await looking.told())[1] == 200
    house.broken["record"] = fail
    assert (await looking.told())[1] == 503
