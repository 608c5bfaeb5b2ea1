"""``gateway doctor`` as a command: its lines, its JSON and its exit status."""

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], catch_exceptions=False)


@pytest.fixture
def broken(tmp_path: Path) -> list[str]:
    """Flags for contracts that do not load and a key folder that is open to others."""
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "a.yaml").write_text("key: [")
    (tmp_path / "data-keys").mkdir()
    (tmp_path / "data-keys").chmod(0o755)
    return ["--data-dir", str(tmp_path / "data"), "--schema-dir", str(tmp_path / "schema")]


def test_settings_that_are_wrong_are_all_that_is_looked_at() -> None:
    done = doctor("--port", "many", "--introspection", "maybe")
    assert (done.exit_code, done.stderr) == (1, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows] == [["failed", "settings"]] * 2
    assert "GATEWAY_PORT" in rows[0][2] + rows[1][2]


def test_each_finding_is_a_line_and_failures_exit_1(broken: list[str]) -> None:
    done = doctor(*broken)
    assert done.exit_code == 1
    found = {check: (state, remedy) for state, check, _, remedy in _rows(done)}
    assert found["settings"] == ("ok", "")
    assert found["key folder"][0] == "failed"
    assert "chmod 700" in found["key folder"][1]
    assert found["policies"][0] == "skipped"


def test_people_get_a_count_at_the_end(broken: list[str]) -> None:
    done = doctor(*broken, "--color", "always")
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"(\d+ ok, )?(1 warning, |\d+ warnings, )?\d+ failed, \d+ skipped", last)
    assert "2 of them are set" in done.stdout


def test_json_counts_and_lists_the_findings(broken: list[str]) -> None:
    done = doctor(*broken, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["isWell"]) == (1, False)
    states = [one["state"] for one in told["findings"]]
    assert all(told[state] == states.count(state) for state in ("ok", "failed", "skipped"))
    contracts = next(one for one in told["findings"] if one["check"] == "contracts")
    assert contracts["state"] == "failed"
    assert contracts["code"]
    assert "docs/errors/CONTRACTS_INVALID.md" in contracts["remedy"]


def _rows(done: Result) -> list[list[str]]:
    return [line.split("\t") for line in done.stdout.splitlines()]
