"""Fixtures of the tests that need a running gateway or a PostgreSQL server."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import Postgres
from tests.properties.amounts import SHARE
from tests.world import World, end_world, make_world

# As the Makefile does, for whoever runs pytest itself: compiled modules are kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What is checked of a commit is the same each time, so that it says something of the commit: the
# same examples are tried until the property changes. A search tries others each time. How long an
# example takes says more about what else the machine does than about the property.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("search" if SHARE > 1 else "steady")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing of what is imported and collected is garbage: it is not looked through, nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world shared by the tests of one file."""
    made = make_world(tmp_path_factory.mktemp("world"))
    yield made
    end_world(made)


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    """A world for one test, which may stop and start its parts."""
    made = make_world(tmp_path)
    yield made
    end_world(made)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests of a worker."""
    server = Postgres({"fsync": "off"})  # a killed process loses nothing: the system has it
    server.start()
    yield server
    server.remove()


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    """An empty database of its own for one test; it goes with its server."""
    return postgres.create()


@pytest.fixture(scope="module", params=["sqlite", "postgres", "every unit twice"])
def each_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world on each database, and one whose journal undoes every unit once and runs it again."""
    folder = tmp_path_factory.mktemp("world")
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        made = make_world(folder, GATEWAY_DATABASE_URL=server.create())
    elif request.param == "sqlite":
        made = make_world(folder)
    else:
        made = make_world(folder, module="tests.faults.twice")
    yield made
    end_world(made)
