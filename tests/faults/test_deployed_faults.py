"""Two gateways and two workers on PostgreSQL, of which something is killed, paused or cut off."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.deployment import workers_beside
from tests.faults.short import wrong_in
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
    make = partial(workers_beside, postgres=server)
    assert wrong_in(fault, tmp_path, make, strikes=1) == []
