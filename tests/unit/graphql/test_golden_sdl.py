"""The published surface, held to the form in which it was last agreed."""

from pathlib import Path

import pytest

from gateway.surfaces.graphql import build_schema, print_sdl
from tests.loaded import load_contracts

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.parametrize("folder", ["control-plane", "policy-admin", "privacy"])
def test_the_sdl_of_the_built_in_contracts_is_the_agreed_one(folder: str) -> None:
    """Clients are generated from it. A change that is meant is put into the golden files with
    ``python tests/golden/write_sdl.py``.
    """
    printed = print_sdl(build_schema(load_contracts([ROOT / "schema" / folder])))
    agreed = (GOLDEN / f"{folder}.graphql").read_text(encoding="utf-8")
    assert printed.splitlines() == agreed.splitlines()
