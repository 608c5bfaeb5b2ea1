"""The file anchor appends what goes on from what is there, and nothing else."""

import errno
import fcntl
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.anchoring.anchor import AnchorError, SignedCheckpoint
from gateway.anchoring.file_anchor import FileAnchor
from gateway.journal import endorse
from gateway.privacy import CheckpointSigner
from tests.small_log import SmallLog
from tests.unit.anchoring.anchor_world import CLOCK, AnchorWorld

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.jsonl"


@pytest.fixture
async def anchor(world: AnchorWorld, path: Path) -> AsyncIterator[FileAnchor]:
    made = FileAnchor(path, world.history)
    yield made
    await made.close()


def content(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, text: bytes) -> None:
    path.write_bytes(text)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def refused(anchor: FileAnchor, world: AnchorWorld, number: int = 1) -> str:
    with pytest.raises(AnchorError) as caught:
        await anchor.publish(await world.checkpoint(number))
    return str(caught.value)


async def not_synced(
    anchor: FileAnchor, one: SignedCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publish where the disk fails at the sync, which is refused."""

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", failing)
        with pytest.raises(AnchorError):
            await anchor.publish(one)


async def test_a_line_that_could_not_be_synced_does_not_count(
    world: AnchorWorld, anchor: FileAnchor, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, one = await world.grow(), await world.grow()
    await anchor.publish(first)

    await not_synced(anchor, one, monkeypatch)
    assert (await anchor.publish(one)).answer == {"size": one.size, "added": True}
    assert [told["number"] for told in lines(path)] == [first.number, one.number, one.number]


async def test_what_another_process_wrote_and_could_not_be_synced_does_not_count(
    world: AnchorWorld, anchor: FileAnchor, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sync would succeed, for the disk tells of a page that it lost only once."""
    one = await world.grow()
    put(path, json.dumps({"note": one.note, "number": one.number}).encode() + b"\n")

    await not_synced(anchor, one, monkeypatch)
    assert (await anchor.publish(one)).answer == {"size": one.size, "added": True}
    assert [told["number"] for told in lines(path)] == [one.number, one.number]


async def test_a_line_counts_once_it_is_synced_whoever_wrote_it(
    world: AnchorWorld, anchor: FileAnchor, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may have ended between writing and syncing."""
    one = await world.grow()
    put(path, json.dumps({"note": one.note, "number": one.number}).encode() + b"\n")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)

    assert (await anchor.publish(one)).answer == {"size": one.size, "added": False}
    assert len(synced) == 1


async def test_each_checkpoint_is_a_line(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    told = [await world.grow(count) for count in (3, 1, 300)]
    for one in told:
        taken = await anchor.publish(one)
        assert taken.answer == {"size": one.size, "added": True}
    assert lines(path) == [{"number": one.number, "note": one.note} for one in told]


async def test_the_same_again_adds_nothing(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    first, second = await world.grow(), await world.grow()
    for one in (first, first, second, first, second):
        await anchor.publish(one)
    assert [line["number"] for line in lines(path)] == [1, 2]


async def test_what_a_crash_tore_is_ended_and_not_removed(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    await anchor.publish(await world.grow())
    second = await world.grow()
    whole = content(path)
    torn = json.dumps({"number": 2, "note": second.note})[:-20].encode()
    put(path, whole + torn)
    await anchor.publish(second)
    assert content(path).startswith(whole + torn + b"\n")
    assert json.loads(content(path).splitlines()[-1])["note"] == second.note
    await anchor.publish(await world.grow())  # and goes on


async def test_a_line_that_was_torn_first_of_all(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    put(path, b'{"num')
    await anchor.publish(await world.grow())
    assert content(path).count(b"\n") == 2


async def test_a_record_that_was_changed_is_not_anchored(
    world: AnchorWorld, anchor: FileAnchor, path: Path, tmp_path: Path
) -> None:
    await anchor.publish(await world.grow())
    other = await world.copy(tmp_path / "other")
    await anchor.publish(await world.grow(2, "honest"))
    held = content(path)
    await other.grow(5, "forged")
    astray = FileAnchor(path, other.history)
    assert "another history" in await refused(astray, other, 2)
    assert content(path) == held
    await astray.close()
    await other.close()


async def test_a_record_that_lost_entries_is_not_anchored(
    world: AnchorWorld, anchor: FileAnchor, path: Path, tmp_path: Path
) -> None:
    await anchor.publish(await world.grow())
    backup = await world.copy(tmp_path / "backup")
    await anchor.publish(await world.grow(9))
    restored = FileAnchor(path, backup.history)
    await backup.grow(1)
    assert "entries were lost" in await refused(restored, backup, 2)
    await restored.close()
    await backup.close()


async def test_the_file_of_another_record_is_left_alone(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    log = SmallLog.of(2)
    put(path, json.dumps({"number": 1, "note": log.note(2)}).encode() + b"\n")
    await world.grow()
    assert "another history" in await refused(anchor, world)
    put(path, b"a diary\n")
    assert "something else" in await refused(anchor, world)
    put(path, b"x" * 300_000)
    assert "something else" in await refused(anchor, world)


async def test_it_looks_at_the_end_of_a_long_file(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    first = await world.grow()
    line = json.dumps({"number": 1, "note": first.note}).encode() + b"\n"
    put(path, line * 2000)
    assert len(content(path)) > 512 * 1024
    await anchor.publish(await world.grow())
    assert content(path).count(b"\n") == 2001


async def test_a_file_that_may_only_grow_is_appended_to(
    anchor: FileAnchor, world: AnchorWorld, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after ``chattr +a``, which Linux heeds when a file is opened."""
    opened = os.open

    def open_to_append(name: str | Path, flags: int, mode: int = 0o777) -> int:
        is_to_write = flags & os.O_ACCMODE != os.O_RDONLY
        if Path(name) == path and is_to_write and not flags & os.O_APPEND:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return opened(name, flags, mode)

    monkeypatch.setattr(os, "open", open_to_append)
    for _ in range(2):
        checkpoint = await world.grow()
        assert (await anchor.publish(checkpoint)).answer["added"]
        assert not (await anchor.publish(checkpoint)).answer["added"]
    assert [line["number"] for line in lines(path)] == [1, 2]


async def test_what_cannot_be_written_is_told(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    await world.grow()
    os.mkdir(path)  # noqa: PTH102 - short, and of this test alone
    assert "cannot be used (Is a directory)" in await refused(anchor, world)
    os.rmdir(path)  # noqa: PTH106 - same
    os.mkfifo(path)
    assert "no regular file" in await refused(anchor, world)
    os.unlink(path)  # noqa: PTH108 - same
    gone = FileAnchor(path.parent / "none" / "x", world.history)
    assert "cannot be used (No such file" in await refused(gone, world)
    await gone.close()


async def test_two_that_write_at_once_do_not_mix(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    await world.grow()
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "Somebody else holds it" in await refused(anchor, world)
    await anchor.publish(await world.checkpoint(1))


async def test_a_new_key_is_endorsed_in_the_file_too(
    world: AnchorWorld, anchor: FileAnchor, path: Path
) -> None:
    """The checkpoint that endorses it may be of the same tree as the one before."""
    await anchor.publish(await world.grow())
    signer = CheckpointSigner(world.key)
    successor = CheckpointSigner(Ed25519PrivateKey.generate()).public_key_pem
    number = endorse(world.folder / "gateway.db", signer, successor, CLOCK)
    for _ in range(2):
        await anchor.publish(await world.checkpoint(number))
    kept = lines(path)
    assert [line["number"] for line in kept] == [1, 2]
    assert "successor" in str(kept[1]["note"])
