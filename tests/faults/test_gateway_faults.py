"""A gateway that is killed, paused, out of disk or wrong about the time."""

from pathlib import Path

import pytest

from tests.faults.short import wrong_in

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


@pytest.mark.parametrize("fault", ["gateway killed", "gateway paused", "disk full", "clock skewed"])
def test_nothing_is_lost_done_twice_or_out_of_order(fault: str, tmp_path: Path) -> None:
    assert wrong_in(fault, tmp_path) == []
