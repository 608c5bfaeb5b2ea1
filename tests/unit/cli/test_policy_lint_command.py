"""``gateway policy lint``: what it prints and how it ends."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def lint(policies: Path, *more: str) -> Result:
    arguments = ["policy", "lint", "--policy-dir", str(policies), *more]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def add(policies: Path, file: str, row: str) -> int:
    """Append a row; returns its line."""
    path = policies / file
    text = path.read_text(encoding="utf-8") + row + "\n"
    path.write_text(text, encoding="utf-8")
    return text.count("\n")


def test_the_shipped_policies_pass_strictly(policies: Path) -> None:
    done = lint(policies, "--strict")
    assert done.exit_code == 0, done.output
    assert "errors 0, warnings 0," in done.output


def test_an_error_is_told_with_its_place_and_its_rule_and_fails(policies: Path) -> None:
    row = "p, *, *, controlPlane.execution.start, call, allow"
    line = add(policies, "access.csv", row)
    done = lint(policies)
    assert done.exit_code == 1
    place = f"{policies / 'access.csv'}:{line}:4"
    assert f"ERROR {place}: POLICY_WILDCARD_CRITICAL: callers without" in done.output
    assert f"\n  {row}\n" in done.output
    assert "errors 1, warnings 0," in done.output


def test_a_warning_fails_only_if_asked(policies: Path) -> None:
    add(policies, "verdict.csv", "p, 950, type:agent, *, *, low, true, blocked, -, -, -, -")
    assert (lint(policies).exit_code, lint(policies, "--strict").exit_code) == (0, 1)
    assert "WARNING" in lint(policies).output


def test_policies_that_do_not_load_are_refused_as_elsewhere(policies: Path) -> None:
    add(policies, "access.csv", "p, user, *, *, call, alow")
    done = lint(policies)
    assert done.exit_code == 2
    assert "POLICY_VALUE" in done.stderr
