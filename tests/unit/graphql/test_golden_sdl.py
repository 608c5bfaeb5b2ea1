"""The published surface, held to the form in which it was last agreed."""

from pathlib import Path

from gateway.contracts import load_contracts
from gateway.surfaces.graphql import build_schema, print_sdl

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "control-plane.graphql"


def test_the_sdl_of_the_control_plane_is_the_agreed_one() -> None:
    """Clients are generated from it. A change that is meant is put into the golden file with
    ``gateway schema print --schema-dir schema/control-plane``.
    """
    printed = print_sdl(build_schema(load_contracts([ROOT / "schema" / "control-plane"])))
    assert printed.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
