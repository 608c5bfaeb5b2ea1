"""Fixtures of the tests that need a running gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World, end_world, make_world


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
