"""What tombstones and signing keys must do, as files and in PostgreSQL."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.model.system import SystemClock
from gateway.privacy import verify_signature
from gateway.privacy.root_keys import LocalRootKey, open_root_key
from gateway.privacy.signing_keys import CHECKPOINT, StoredSigningKeys
from gateway.privacy.tombstones import Tombstone, TombstoneFile
from gateway.privacy.vault import Vault, open_vault
from gateway.privacy.workspace_keys import WorkspaceKeys

NOW = "2026-03-01T00:00:00.000000Z"

Open = Callable[[], Vault]


@pytest.fixture(params=["folder", "postgres"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same vault, once more each time."""
    opened: list[Vault] = []
    url = request.getfixturevalue("database_url") if request.param == "postgres" else ""
    (tmp_path / "keys").mkdir(mode=0o700)

    def open_it() -> Vault:
        opened.append(open_vault(tmp_path / "keys", "file", SystemClock(), url))
        return opened[-1]

    yield open_it
    for vault in opened:
        vault.store.close()


def test_tombstones_stay_in_their_order(reopen: Open) -> None:
    vault = reopen()
    assert list(vault.tombstones) == []
    made = [Tombstone(f"k{number}", "acme", NOW, "asked for") for number in range(25)]
    vault.tombstones.append(made[:20])
    reopen().tombstones.append(made[20:])
    assert list(vault.tombstones) == made


def test_a_new_file_of_tombstones_survives_a_power_cut_from_the_first_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("gateway.privacy.tombstones.sync_folder", synced.append)
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    for number in range(2):
        file.append([Tombstone(f"k{number}", "acme", NOW, "asked for")])
    assert synced == [tmp_path]


def test_no_more_of_a_line_is_read_than_a_tombstone_may_have(tmp_path: Path) -> None:
    """What is no file of tombstones may have one line of any length."""
    made = [Tombstone(f"k{number}", "acme", NOW, "asked for") for number in range(2)]
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    file.append(made[:1])
    with file.path.open("ab") as opened:
        opened.write(b"x" * 16_000_000)
    file.append(made[1:])
    tracemalloc.start()
    assert list(file) == made
    assert file.unreadable() == 1
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_every_opener_signs_with_the_same_key(reopen: Open) -> None:
    one, other = reopen().checkpoint.current(), reopen().checkpoint.current()
    assert one.key_id == other.key_id
    assert verify_signature(other.public_key_pem, b"data", one.sign(b"data"))


def test_a_next_key_waits_until_it_is_promoted_and_the_earlier_public_half_stays(
    reopen: Open,
) -> None:
    keys = reopen().checkpoint
    before = keys.current()
    assert not keys.is_rotating()
    after = keys.next()
    assert keys.is_rotating()
    assert keys.next().key_id == after.key_id != before.key_id
    assert keys.current().key_id == before.key_id
    assert [one.pem for one in keys.public_keys()] == [before.public_key_pem]
    keys.promote()
    again = reopen().checkpoint
    assert not again.is_rotating()
    assert again.current().key_id == after.key_id
    assert [one.pem for one in again.public_keys()] == [after.public_key_pem, before.public_key_pem]


def test_keys_that_sign_outlive_another_root_key(
    reopen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = reopen()
    before = vault.checkpoint.current().key_id
    root = LocalRootKey(b"r" * 32)
    WorkspaceKeys(vault.store, vault.root, SystemClock()).wrap_anew(lambda: root)
    monkeypatch.setenv("OTHER_ROOT", "cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=")
    assert all(one.root_key in (None, root.key_id) for one in vault.store.signing_keys())
    assert vault.checkpoint.public_keys()[0].pem
    again = reopen_with(vault, "env:OTHER_ROOT")
    assert again == before


def reopen_with(vault: Vault, root_key: str) -> str:
    """The key that signs, found with another root key."""
    if not vault.store.is_shared:
        return vault.checkpoint.current().key_id
    root = open_root_key(root_key, Path())
    return StoredSigningKeys(vault.store, root, SystemClock(), CHECKPOINT).current().key_id
