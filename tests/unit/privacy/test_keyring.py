"""The keyring: keys that stay, differ by workspace and purpose, and are refused when damaged."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer, verify_signature


def test_a_keyring_opens_with_the_same_keys_again(tmp_path: Path) -> None:
    first, again = Keyring.open(tmp_path), Keyring.open(tmp_path)
    assert first.signer.key_id == again.signer.key_id
    assert first.workspace_keys("acme").commitment == again.workspace_keys("acme").commitment


def test_all_key_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    names = ["checkpoint-signing.pem", "checkpoint-signing.pub.pem", "root.key"]
    assert found == dict.fromkeys(names, 0o600)
    assert (tmp_path / "keys" / "root.key").stat().st_size == 32


def test_keys_differ_between_workspaces_purposes_and_installations(tmp_path: Path) -> None:
    one, other = Keyring.open(tmp_path / "one"), Keyring.open(tmp_path / "other")
    keys = [one.workspace_keys("acme"), one.workspace_keys("acme2"), other.workspace_keys("acme")]
    assert len({found.key_id for found in keys}) == 3
    assert len({found.commitment for found in keys}) == 3
    nonce = b"0" * 12
    as_cipher = AESGCM(keys[0].commitment)
    assert keys[0].cipher.encrypt(nonce, b"x", None) != as_cipher.encrypt(nonce, b"x", None)


def test_a_workspace_cannot_imitate_the_derivation_of_another(tmp_path: Path) -> None:
    """The info string is encoded: no choice of name runs over into the purpose."""
    keyring = Keyring.open(tmp_path)
    names = ["a", 'a"]', '","a', "seal", 'commit","a', ""]
    assert len({keyring.workspace_keys(name).key_id for name in names}) == len(names)


def test_keys_of_workspaces_are_cached_within_bounds(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path)
    assert keyring.workspace_keys("acme") is keyring.workspace_keys("acme")
    for number in range(1100):
        keyring.workspace_keys(f"w{number}")
    assert keyring.workspace_keys.cache_info().currsize == 1024


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_root_key_of_another_length_is_refused(tmp_path: Path, content: bytes) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "keys" / "root.key").write_bytes(content)
    with pytest.raises(ProblemError, match=f"holds {len(content)} bytes instead of 32"):
        Keyring.open(tmp_path)


def test_a_lost_checkpoint_key_is_not_silently_replaced(tmp_path: Path) -> None:
    Keyring.open(tmp_path)
    (tmp_path / "keys" / "checkpoint-signing.pem").unlink()
    with pytest.raises(ProblemError, match="is not the public half"):
        Keyring.open(tmp_path)


def test_a_lost_public_half_is_written_again(tmp_path: Path) -> None:
    signer = Keyring.open(tmp_path).signer
    path = tmp_path / "keys" / "checkpoint-signing.pub.pem"
    path.unlink()
    Keyring.open(tmp_path)
    assert path.read_text() == signer.public_key_pem


def test_a_signature_verifies_with_the_public_half_in_the_file(tmp_path: Path) -> None:
    signer = Keyring.open(tmp_path).signer
    signature = signer.sign(b"heads")
    pem = (tmp_path / "keys" / "checkpoint-signing.pub.pem").read_text()
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
    with pytest.raises(ValueError, match="key that is not here"):
        other.unseal("acme", one.seal("acme", "a.b@1.0.0", "input.email", "x"))
