"""A gateway that is killed, paused, out of disk or wrong about the time."""

import os
import random
from pathlib import Path

import pytest

from tests.faults.play import play
from tests.faults.plots import faults_of, short

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


@pytest.mark.parametrize("fault", ["gateway killed", "gateway paused", "disk full", "clock skewed"])
def test_nothing_is_lost_done_twice_or_out_of_order(fault: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    result = play(short(fault), seed, tmp_path)
    print(f"FAULTS_SEED={seed}: {result}")  # noqa: T201 - to repeat a failure
    assert not faults_of(result), f"{result}\nsee {tmp_path}"
