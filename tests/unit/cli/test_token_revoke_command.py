"""``gateway token revoke``, called as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.unit.identity.door import Door

AT = "2026-03-01T09:30:00.000000Z"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "revoked"
    path.touch()
    monkeypatch.setenv("GATEWAY_REVOKED_TOKENS", str(path))
    return path


def revoke(*arguments: str, given: str = "") -> Result:
    command = ["token", "revoke", *arguments]
    return CliRunner().invoke(main, command, catch_exceptions=False, input=given)


def test_tokens_and_people_are_added_and_told(path: Path) -> None:
    at = ("--before", "2026-03-01T10:30:00+01:00")
    done = revoke("--id", "t1", "--id", "t2", "--subject", "Ada of Acme", *at)
    told = "token t1\ntoken t2\nbefore 2026-03-01T09:30:00.000000Z Ada of Acme\n"
    assert (done.exit_code, done.stdout, done.stderr) == (0, told, "")
    assert path.read_text() == told


def test_a_token_is_read_from_standard_input(path: Path) -> None:
    done = revoke("--of", "-", "--json", given=Door().token(jti="t9") + "\n")
    assert json.loads(done.stdout) == {"revoked": ["token t9"]}
    assert path.read_text() == "token t9\n"


@pytest.mark.parametrize("what", ["nothing", "words", "nameless", "long"])
def test_what_holds_no_token_with_a_name_is_told_without_it(path: Path, what: str) -> None:
    known = {"nothing": "", "words": "s3cret", "nameless": Door().token(jti=None)}
    given = known.get(what, "a" * 9000)
    done = revoke("--of", "-", given=given)
    told = "gateway: <stdin>: holds no token with a name (jti); revoke by --subject\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told)
    assert not path.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name tokens with --id"),
        (("--id", " "), "1 to 256 visible characters"),
        (("--id", "a\nb"), "1 to 256 visible characters"),
        (("--subject", "ada", "--before", "noon"), "write 2026-03-01T09:30:00Z"),
    ],
)
def test_a_wrong_call_is_told_and_adds_nothing(
    path: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = revoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr
    assert not path.read_text()


def test_without_the_setting_it_says_what_to_do() -> None:
    done = revoke("--id", "t1")
    assert done.exit_code == 2
    assert "GATEWAY_REVOKED_TOKENS: names no file; make an empty one, and set it" in done.stderr


FULL_AFTER = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from gateway.cli import main
main(sys.argv[2:])
"""
"""Runs the command in a process whose files have room for so many bytes alone."""


def test_a_full_disk_revokes_nobody_else(path: Path) -> None:
    """Half of ``before ... alice`` would revoke whoever is called ``al``."""
    path.write_text("token t1\n")
    command = ["token", "revoke", "--id", "t2", "--subject", "alice", "--before", AT]
    room = len(f"token t1\ntoken t2\nbefore {AT} al")
    done = subprocess.run(
        [sys.executable, "-B", "-c", FULL_AFTER, str(room), *command],
        text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}: cannot be written (File too large)" in done.stderr
    assert path.read_text() == "token t1\n"
    assert revoke(*command[2:]).exit_code == 0
    assert path.read_text() == f"token t1\ntoken t2\nbefore {AT} alice\n"
