"""Fixtures that several acceptance tests share, one gateway for each file."""

from collections.abc import Iterator

import pytest

from tests.acceptance.authzen_world import Pep, authzen_world
from tests.acceptance.policy_people import People
from tests.world import World, end_world, make_world


@pytest.fixture(scope="module")
def authzen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose contracts and policies are made for AuthZEN."""
    with authzen_world(tmp_path_factory.mktemp("authzen")) as world:
        yield world


@pytest.fixture(scope="module")
def pep(authzen: World) -> Pep:
    """An enforcement point that asks it."""
    return Pep(authzen)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """People before a gateway where ``platform`` administers all policies."""
    world = make_world(tmp_path_factory.mktemp("world"), GATEWAY_POLICY_WORKSPACES="platform")
    yield People(world)
    end_world(world)
