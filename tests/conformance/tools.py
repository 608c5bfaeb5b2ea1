"""Tools that nobody here wrote, run to their end beside a gateway."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.conformance.clients import FOLDER
from tests.processes import ROOT

MODULES = FOLDER / "node_modules"
PATIENCE = 90


def run(*command: str | Path, cwd: Path = FOLDER, env: dict[str, str] | None = None) -> str:
    """Run a command to its end; gives what it printed.

    Raises:
        AssertionError: it failed, or is not installed.
    """
    assert Path(command[0]).exists(), f"{command[0]} is not installed; run make conformance"
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


def npm(name: str) -> Path:
    """The command of an npm package."""
    return MODULES / ".bin" / name


def python(environment: str) -> Path:
    """The interpreter that has the packages of ``requirements/<environment>.lock``."""
    return ROOT / ".venv" / environment / "bin" / "python"


def told(output: str) -> list[Any]:
    """What a script printed, a line of JSON each."""
    return [json.loads(line) for line in output.splitlines()]
