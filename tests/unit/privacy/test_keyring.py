"""The keyring: keys that stay, differ by workspace, and are refused when damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.model.pii import Owner
from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer, sqlite_key_store, verify_signature
from gateway.privacy.sqlite_key_store import SqliteKeyStore

FILES = ["checkpoint-signing.pem", "checkpoint-signing.pub.pem", "keys.db", "root.key"]


def test_a_keyring_opens_with_the_same_keys_again(tmp_path: Path) -> None:
    first, again = Keyring.open(tmp_path), Keyring.open(tmp_path)
    assert first.signer.key_id == again.signer.key_id
    assert first.workspaces.of("acme").commitment == again.workspaces.of("acme").commitment


def test_all_key_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys")
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert {name: found[name] for name in FILES} == dict.fromkeys(FILES, 0o600)
    assert all(mode & 0o077 == 0 for mode in found.values())
    assert (tmp_path / "keys" / "root.key").stat().st_size == 32


def test_keys_differ_between_workspaces_and_installations(tmp_path: Path) -> None:
    one, other = Keyring.open(tmp_path / "one"), Keyring.open(tmp_path / "other")
    keys = [one.workspaces.of("acme"), one.workspaces.of("acme2"), other.workspaces.of("acme")]
    assert len({found.key_id for found in keys}) == 3
    assert len({found.commitment for found in keys}) == 3


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_root_key_of_another_length_is_refused(tmp_path: Path, content: bytes) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "root.key").write_bytes(content)
    with pytest.raises(ProblemError, match=f"holds {len(content)} bytes instead of 32"):
        Keyring.open(tmp_path)


def test_another_root_key_is_refused_by_name(tmp_path: Path) -> None:
    before = Keyring.open(tmp_path)
    before.workspaces.of("acme")
    (tmp_path / "root.key").write_bytes(b"x" * 32)
    with pytest.raises(ProblemError, match="was made with another root key"):
        Keyring.open(tmp_path)


def test_a_damaged_key_store_is_refused(tmp_path: Path) -> None:
    Keyring.open(tmp_path).data.close()
    (tmp_path / "keys.db").write_bytes(b"this is no database" * 500)
    with pytest.raises(ProblemError, match="cannot be used as a key store"):
        Keyring.open(tmp_path)


def test_a_key_store_of_a_later_release_is_refused(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path)
    keyring.data.store.keep_note("version", 99)
    with pytest.raises(ProblemError, match="has another version"):
        Keyring.open(tmp_path)


def test_a_lost_checkpoint_key_is_not_silently_replaced(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "checkpoint-signing.pem").unlink()
    with pytest.raises(ProblemError, match="is not the public half"):
        Keyring.open(tmp_path)


def test_a_lost_public_half_is_written_again(tmp_path: Path) -> None:
    signer = Keyring.open(tmp_path).signer
    path = tmp_path / "checkpoint-signing.pub.pem"
    path.unlink()
    Keyring.open(tmp_path)
    assert path.read_text() == signer.public_key_pem


def test_a_signature_verifies_with_the_public_half_in_the_file(tmp_path: Path) -> None:
    signer = Keyring.open(tmp_path).signer
    signature = signer.sign(b"heads")
    pem = (tmp_path / "checkpoint-signing.pub.pem").read_text()
    assert verify_signature(pem, b"heads", signature)


def test_a_signature_over_other_data_or_by_another_key_does_not_verify(tmp_path: Path) -> None:
    signer = Keyring.open(tmp_path / "one").signer
    other = Keyring.open(tmp_path / "other").signer
    signature = signer.sign(b"heads")
    pem = signer.public_key_pem
    assert not verify_signature(pem, b"heads.", signature)
    assert not verify_signature(pem, b"heads", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not verify_signature(pem, b"heads", b"")
    assert not verify_signature(other.public_key_pem, b"heads", signature)
    assert not verify_signature("no key", b"heads", signature)
    assert signer.key_id != other.key_id


def test_what_one_installation_sealed_another_cannot_open(tmp_path: Path) -> None:
    one = KeyringSealer(Keyring.open(tmp_path / "one"))
    other = KeyringSealer(Keyring.open(tmp_path / "other"))
    sealed = one.seal(Owner("acme", "call/1"), "a.b@1.0.0", "input.email", "x")
    with pytest.raises(ValueError, match="key that is not here"):
        other.unseal("acme", sealed)


def test_a_store_that_another_program_holds_is_not_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keyring.open(tmp_path / "keys").data.close()
    monkeypatch.setattr(sqlite_key_store, "_BUSY_TIMEOUT", 0.01)
    with closing(sqlite3.connect(tmp_path / "keys" / "keys.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProblemError, match="end that program, then try again") as raised:
            Keyring.open(tmp_path / "keys")
    assert raised.value.problem.code == "KEYS_UNUSABLE"
    assert "Restore" not in raised.value.problem.detail
    Keyring.open(tmp_path / "keys").data.close()


def test_a_full_disk_is_told_of_a_store_by_its_own_error(tmp_path: Path) -> None:
    with closing(SqliteKeyStore(tmp_path / "keys.db")) as store:
        store._connection.execute("PRAGMA max_page_count = 20")

        def fill_up() -> None:
            with store.transaction():
                for number in range(100):
                    store.keep_note(f"note-{number}", bytes(2000))

        with pytest.raises(sqlite3.OperationalError, match="full"):
            fill_up()
        with store.transaction():
            store.keep_note("name", b"value")
