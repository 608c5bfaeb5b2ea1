"""``gateway keys``: what a gateway that runs must not be surprised by."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal import FolderLock
from gateway.model.pii import Owner, envelopes_in
from gateway.privacy import Keyring, KeyringSealer
from gateway.privacy.tombstones import Tombstone, TombstoneFile

ADA = Owner("acme", "person/ada")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


def run(folder: Path, *arguments: str) -> Result:
    called = ["keys", *arguments, "--data-dir", str(folder)]
    return CliRunner().invoke(main, called, catch_exceptions=False)


def seal(keyring: Keyring) -> dict:
    sealed = KeyringSealer(keyring).seal(ADA, "a.b@1.0.0", "input.email", "ada@example.com")
    keyring.data.settle()
    return sealed


def test_no_key_falls_in_a_folder_while_a_gateway_seals_with_it(tmp_path: Path) -> None:
    """It would go on with the key that it has open, and nobody could read what that sealed."""
    folder, kept = tmp_path / "data", tmp_path / "kept.jsonl"
    keyring = Keyring.open(tmp_path / "data-keys")
    (key_id,) = envelopes_in(seal(keyring))
    TombstoneFile(kept).append([Tombstone(key_id, "acme", "2026-01-01T00:00:00Z", "asked for")])
    with FolderLock(folder):
        done = run(folder, "tombstones", "read", str(kept))
        sealed = seal(keyring)
    keyring.data.close()

    again = Keyring.open(tmp_path / "data-keys")
    assert KeyringSealer(again).unseal("acme", sealed) == "ada@example.com"
    again.data.close()
    assert (done.exit_code, "DATA_DIR_IN_USE" in done.stderr) == (1, True)
    assert "1 keys destroyed again" in run(folder, "tombstones", "read", str(kept)).output


def test_tombstones_are_copied_beside_a_gateway(tmp_path: Path) -> None:
    folder, kept = tmp_path / "data", tmp_path / "kept.jsonl"
    keyring = Keyring.open(tmp_path / "data-keys")
    keyring.data.destroy("acme", list(envelopes_in(seal(keyring))), "asked for")
    with FolderLock(folder):
        assert "1 tombstones added" in run(folder, "tombstones", "write", str(kept)).output
    keyring.data.close()


def test_a_file_of_something_else_is_no_file_of_tombstones(tmp_path: Path) -> None:
    """Nothing would be destroyed again, and nobody would hear of it."""
    folder, other = tmp_path / "data", tmp_path / "other.jsonl"
    keyring = Keyring.open(tmp_path / "data-keys")
    keyring.data.destroy("acme", list(envelopes_in(seal(keyring))), "asked for")
    keyring.data.close()
    other.write_bytes(
        b"\x7fELF \xff\n" + b'{"keyId": 5, "workspace": "a", "at": "b", "reason": "c"}\n'
    )
    for command in ("read", "write"):
        before = other.read_bytes()
        done = run(folder, "tombstones", command, str(other))
        assert (done.exit_code, other.read_bytes()) == (2, before), command
        assert "it holds no tombstones" in done.stderr


def test_lines_that_are_no_tombstones_are_told(tmp_path: Path) -> None:
    folder, kept = tmp_path / "data", tmp_path / "kept.jsonl"
    keyring = Keyring.open(tmp_path / "data-keys")
    (key_id,) = envelopes_in(seal(keyring))
    keyring.data.close()
    kept.write_text('{"keyId": "k1", "works')
    TombstoneFile(kept).append([Tombstone(key_id, "acme", "2026-01-01T00:00:00Z", "asked for")])
    done = run(folder, "tombstones", "read", str(kept))
    assert (done.exit_code, "1 keys destroyed again" in done.output) == (0, True)
    assert "1 lines of" in done.stderr
