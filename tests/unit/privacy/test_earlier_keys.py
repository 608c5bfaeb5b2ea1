"""Keys of an earlier release: moved where they belong, and what they sealed stays readable."""

import hashlib
import hmac
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.environment import load_settings
from gateway.loading import key_folder, open_keyring
from gateway.model.json import JsonObject
from gateway.model.pii import ErasedError, Owner
from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer, KeyRotation
from gateway.privacy.sqlite_key_store import SqliteKeyStore
from tests.unit.privacy.conftest import SetClock

ROOT = bytes(range(32))
REF, FIELD = "a.b@1.0.0", "input.email"


def derived(purpose: str, workspace: str, length: int) -> bytes:
    """As the first release derived its keys."""
    info = orjson.dumps(["contract-gateway/1", purpose, workspace])
    return HKDF(SHA256(), length, salt=None, info=info).derive(ROOT)


def sealed_then(workspace: str, value: str) -> JsonObject:
    """An envelope of format 1."""
    from base64 import urlsafe_b64encode

    key_id = derived("key-id", workspace, 8).hex()
    label = orjson.dumps([1, workspace, REF, FIELD, key_id])
    nonce = b"n" * 12
    data = nonce + AESGCM(derived("seal", workspace, 32)).encrypt(nonce, orjson.dumps(value), label)
    return {"$sealed": [1, REF, FIELD, key_id, urlsafe_b64encode(data).rstrip(b"=").decode()]}


def write_root(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    (folder / "root.key").write_bytes(ROOT)
    (folder / "root.key").chmod(0o600)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The key folder of an earlier release."""
    write_root(tmp_path / "keys")
    return tmp_path / "keys"


def test_what_an_earlier_release_sealed_is_opened(earlier: Path) -> None:
    sealer = KeyringSealer(Keyring.open(earlier))
    for workspace in ("acme", "umbrella"):
        assert sealer.unseal(workspace, sealed_then(workspace, "ada")) == "ada"
    with pytest.raises(ValueError, match=r"not here|altered"):
        sealer.unseal("umbrella", sealed_then("acme", "ada"))


def test_commitments_stay_what_they_were(earlier: Path) -> None:
    """A plan's deterministic hash is made with them."""
    key = derived("commit", "acme", 32)
    expected = hmac.new(key, orjson.dumps({"a": "x"}), hashlib.sha256).hexdigest()
    assert KeyringSealer(Keyring.open(earlier)).commit("acme", {"a": "x"}) == expected


def test_new_envelopes_are_sealed_for_their_owner(earlier: Path) -> None:
    sealer = KeyringSealer(Keyring.open(earlier))
    envelope = sealer.seal(Owner("acme", "person/ada"), REF, FIELD, "x")
    assert envelope["$sealed"][0] == 2
    assert envelope["$sealed"][3] != derived("key-id", "acme", 8).hex()


def test_they_survive_a_crash_in_the_first_rotation(
    earlier: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    Keyring.open(earlier).data.close()  # before any workspace was asked for
    rotation = KeyRotation(earlier, "file", clock)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            rotation.root("file")
    rotation.close()
    sealer = KeyringSealer(Keyring.open(earlier))
    assert sealer.unseal("acme", sealed_then("acme", "ada")) == "ada"


def test_earlier_envelopes_survive_every_rotation(earlier: Path, clock: SetClock) -> None:
    Keyring.open(earlier).data.close()  # before any workspace was asked for
    rotation = KeyRotation(earlier, "file", clock)
    rotation.root("file")
    rotation.close()
    keyring = Keyring.open(earlier)
    assert KeyringSealer(keyring).unseal("acme", sealed_then("acme", "ada")) == "ada"
    keyring.data.close()
    rotation = KeyRotation(earlier, "file", clock)
    rotation.workspace("acme")
    rotation.close()
    assert KeyringSealer(Keyring.open(earlier)).unseal("acme", sealed_then("acme", "b")) == "b"


def test_they_survive_a_crash_while_the_key_store_is_made(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SqliteKeyStore, "_prepare", crash)
        with pytest.raises(KeyboardInterrupt):
            Keyring.open(earlier)
    assert (earlier / "keys.db").exists()
    assert KeyringSealer(Keyring.open(earlier)).unseal("acme", sealed_then("acme", "b")) == "b"


def test_they_survive_a_start_that_refused_the_root_key(earlier: Path) -> None:
    (earlier / "root.key").chmod(0o644)
    with pytest.raises(ProblemError, match="chmod 600"):
        Keyring.open(earlier)
    (earlier / "root.key").chmod(0o600)
    assert KeyringSealer(Keyring.open(earlier)).unseal("acme", sealed_then("acme", "b")) == "b"


def test_they_survive_a_rotation_before_the_first_start(earlier: Path, clock: SetClock) -> None:
    rotation = KeyRotation(earlier, "file", clock)
    rotation.root("file")
    rotation.close()
    assert KeyringSealer(Keyring.open(earlier)).unseal("acme", sealed_then("acme", "b")) == "b"


def test_a_root_key_of_this_release_is_no_earlier_one(tmp_path: Path) -> None:
    Keyring.open(tmp_path / "keys").data.close()
    keyring = Keyring.open(tmp_path / "keys")
    assert keyring.vault.store.note("earlier-root") is None


def test_all_that_an_earlier_release_sealed_can_be_erased_at_once(earlier: Path) -> None:
    keyring = Keyring.open(earlier)
    keyring.workspaces.of("acme")
    keyring.data.destroy("acme", [derived("key-id", "acme", 8).hex()], "asked for")
    with pytest.raises(ErasedError):
        KeyringSealer(keyring).unseal("acme", sealed_then("acme", "ada"))


def test_the_key_folder_of_an_earlier_release_is_moved_out_of_the_data(tmp_path: Path) -> None:
    write_root(tmp_path / "data" / "keys")
    settings = load_settings(data_dir=tmp_path / "data")
    keyring = open_keyring(settings)
    assert not (tmp_path / "data" / "keys").exists()
    assert (tmp_path / "data-keys" / "root.key").read_bytes() == ROOT
    assert KeyringSealer(keyring).unseal("acme", sealed_then("acme", "ada")) == "ada"
    assert key_folder(settings) == tmp_path / "data-keys"


def test_two_key_folders_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write_root(tmp_path / "data" / "keys")
    write_root(tmp_path / "data-keys")
    with pytest.raises(ProblemError, match="move the other away") as refused:
        key_folder(load_settings(data_dir=tmp_path / "data"))
    assert refused.value.problem.code == "KEYS_UNUSABLE"


def test_a_key_folder_inside_the_data_is_used_where_it_is_asked_for(tmp_path: Path) -> None:
    write_root(tmp_path / "data" / "keys")
    settings = load_settings(data_dir=tmp_path / "data", key_dir=tmp_path / "data" / "keys")
    assert key_folder(settings) == tmp_path / "data" / "keys"
    assert (tmp_path / "data" / "keys").is_dir()
