"""schemathesis sends what the schema allows, and more; the gateway fails at none of it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.world import World, end_world, make_world

SCHEMATHESIS = ROOT / ".venv" / "conformance" / "bin" / "schemathesis"
HOOKS = {
    "SCHEMATHESIS_HOOKS": "fuzzing_hooks",
    "PYTHONPATH": str(ROOT / "tests" / "conformance"),
}
EXAMPLES = 5
"""Examples of each root field, of which there are more than eighty."""


MANY = 300


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("fuzzed"))
    yield world
    end_world(world)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["administrator", "nobody"])
def test_no_document_that_fits_the_schema_fails_the_gateway(
    fuzzed: World, tmp_path: Path, who: str
) -> None:
    assert SCHEMATHESIS.exists(), "make conformance installs schemathesis"
    door = f"{fuzzed.gateway.url}/graphql"
    given = [door, "-H", f"authorization: Bearer {fuzzed.olga.token}"]
    if who == "nobody":  # who is shown no schema has the published one
        given = [str(ROOT / "schema" / "gateway.graphql"), "--url", door]
    before = len(fuzzed.gateway.log())
    done = subprocess.run(
        [
            *(str(SCHEMATHESIS), "run", *given),
            *("--checks", "the_gateway_does_not_fail", "--phases", "fuzzing"),
            *("--max-examples", str(EXAMPLES), "--seed", "29", "--suppress-health-check", "all"),
            *("--request-timeout", "20", "--no-shrink", "--continue-on-failure", "--no-color"),
        ],
        cwd=tmp_path, env=os.environ | HOOKS, capture_output=True, text=True, timeout=580,
        check=False,
    )  # fmt: skip
    log = fuzzed.gateway.log()[before:]
    assert "Traceback" not in log
    assert '"status":5' not in log.replace('"status":503', "")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    found = re.search(r"(\d+) generated", done.stdout)
    assert found is not None, done.stdout[-2000:]
    assert int(found[1]) > MANY
    assert fuzzed.gateway.process is not None
    assert fuzzed.gateway.process.poll() is None
