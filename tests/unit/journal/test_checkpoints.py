"""Checkpoints: when they are signed, what they sign, and their second copy."""

import asyncio
import json
import re
import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.journal import Checkpointer, SqliteJournal
from gateway.journal.checkpoint_lines import (
    LineError,
    line_digest,
    origin_of,
    parsed_line,
    public_key_of,
    signer_among,
)
from gateway.model.entry import GENESIS
from gateway.model.json import encode
from gateway.model.problem import ProblemError
from gateway.transparency import Frontier, leaf_hash
from tests.contract.journal_story import Story, call

pytestmark = pytest.mark.anyio


async def test_a_checkpoint_signs_the_root_of_all_entries(record) -> None:
    await record.tell("a", "b")

    lines = record.file.read_text().splitlines()
    first, second = map(parsed_line, lines)

    leaves = [leaf_hash(bytes.fromhex(own)) for (own,) in record.sql("SELECT hash FROM entry")]
    frontier = Frontier()
    for leaf in leaves[:10]:
        frontier.append(leaf)
    assert first.checkpoint is not None
    assert second.checkpoint is not None
    assert first.checkpoint.root == frontier.root()
    for leaf in leaves[10:]:
        frontier.append(leaf)
    assert second.checkpoint.root == frontier.root()
    assert (first.number, first.position, first.checkpoint.size) == (1, 10, 10)
    assert (second.number, second.position, second.checkpoint.size) == (2, 20, 20)
    assert first.previous == GENESIS
    assert second.previous == line_digest(lines[0])
    assert first.checkpoint.origin == second.checkpoint.origin == origin_of(leaves[0])
    key = public_key_of(record.signer.public_key_pem)
    assert signer_among(second, [bytes(32), key]) == key


async def test_a_checkpoint_names_no_execution_and_no_workspace(record) -> None:
    await record.tell("a")

    said = re.sub(r"[A-Za-z0-9+/]{43,}=", "", record.file.read_text())  # those spell anything

    assert not any(name in said for name in ("exec_a", "acme", "workspace", "alice"))


async def test_a_line_that_is_altered_in_any_sign_is_not_taken(record) -> None:
    await record.tell("a")
    line = record.file.read_text().removesuffix("\n")
    key = public_key_of(record.signer.public_key_pem)

    for place, sign in enumerate(line):
        altered = line[:place] + chr(ord(sign) ^ 1) + line[place + 1 :]
        try:
            signer = signer_among(parsed_line(altered), [key])
        except LineError:
            signer = None
        assert signer is None, altered


async def test_whoever_changed_what_was_signed_gets_no_further_checkpoint(record) -> None:
    await record.tell("a")
    journal = await record.opened()
    await journal.write(lambda tx: tx.append(call(None)))
    record.sql("UPDATE tile SET hashes = zeroblob(320)")

    with pytest.raises(ProblemError, match="JOURNAL_DAMAGED"):
        await Checkpointer(journal, record.signer).stop()
    record.sql("DELETE FROM tile")
    with pytest.raises(ProblemError, match="JOURNAL_DAMAGED"):
        await Checkpointer(journal, record.signer).stop()
    await journal.close()


async def test_a_record_with_a_gap_gets_no_checkpoint(record) -> None:
    journal = await record.opened()
    for _ in range(3):
        await journal.write(lambda tx: tx.append(call(None)))
    record.sql("DELETE FROM entry WHERE position = 2")

    with pytest.raises(ProblemError, match="JOURNAL_DAMAGED"):
        await Checkpointer(journal, record.signer).checkpoint()
    await journal.close()


async def test_nothing_new_gives_no_checkpoint(record) -> None:
    async def fill(journal: SqliteJournal, checkpointer: Checkpointer) -> None:
        assert await checkpointer.checkpoint() is None
        await journal.write(lambda tx: tx.append(call(None)))
        assert await checkpointer.checkpoint() == 1
        assert await checkpointer.checkpoint() is None
        await journal.write(lambda tx: tx.wake("run_none"))

    await record.session(fill)
    assert len(record.file.read_text().splitlines()) == 1


async def test_checkpoints_that_are_asked_for_together_come_one_after_the_other(record) -> None:
    async def fill(journal: SqliteJournal, checkpointer: Checkpointer) -> None:
        await journal.write(lambda tx: tx.append(call(None)))
        numbers = await asyncio.gather(*(checkpointer.checkpoint() for _ in range(5)))
        assert sorted(numbers, key=str) == [1, None, None, None, None]

    await record.session(fill)


async def test_checkpoints_come_periodically_and_at_stop(record) -> None:
    journal = await record.opened()
    checkpointer = Checkpointer(journal, record.signer, interval=0.01)
    await checkpointer.start()
    await journal.write(lambda tx: tx.append(call(None)))
    for _ in range(500):
        if record.file.exists() and record.file.read_text().endswith("\n"):
            break
        await asyncio.sleep(0.01)
    assert len(record.file.read_text().splitlines()) == 1

    await journal.write(lambda tx: tx.append(Story("a").received()))
    await checkpointer.stop()
    await journal.close()

    last = json.loads(record.file.read_text().splitlines()[-1])
    assert (last["format"], last["number"], last["position"]) == (2, 2, 2)


async def test_one_that_is_being_copied_at_the_stop_is_copied_once(record, monkeypatch) -> None:
    journal = await record.opened()
    complete, lock = journal.checkpoints.complete, threading.Lock()
    begun, go_on = threading.Event(), threading.Event()

    def slowly(session) -> None:
        assert lock.acquire(blocking=False), "two at a time"
        try:
            begun.set()
            assert go_on.wait(20)
            complete(session)
        finally:
            lock.release()

    monkeypatch.setattr(journal.checkpoints, "complete", slowly)
    checkpointer = Checkpointer(journal, record.signer, interval=0.001)
    await journal.write(lambda tx: tx.append(call(None)))
    await checkpointer.start()
    assert await asyncio.to_thread(begun.wait, 20)
    await journal.write(lambda tx: tx.append(call(None)))
    stopping = asyncio.create_task(checkpointer.stop())
    await asyncio.sleep(0.05)
    go_on.set()
    await stopping
    await journal.close()

    lines = [line for (line,) in record.sql("SELECT line FROM checkpoint ORDER BY number")]
    assert record.file.read_text().splitlines() == lines
    assert len(lines) == 2


async def test_one_that_was_signed_and_not_copied_before_the_stop_is_copied(record) -> None:
    journal = await record.opened()
    checkpointer = Checkpointer(journal, record.signer)
    await journal.write(lambda tx: tx.append(call(None)))
    assert await checkpointer.checkpoint() == 1
    record.file.unlink()
    await checkpointer.stop()
    await journal.close()
    assert len(record.file.read_text().splitlines()) == 1


async def test_a_failing_periodic_checkpoint_is_logged_and_made_up_for(record, caplog) -> None:
    journal = await record.opened()
    await journal.write(lambda tx: tx.append(call(None)))
    sign, record.signer.sign = record.signer.sign, lambda message: 1 / 0
    checkpointer = Checkpointer(journal, record.signer, interval=0.01)
    await checkpointer.start()
    for _ in range(500):
        if "could not be written" in caplog.text:
            break
        await asyncio.sleep(0.01)
    record.signer.sign = sign
    await checkpointer.stop()
    await journal.close()

    assert "could not be written" in caplog.text
    assert len(record.file.read_text().splitlines()) == 1


async def test_a_last_checkpoint_on_a_closed_journal_is_told(record) -> None:
    journal = await record.opened()
    await journal.write(lambda tx: tx.append(call(None)))
    await journal.close()

    with pytest.raises(ProblemError, match="SERVICE_UNAVAILABLE"):
        await Checkpointer(journal, record.signer).stop()


@pytest.mark.parametrize("kept", ["", "half a line", "one line", "one line and a half"])
async def test_lines_lost_in_a_crash_are_appended_at_open(record, kept: str) -> None:
    await record.tell("a", "b")
    whole = record.file.read_text()
    first = whole.index("\n") + 1
    sizes = {"": 0, "half a line": 50, "one line": first, "one line and a half": first + 50}
    record.file.write_text(whole[: sizes[kept]])

    await (await record.opened()).close()

    assert record.file.read_text() == whole


def test_a_trusted_key_must_be_ed25519() -> None:
    public = generate_private_key(SECP256R1()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    with pytest.raises(ValueError, match="no Ed25519"):
        public_key_of(pem)


HEADS: dict[str, Any] = {
    "format": 1,
    "number": 1,
    "previous": "0" * 64,
    "position": 3,
    "keyId": "k",
    "at": "2026-01-01T00:00:00.000000Z",
    "order": "0" * 64,
    "signature": "AA==",
    "heads": [["execution/exec_1", 3, "ab" * 32]],
}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("format", True), ("format", 1.0), ("number", True), ("number", 0)),
        *(("position", True), ("position", -5), ("position", 3.0), ("order", None)),
        *(
            ("heads", [one])
            for one in (1, [], ["c", 1], ["c", "1", "ab" * 32], ["c", 1, "AB" * 32])
        ),
        *(
            ("heads", [one])
            for one in (["c", True, "ab" * 32], ["c", 1, None], [None, 1, "ab" * 32])
        ),
    ],
)
def test_a_line_of_heads_that_nobody_wrote_is_no_checkpoint(member: str, value: Any) -> None:
    """Whoever verifies it goes by these members."""
    assert parsed_line(encode(HEADS)).position == 3
    with pytest.raises(LineError):
        parsed_line(encode(HEADS | {member: value}))
