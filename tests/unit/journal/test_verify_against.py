"""The record, held against checkpoints that were kept elsewhere."""

import base64
import json
import shutil
from pathlib import Path

import pytest

from gateway.journal import Finding, FindingKind, Verification
from gateway.journal.checkpoint_lines import public_key_of, verifier_key
from gateway.journal.verify import VerifyReport
from gateway.transparency import COSIGNATURE, Verifier
from tests.unit.journal.conftest import KeySigner, Record

pytestmark = pytest.mark.anyio


def held(record, *files: Path, keys: list[str] | None = None) -> VerifyReport:
    trusted = keys or [record.signer.public_key_pem]
    return Verification(record.path, trusted, against=files).run()


def found(record, *files: Path) -> list[Finding]:
    return list(held(record, *files).findings)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


async def fork_of(record, folder: Path, *names: str) -> Record:
    """A copy that goes on with other entries, signed with the same key."""
    fork = Record(Path(shutil.copytree(record.folder, folder)))
    fork.signer = record.signer
    await fork.tell(*names)
    return fork


def keep(kept: Path, content: str | bytes) -> None:
    kept.write_bytes(content if isinstance(content, bytes) else content.encode())


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def origin_in(file: Path) -> str:
    return notes_of(file)[0].split("\n")[0]


def notes_of(file: Path) -> list[str]:
    return [json.loads(line)["note"] for line in file.read_text().splitlines()]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    folder = tmp_path / "record"
    folder.mkdir()
    return Record(folder)


async def test_checkpoints_of_the_same_record_are_no_finding(record, kept: Path) -> None:
    await record.tell("a", "b")
    shutil.copy(record.file, kept)
    await record.tell("c")

    assert found(record, kept) == []
    keep(kept, notes_of(record.file)[0])
    assert found(record, kept) == []
    keep(kept, "\n".join(notes_of(record.file)))
    assert found(record, kept) == []
    keep(kept, "".join(notes_of(record.file)) + record.file.read_text())
    assert found(record, kept) == []


async def test_a_fork_is_named_with_both_checkpoints_and_where_it_begins(
    record, tmp_path: Path
) -> None:
    await record.tell("a")
    fork = await fork_of(record, tmp_path / "fork", "c")
    await record.tell("b")

    two_signed, broken = found(record, fork.file)

    assert (two_signed.kind, broken.kind) == (FindingKind.FORK, FindingKind.FORK)
    assert two_signed.shown == (notes_of(record.file)[1], notes_of(fork.file)[1])
    assert "checkpoint 2 and checkpoint 2 in checkpoints.jsonl:2 are both signed" in (
        two_signed.message
    )
    assert (broken.position, broken.shown) == (11, (notes_of(fork.file)[1],))
    assert "they agree up to position 10" in broken.message


async def test_a_record_that_was_replaced_as_a_whole_is_another_log(record, tmp_path: Path) -> None:
    await record.tell("a")
    other = Record(folder_of(tmp_path / "other"))
    other.signer = record.signer
    await other.tell("z")

    [finding] = found(record, other.file)

    assert finding.kind is FindingKind.FORK
    assert "is of the log contract-gateway/" in finding.message


async def test_a_record_that_was_set_back_is_truncated(record, kept: Path, tmp_path: Path) -> None:
    await record.tell("a")
    earlier = Record(Path(shutil.copytree(record.folder, tmp_path / "earlier")))
    earlier.signer = record.signer
    await record.tell("b", "c")

    assert held(earlier).ok
    named = [(f.kind, f.position) for f in found(earlier, record.file)]

    assert named == [(FindingKind.TRUNCATED, 11)] * 2
    assert "signed 20 entries, and the record holds 10" in found(earlier, record.file)[0].message


async def test_what_was_replaced_before_a_kept_checkpoint_is_located(record, kept: Path) -> None:
    await record.tell("a")
    shutil.copy(record.file, kept)
    record.file.unlink()
    record.sql("DELETE FROM checkpoint")
    record.sql("UPDATE entry SET hash = ? WHERE position = 10", "ab" * 32)
    record.sql("UPDATE chain_head SET hash = ? WHERE seq = 1", "ab" * 32)

    kinds = {finding.kind: finding.position for finding in found(record, kept)}

    assert kinds[FindingKind.CHANGED] == 10
    assert FindingKind.FORK in kinds


async def test_what_no_trusted_key_signed_promises_nothing(record, kept: Path) -> None:
    await record.tell("a")
    stranger = Record(folder_of(kept))
    stranger.signer = KeySigner()
    await stranger.tell("a")

    [finding] = found(record, stranger.file)
    assert finding.kind is FindingKind.CHECKPOINT_FORGED
    assert "signed by no trusted key" in finding.message


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"{}\n", b"text\n", b"\xff\xfe", b"{\n", b"x" * 99]
)
async def test_a_file_without_checkpoints_is_told(record, kept: Path, content: bytes) -> None:
    await record.tell("a")
    keep(kept, content)

    assert {finding.kind for finding in found(record, kept)} == {FindingKind.CHECKPOINT_FORGED}


async def test_cosignatures_of_witnesses_do_not_disturb(record, kept: Path) -> None:
    await record.tell("a")
    [note] = notes_of(record.file)
    keep(kept, f"{note}— witness.example/w1 {'A' * 100}\n")

    assert found(record, kept) == []


async def test_a_missing_file_is_told_to_the_caller(record, kept: Path) -> None:
    await record.tell("a")

    with pytest.raises(FileNotFoundError):
        held(record, kept)


async def test_a_verifier_key_counts_for_the_record_that_it_names(record, tmp_path: Path) -> None:
    """Whoever holds the key could begin another record with it, whole in itself."""
    await record.tell("a")
    other = Record(folder_of(tmp_path / "other"))
    other.signer = record.signer
    await other.tell("z")
    named = [verifier_key(origin_in(one.file), record.signer.public_key_pem)
             for one in (record, other)]  # fmt: skip

    assert held(record, keys=named[:1]).ok
    assert held(record, keys=named).ok
    assert held(other, keys=[record.signer.public_key_pem, named[0]]).ok
    [finding] = held(other, keys=named[:1]).findings
    assert finding.kind is FindingKind.FORK
    assert f"not of {origin_in(record.file)}" in finding.message
    [finding] = held(record, other.file, keys=named[:1]).findings
    assert finding.kind is FindingKind.FORK


async def test_the_key_of_a_witness_is_none_of_a_record(record) -> None:
    await record.tell("a")
    public = public_key_of(record.signer.public_key_pem)
    key = str(Verifier(origin_in(record.file), public, COSIGNATURE))

    with pytest.raises(ValueError, match="the key of a witness"):
        held(record, keys=[key])


async def test_a_key_of_a_kind_that_nobody_knows_is_told_to_the_caller(record) -> None:
    await record.tell("a")
    der = bytes.fromhex("302a30050603276570032100") + bytes(32)  # Ed25519's, but for one byte
    body = base64.b64encode(der).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"

    with pytest.raises(ValueError, match="kind"):
        held(record, keys=[pem])


async def test_a_file_that_is_not_read_to_its_end_is_refused(
    record, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands behind the bound may be the checkpoint that the record does not hold to."""
    await record.tell("a", "b")
    first = record.file.read_bytes().splitlines(keepends=True)[0]
    keep(kept, record.file.read_bytes())
    monkeypatch.setattr("gateway.journal.verify_against.MOST_BYTES", len(first))

    with pytest.raises(OSError, match="larger than"):
        held(record, kept)
    keep(kept, first)
    assert held(record, kept).ok


async def test_a_second_copy_that_was_named_and_is_not_there_is_told_to_the_caller(
    record, tmp_path: Path
) -> None:
    await record.tell("a")
    keys = [record.signer.public_key_pem]

    with pytest.raises(FileNotFoundError):
        Verification(record.path, keys, tmp_path / "none").run()
