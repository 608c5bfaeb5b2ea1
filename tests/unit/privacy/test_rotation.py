"""Rotating keys: each layer by itself, with everything that was sealed still readable."""

import base64
import contextlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.model.json import JsonObject
from gateway.model.pii import Owner, envelopes_in
from gateway.model.problem import ProblemError
from gateway.model.system import key_file
from gateway.privacy import Keyring, KeyringSealer, KeyRotation, rotating, sqlite_key_store
from gateway.privacy.root_keys import settle_next_root
from tests.unit.privacy.conftest import SetClock

REF, FIELD = "a.b@1.0.0", "input.email"
OWNERS = [Owner("acme", "person/ada"), Owner("acme", "execution/1"), Owner("umbrella", "call/1")]


class Story:
    """A key folder that has sealed something for everybody."""

    def __init__(self, folder: Path, clock: SetClock, root_key: str = "file") -> None:
        self.folder, self.clock, self.root_key = folder, clock, root_key
        keyring = Keyring.open(folder, root_key, clock)
        sealer = KeyringSealer(keyring)
        self.sealed = [(one, sealer.seal(one, REF, FIELD, one.subject)) for one in OWNERS]
        self.commitment = sealer.commit("acme", "x")
        keyring.data.close()

    def rotation(self) -> KeyRotation:
        return KeyRotation(self.folder, self.root_key, self.clock)

    def holds(self) -> bool:
        """Whether everything can be opened, and commitments are what they were."""
        keyring = Keyring.open(self.folder, self.root_key, self.clock)
        sealer = KeyringSealer(keyring)
        opened = [sealer.unseal(one.workspace, sealed) for one, sealed in self.sealed]
        same = sealer.commit("acme", "x") == self.commitment
        keyring.data.close()
        return same and opened == [one.subject for one, _ in self.sealed]

    def sealed_by(self) -> set[str]:
        return {key_id for _, sealed in self.sealed for key_id in envelopes_in(sealed)}

    def bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.iterdir())


@pytest.fixture
def story(tmp_path: Path, clock: SetClock) -> Story:
    return Story(tmp_path / "keys", clock)


def test_a_new_root_key_wraps_what_the_old_one_did(story: Story) -> None:
    before = (story.folder / "root.key").read_bytes()
    rotation = story.rotation()
    rotation.root("file")
    rotation.close()
    assert story.holds()
    assert (story.folder / "root.key").read_bytes() != before
    assert before not in story.bytes()
    assert not (story.folder / "root.next.key").exists()


def test_the_root_key_moves_into_the_environment(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_ROOT", base64.b64encode(os.urandom(32)).decode())
    rotation = story.rotation()
    rotation.root("env:THE_ROOT")
    rotation.close()
    with pytest.raises(ProblemError, match="another root key"):
        story.holds()
    story.root_key = "env:THE_ROOT"
    assert story.holds()


def test_a_rotation_repeated_with_the_setting_of_before_says_which_root_key_it_is(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As whoever repeats one does that was killed after its change and before it said so."""
    monkeypatch.setenv("THE_ROOT", base64.b64encode(os.urandom(32)).decode())
    rotation = story.rotation()
    key_id = rotation.root("env:THE_ROOT")
    rotation.close()
    with pytest.raises(ProblemError, match=f"another root key .{key_id}, .*GATEWAY_ROOT_KEY"):
        story.rotation()
    story.root_key = "env:THE_ROOT"
    rotation = story.rotation()
    assert rotation.root("env:THE_ROOT") == key_id
    rotation.close()
    assert story.holds()


def test_a_store_that_cannot_be_written_anew_is_told_and_what_was_rotated_stays(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_key_store, "_BUSY_TIMEOUT", 0.01)
    with closing(sqlite3.connect(story.folder / "keys.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM meta").fetchall()
        with (
            pytest.raises(ProblemError, match=r"replaced may still.*stays so") as told,
            rotating(story.folder, "file", story.clock) as rotation,
        ):
            key_id = rotation.root("file")
    assert told.value.problem.code == "KEYS_UNUSABLE"
    assert story.holds()
    with rotating(story.folder, "file", story.clock) as rotation:
        assert rotation.store.root_key() == key_id
        rotation.data("acme")
    assert story.holds()


def test_a_full_disk_is_told_of_a_rotation_and_changes_nothing(story: Story) -> None:
    def fill_up(store: Any) -> None:
        store._connection.execute("PRAGMA max_page_count = 1")  # as many as there are
        store.keep_note("large", bytes(1_000_000))

    with (
        pytest.raises(ProblemError, match=r"SQLITE_FULL.*do not replace the file") as told,
        rotating(story.folder, "file", story.clock) as rotation,
        rotation.store.transaction(),
    ):
        fill_up(rotation.store)
    assert told.value.problem.code == "KEYS_UNUSABLE"
    assert story.holds()


@pytest.mark.parametrize("value", [None, "", "no base64!", base64.b64encode(b"short").decode()])
def test_an_unusable_variable_is_refused_without_telling_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("THE_ROOT", raising=False)
    if value is not None:
        monkeypatch.setenv("THE_ROOT", value)
    with pytest.raises(ProblemError) as refused:
        Keyring.open(tmp_path, "env:THE_ROOT")
    assert refused.value.problem.code == "KEYS_UNUSABLE"
    assert not value or value not in str(refused.value)


def test_a_crash_before_anything_is_wrapped_leaves_the_old_root_key(story: Story) -> None:
    (story.folder / "root.next.key").write_bytes(b"n" * 32)
    (story.folder / "root.next.key").chmod(0o600)
    assert story.holds()
    assert not (story.folder / "root.next.key").exists()


def test_a_crash_after_everything_is_wrapped_is_finished_at_the_next_start(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    rotation = story.rotation()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            rotation.root("file")
    rotation.close()
    assert (story.folder / "root.next.key").exists()
    assert story.holds()
    assert not (story.folder / "root.next.key").exists()


def test_whoever_opens_the_keys_meanwhile_takes_no_next_root_key_away(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that starts, or a copy of tombstones, while the root key is rotated."""

    def made_beside_another(path: Path, make: Callable[[], bytes]) -> bytes:
        content = key_file(path, make)
        with contextlib.suppress(ProblemError):  # it waits, and here gives up at once
            Keyring.open(story.folder, clock=story.clock).data.close()
        return content

    monkeypatch.setattr(sqlite_key_store, "_BUSY_TIMEOUT", 0.0)
    rotation = story.rotation()
    with monkeypatch.context() as patched:
        patched.setattr("gateway.privacy.rotation.key_file", made_beside_another)
        rotation.root("file")
    rotation.close()
    assert story.holds()


def test_whoever_opens_the_keys_may_put_the_next_root_key_in_its_place(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled_by_another(*given: Any) -> None:
        Keyring.open(story.folder, clock=story.clock).data.close()
        settle_next_root(*given)

    rotation = story.rotation()
    with monkeypatch.context() as patched:
        patched.setattr("gateway.privacy.rotation.settle_next_root", settled_by_another)
        rotation.root("file")
    rotation.close()
    assert story.holds()


def test_a_workspace_gets_another_key_and_the_one_before_is_destroyed(story: Story) -> None:
    rotation = story.rotation()
    (row,) = [one for one in rotation.store.workspace_keys() if one.workspace == "acme"]
    assert rotation.workspace("acme") > 1
    left = [one.id for one in rotation.store.workspace_keys() if one.workspace == "acme"]
    rotation.close()
    assert row.id not in left
    assert row.wrapped not in story.bytes()
    assert len(left) == 1
    assert story.holds()


def test_a_rotation_of_a_workspace_that_a_crash_cut_short_is_readable_and_repeatable(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation = story.rotation()
    with monkeypatch.context() as patched:
        patched.setattr(rotation.store, "keys_under", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotation.workspace("acme")
    rotation.close()
    assert story.holds()
    rotation = story.rotation()
    rotation.workspace("acme")
    left = [one.id for one in rotation.store.workspace_keys() if one.workspace == "acme"]
    rotation.close()
    assert len(left) == 1
    assert story.holds()


def test_other_data_keys_seal_from_then_on(story: Story) -> None:
    rotation = story.rotation()
    assert rotation.data("acme") >= 2
    assert rotation.data("acme") == 0
    rotation.close()
    assert story.holds()
    again = Story(story.folder, story.clock)
    kept = {key for _, sealed in again.sealed[:2] for key in envelopes_in(sealed)}
    assert not kept & story.sealed_by()
    assert story.holds()


def test_a_destroyed_key_does_not_come_back_by_rotation(story: Story) -> None:
    keyring = Keyring.open(story.folder, clock=story.clock)
    gone: JsonObject = story.sealed[0][1]
    keyring.data.destroy("acme", list(envelopes_in(gone)), "asked for")
    keyring.data.close()
    rotation = story.rotation()
    rotation.workspace("acme")
    rotation.root("file")
    rotation.data("acme")
    rotation.close()
    with pytest.raises(ValueError, match="erased"):
        story.holds()
    story.sealed.pop(0)
    assert story.holds()
