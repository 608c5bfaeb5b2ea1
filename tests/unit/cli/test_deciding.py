"""Which request for approval is meant, where many wait."""

from typing import Any, cast

import pytest

from gateway.cli.execution_decide import _asked
from gateway.cli.remote.client import Client
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError


class Pages:
    """A gateway where so many steps wait; it tells no more of them at once than is asked for."""

    def __init__(self, waiting: int) -> None:
        self._items = [{"stepId": f"s{at}", "approvalId": f"a{at}"} for at in range(waiting)]

    def call(self, _: str, **variables: Any) -> JsonObject:
        asked = variables["input"]
        first, most = asked.get("offset", 0), asked.get("limit", 50)
        return {"total": len(self._items), "items": self._items[first : first + most]}


def test_a_step_is_found_among_more_than_a_page_of_them() -> None:
    found = _asked(cast("Client", Pages(450)), "exec_1", "s420")
    assert found["approvalId"] == "a420"


def test_a_step_that_does_not_wait_is_told() -> None:
    with pytest.raises(ProblemError, match="No step s9 of"):
        _asked(cast("Client", Pages(3)), "exec_1", "s9")
