"""``gateway witness`` and ``gateway audit status``, called as operators call them."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.transparency import COSIGNATURE, Verifier

NAME = "witness.example.com/w1"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_the_key_of_a_witness_is_made_once(tmp_path: Path) -> None:
    asked = ("witness", "key", "--state", str(tmp_path / "w"), "--name", NAME)
    first, again = run(*asked), run(*asked)
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == again.stdout
    key = Verifier.parse(first.stdout.strip())
    assert (key.name, key.algorithm) == (NAME, COSIGNATURE)
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o700


LOG = Verifier("log", bytes(range(32)))
"""The same in every process that collects the tests."""


@pytest.mark.parametrize(
    ("name", "log", "told"),
    [
        (NAME, "nonsense", "a verifier key reads"),
        (NAME, str(Verifier("w", bytes(32), COSIGNATURE)), "key of a witness and not of a log"),
        (
            "two words",
            str(Verifier("log", bytes(range(32)))),
            "a key's name is empty or holds a space",
        ),
    ],
)
def test_a_key_or_a_name_that_cannot_be_used_is_told(
    tmp_path: Path, name: str, log: str, told: str
) -> None:
    asked = ["--state", str(tmp_path / "w"), "--name", name, "--log", log, "--port", "0"]
    done = run("witness", "serve", *asked)
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "203.0.113.1"])
def test_an_address_that_cannot_be_listened_on_is_told(tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        asked = ["--state", str(tmp_path / "w"), "--name", NAME, "--log", str(LOG)]
        done = run("witness", "serve", *asked, "--host", host, "--port", port)
    assert done.exit_code == 1
    assert f"{host}:{port} cannot be listened on: " in done.stderr
    assert "--port" in done.stderr


def test_a_state_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir(mode=0o755)
    done = run("witness", "key", "--state", str(folder), "--name", NAME)
    assert done.exit_code == 1
    assert "KEYS_UNUSABLE" in done.stderr
    folder.chmod(0o700)
    (folder / "witness.db").write_text("no database, however long this text may be" * 30)
    done = run("witness", "key", "--state", str(folder), "--name", NAME)
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr


def test_a_witness_witnesses_something(tmp_path: Path) -> None:
    done = run("witness", "serve", "--state", str(tmp_path / "w"), "--name", NAME)
    assert done.exit_code == 2
    assert "--log" in done.stderr


def test_a_file_of_anchors_that_is_wrong_is_told_by_the_status_too(tmp_path: Path) -> None:
    file = tmp_path / "anchors.yaml"
    file.write_text("anchor: []")
    done = run("audit", "status", "--anchors", str(file), "--data-dir", str(tmp_path / "data"))
    assert done.exit_code == 2
    assert "anchors.yaml:1:1: ANCHOR_VALUE" in done.stderr
    assert "docs/errors/ANCHORS_INVALID.md" in done.stderr


def test_there_is_no_status_of_no_record(tmp_path: Path) -> None:
    done = run("audit", "status", "--data-dir", str(tmp_path / "data"))
    assert done.exit_code == 1
    assert "There is no record" in done.stderr
