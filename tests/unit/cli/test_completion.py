"""Completion of the command line: as shells ask for it, and without importing the commands."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.completing import told_commands
from gateway.cli.main import COMPLETE_VAR
from tests.processes import GATEWAY, ROOT


def script(shell: str) -> str:
    return CliRunner().invoke(main, ["completion", shell], catch_exceptions=False).stdout


def offered(words: str) -> list[str]:
    """What is offered after these words, of which the last is not whole yet."""
    *before, incomplete = words.split(" ")[1:]
    shell = BashComplete(told_commands(), {}, "gateway", COMPLETE_VAR)
    return [f"{one.type},{one.value}" for one in shell.get_completions(before, incomplete)]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("gateway au", ["plain,audit"]),
        ("gateway audit verify --ag", ["plain,--against"]),
        ("gateway audit verify --against x --pub", ["plain,--public-key"]),
        ("gateway audit verify --data-dir x --color al", ["plain,always"]),
        ("gateway keys rotate r", ["plain,root"]),
        ("gateway serve --port", ["plain,--port"]),
        ("gateway evidence verify ", ["file,"]),
        ("gateway policy export ", ["dir,"]),
    ],
)
def test_what_may_follow_is_offered(words: str, wanted: list[str]) -> None:
    assert offered(words) == wanted


def test_settings_are_offered_where_the_help_lists_them() -> None:
    assert "plain,--data-dir" not in offered("gateway audit verify --")
    assert "plain,--data-dir" in offered("gateway serve --")


def test_completing_imports_no_command() -> None:
    asked = {"COMP_WORDS": "gateway policy ", "COMP_CWORD": "2", COMPLETE_VAR: "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *GATEWAY[1:]], cwd=ROOT, env={**os.environ, **asked},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "plain,export" in done.stdout.split()
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "gateway.cli.completing" in imported
    assert not imported & {"gateway.cli.policy", "gateway.settings", "gateway.journal", "pydantic"}


ASK = {
    "bash": "COMP_WORDS=(gateway audit pro); COMP_CWORD=2; _gateway_completion gateway; "
    'echo "${COMPREPLY[@]}"',
    "fish": 'complete -C "gateway audit pro"',
}
"""How each shell is told to complete, where it may be asked without a terminal."""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_taken_by_its_shell(shell: str, tmp_path: Path) -> None:
    printed = script(shell)
    assert f"_GATEWAY_COMPLETE={shell}_complete" in printed
    found = shutil.which(shell)
    if found is None or shell not in ASK:
        return  # what it asks is tested above, as click speaks one protocol with all three
    command = f'exec {shlex.quote(sys.executable)} -m gateway.cli "$@"'
    (tmp_path / "gateway").write_text(f"#!/bin/sh\n{command}\n")
    (tmp_path / "gateway").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [found, "-c", f"{printed}\n{ASK[shell]}"], cwd=ROOT, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split()[0] == "proof", done.stderr


def test_a_shell_that_is_not_known_is_told() -> None:
    done = CliRunner().invoke(main, ["completion", "csh"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr
