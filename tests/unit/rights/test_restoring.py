"""Backups bring nothing back: whatever is restored, what was erased stays erased."""

import contextlib
import sqlite3
from collections.abc import Set
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from gateway.journal import Place, open_sealed, verify_record
from gateway.model.entry import EntryType
from gateway.model.sealed_history import SealedHistory
from gateway.rights.erasing import Eraser
from gateway.rights.restoring import RESTATED
from tests.unit.rights.rights_world import RightsWorld, done

pytestmark = pytest.mark.anyio


async def erased(rights: RightsWorld) -> str:
    """Ada and Bob get mail, everything is backed up, then Ada is erased; returns the erasure."""
    await rights.mail("ada@x.org")
    await rights.mail("bob@x.org")
    await rights.stop()
    rights.back_up(rights.data, "data-backup")
    rights.back_up(rights.key_dir, "keys-backup")
    await rights.start()
    erasure = await rights.erase(rights.named("ada@x.org"))
    assert done(erasure)
    await rights.stop()
    return erasure.id


async def holds(rights: RightsWorld) -> None:
    """Nothing of Ada can be read, all of Bob can, and the record holds."""
    texts = await rights.texts()
    assert not [text for text in texts if "ada" in text]
    assert "Dear bob@x.org" in texts
    assert rights.matches() == []
    pem = rights.keyring.signer.public_key_pem
    report = verify_record(rights.data / "gateway.db", [pem])
    assert not report.findings


async def test_a_restored_record_is_unreadable_and_learns_what_was_erased(
    rights: RightsWorld,
) -> None:
    erasure_id = await erased(rights)
    rights.restore(rights.folder / "data-backup", rights.data)
    await rights.start()
    await holds(rights)
    assert await rights.journal.read(lambda records: records.erasure("acme", erasure_id)) is None
    entries = await rights.journal.read(lambda records: records.entries_after(0, 10_000))
    (restated,) = [entry for entry in entries if entry.type is EntryType.KEYS_RESTATED]
    assert restated.body["cause"] == RESTATED
    assert restated.body["reasons"] == [f"erasure {erasure_id}"]
    await rights.restart()
    entries = await rights.journal.read(lambda records: records.entries_after(0, 10_000))
    assert sum(entry.type is EntryType.KEYS_RESTATED for entry in entries) == 1


async def test_a_restored_key_store_beside_the_tombstones_opens_nothing(
    rights: RightsWorld,
) -> None:
    await erased(rights)
    rights.restore_keys_beside_tombstones(rights.folder / "keys-backup")
    await rights.start()
    await holds(rights)


async def test_a_key_folder_restored_whole_is_emptied_by_the_record(
    rights: RightsWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await erased(rights)
    rights.restore(rights.folder / "keys-backup", rights.key_dir)
    await rights.start()
    await holds(rights)
    assert "had come back with a backup" in caplog.text
    await rights.restart()
    await holds(rights)


async def test_both_restored_one_after_the_other_bring_nothing_back(rights: RightsWorld) -> None:
    await erased(rights)
    rights.restore(rights.folder / "data-backup", rights.data)
    await rights.start()
    await rights.stop()
    rights.restore(rights.folder / "keys-backup", rights.key_dir)
    await rights.start()
    await holds(rights)


async def test_no_byte_of_a_destroyed_key_is_left(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    await rights.mail("bob@x.org")
    wrapped = _wrapped(rights.key_dir / "keys.db")
    erasure = await rights.erase(rights.named("ada@x.org"))
    gone = await rights.journal.read(lambda records: records.condemned_by(erasure.id))
    assert len(gone) >= 2
    kept = [content for key_id, content in wrapped.items() if key_id not in gone]
    whole = b"".join(path.read_bytes() for path in rights.key_dir.iterdir() if path.is_file())
    assert kept
    assert all(content in whole for content in kept)
    for key_id in gone:
        if key_id in wrapped:
            assert wrapped[key_id] not in whole
            assert wrapped[key_id][12:28] not in whole


def _wrapped(store: Path) -> dict[str, bytes]:
    """The wrapped data keys of a key store, read beside it."""
    with closing(sqlite3.connect(store)) as connection:
        return dict(connection.execute("SELECT id, wrapped FROM known_key WHERE wrapped NOT NULL"))


async def test_an_erasure_whose_record_is_older_than_its_approval_is_asked_for_anew(
    rights: RightsWorld,
) -> None:
    await erased(rights)
    rights.restore(rights.folder / "data-backup", rights.data)
    await rights.start()
    again = await rights.erase(rights.named("ada@x.org"))
    assert done(again)
    await holds(rights)


@pytest.mark.parametrize("approved", [True, False])
async def test_an_erasure_that_a_restored_record_knows_as_not_done_tells_what_it_destroyed(
    rights: RightsWorld, approved: bool
) -> None:
    execution_id = await rights.mail("ada@x.org")
    await rights.mail("bob@x.org")
    erasure_id = await rights.ask(rights.named("ada@x.org"))
    if approved:
        await rights.approve(erasure_id)
    await rights.stop()
    rights.back_up(rights.data, "data-backup")
    await rights.start()
    if not approved:
        await rights.approve(erasure_id)
    await rights.rights.sweeper.sweep()
    before = (await rights.erasure(erasure_id)).receipt
    assert before is not None
    await rights.stop()
    rights.restore(rights.folder / "data-backup", rights.data)
    await rights.start()
    assert (await rights.erasure(erasure_id)).receipt is None
    if not approved:
        await rights.approve(erasure_id)
    await rights.rights.sweeper.sweep()
    again = (await rights.erasure(erasure_id)).receipt
    assert again is not None
    for name in ("keys", "keysDigest", "executions"):
        assert again["receipt"][name] == before["receipt"][name], name
    assert again["receipt"]["keys"] > 1
    assert again["receipt"]["entries"] > 1
    assert (await rights.world.execution(execution_id)).id == execution_id
    await holds(rights)


@pytest.mark.parametrize("is_done", [True, False])
async def test_a_key_store_that_comes_back_keeps_what_is_of_others_than_who_was_erased(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    """Ada is erased while an older key store stands in, which does not know what was sealed since;
    then the newer one is found."""
    await rights.mail("ada@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-older")
    await rights.start()
    await rights.mail("ada@x.org", "bob@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-newer")
    rights.restore_keys_beside_tombstones(rights.folder / "keys-older")
    await rights.start()
    if not is_done:
        monkeypatch.setattr(Eraser, "_finish", lambda *_: pytest.fail("cut off"))
    with contextlib.suppress(pytest.fail.Exception):
        assert done(await rights.erase(rights.named("ada@x.org"))) is is_done
    monkeypatch.undo()
    await rights.restart()
    await rights.stop()
    rights.restore_keys_beside_tombstones(rights.folder / "keys-newer")
    await rights.start()
    await rights.rights.sweeper.sweep()
    await holds(rights)
    assert "bob@x.org" in await rights.texts()
    await rights.restart()
    await holds(rights)


async def erased_while_unknown(rights: RightsWorld) -> str:
    """Ada is erased while an older key store stands in that does not know her at all, gets mail
    again, and then the newer one is found; returns the erasure."""
    await rights.mail("bob@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-older")
    await rights.start()
    await rights.mail("ada@x.org")
    await rights.mail("ada@x.org", "bob@x.org")
    await rights.stop()
    rights.back_up(rights.key_dir, "keys-newer")
    rights.restore_keys_beside_tombstones(rights.folder / "keys-older")
    await rights.start()
    erasure = await rights.erase(rights.named("ada@x.org"))
    assert done(erasure)
    await rights.stop()
    rights.restore_keys_beside_tombstones(rights.folder / "keys-newer")
    await rights.start()
    return erasure.id


async def test_what_only_a_newer_key_store_knows_of_who_was_erased_falls_when_it_comes_back(
    rights: RightsWorld,
) -> None:
    erasure_id = await erased_while_unknown(rights)
    await rights.rights.sweeper.sweep()
    await holds(rights)
    fallen = await rights.journal.read(lambda records: records.condemned_by(erasure_id))
    assert not any(rights.keyring.data.is_there(key_id) for key_id in fallen)
    assert done(await rights.erasure(erasure_id))
    bobs = [text for text in await rights.texts() if text == "Dear bob@x.org"]
    assert len(bobs) == 4  # as input and output of both


@pytest.mark.parametrize("is_restarted", [True, False])
async def test_what_a_hold_keeps_of_what_came_back_falls_once_it_ends(
    rights: RightsWorld, is_restarted: bool
) -> None:
    await erased_while_unknown(rights)
    hold = await rights.hold(rights.named("ada@x.org"))
    await rights.rights.sweeper.sweep()
    assert "Dear ada@x.org" in await rights.texts()
    await rights.lift(hold.id)
    if is_restarted:
        await rights.restart()
    await rights.rights.sweeper.sweep()
    await holds(rights)


async def test_a_hold_that_is_placed_meanwhile_puts_off_what_it_does_not_keep_for_one_sweep(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await erased_while_unknown(rights)
    sweeper = rights.rights.sweeper
    kept = sweeper._back._kept

    async def kept_before(workspace: str, moment: str) -> tuple[frozenset[str], Set[str]]:
        found = await kept(workspace, moment)
        await rights.hold(rights.named("carol@x.org"))
        return found

    monkeypatch.setattr(sweeper._back, "_kept", kept_before)
    await sweeper.sweep()
    monkeypatch.undo()
    await sweeper.sweep()
    await holds(rights)


async def test_what_comes_of_somebody_after_they_were_erased_stays(rights: RightsWorld) -> None:
    await rights.mail("ada@x.org")
    assert done(await rights.erase(rights.named("ada@x.org")))
    await rights.mail("ada@x.org")
    for _ in range(2):
        await rights.rights.sweeper.sweep()
        assert "Dear ada@x.org" in await rights.texts()
        await rights.restart()


@pytest.mark.parametrize(("days", "reads"), [(0, 1), (2, 0)])
async def test_the_record_is_read_for_nobody_who_came_back_long_after(
    rights: RightsWorld, monkeypatch: pytest.MonkeyPatch, days: int, reads: int
) -> None:
    await rights.mail("ada@x.org")
    assert done(await rights.erase(rights.named("ada@x.org")))
    rights.clock.forward(days * 86_400)
    await rights.mail("ada@x.org")
    await rights.restart()
    read: list[Place] = []

    def counted(place: Place) -> AbstractContextManager[SealedHistory]:
        read.append(place)
        return open_sealed(place)

    monkeypatch.setattr("gateway.rights.erasing.open_sealed", counted)
    await rights.rights.sweeper.sweep()
    assert len(read) == reads
