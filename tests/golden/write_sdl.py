"""Writes the SDL of the built-in contracts, each folder for itself, as it is now agreed."""

from pathlib import Path

from gateway.contracts import load_contracts
from gateway.surfaces.graphql import build_schema, print_sdl

GOLDEN = Path(__file__).parent

for folder in ("control-plane", "policy-admin", "privacy"):
    contracts = load_contracts([GOLDEN.parents[1] / "schema" / folder])
    (GOLDEN / f"{folder}.graphql").write_text(print_sdl(build_schema(contracts)), encoding="utf-8")
