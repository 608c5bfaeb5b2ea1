"""A service that dies, is slow, fails, answers twice or too late; and both down at once."""

from pathlib import Path

import pytest

from tests.faults.short import wrong_in

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


@pytest.mark.parametrize("fault", ["service killed", "service in trouble", "outage"])
def test_nothing_is_lost_done_twice_or_out_of_order(fault: str, tmp_path: Path) -> None:
    assert wrong_in(fault, tmp_path) == []
