"""Two gateways and two workers on PostgreSQL, of which something is killed, paused or cut off."""

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.deployment import workers_beside
from tests.faults.play import play
from tests.faults.plots import faults_of, short
from tests.postgres import Postgres

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that may be killed: what it acknowledged is on the disk."""
    made = Postgres()
    made.start()
    yield made
    made.remove()


@pytest.mark.parametrize("fault", ["worker killed", "worker paused", "PostgreSQL killed"])
def test_nothing_is_lost_done_twice_or_out_of_order(
    fault: str, tmp_path: Path, server: Postgres
) -> None:
    seed = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    make = partial(workers_beside, postgres=server)
    result = play(short(fault, strikes=1), seed, tmp_path, make)
    print(f"FAULTS_SEED={seed}: {result}")  # noqa: T201 - to repeat a failure
    assert not faults_of(result), f"{result}\nsee {tmp_path}"
