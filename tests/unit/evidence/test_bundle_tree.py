"""A bundle proves by itself that its entries are in the tree that a checkpoint signs."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.evidence import BundleFindingKind, verify_bundle
from gateway.evidence.text import indented, signed
from gateway.journal import parsed_line
from gateway.model.anchor import Progress, Receipt, TargetKind
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, rotate_key
from gateway.transparency import (
    COSIGNATURE,
    Checkpoint,
    NoteSigner,
    Verifier,
    leaf_hash,
    parse_note,
    sign_note,
    verify_inclusion,
)
from gateway.transparency.multiproof import multiproof_root
from tests.unit.evidence.bundle_world import (
    BundleWorld,
    exported_bundles,
    files_of,
    lines_of,
    named,
    with_files,
    with_lines,
)
from tests.unit.evidence.test_bundle_tampering import rehashed, resigned

GOLDEN = Path(__file__).parents[2] / "golden"
NOTE, INCLUSION = "checkpoint.note", "inclusion.json"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return exported_bundles()[0]


def proof_of(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files_of(content)[INCLUSION])
    return found


def checkpoint_of(content: bytes) -> Checkpoint:
    return Checkpoint.parse(parse_note(files_of(content)[NOTE]).text)


def test_the_proof_leads_from_the_entries_to_the_root_that_is_signed(bundle: bytes) -> None:
    proof, checkpoint = proof_of(bundle), checkpoint_of(bundle)
    hashes = [bytes.fromhex(line["hash"]) for line in lines_of(bundle)]
    leaves = dict(zip(proof["indexes"], map(leaf_hash, hashes), strict=True))
    nodes = [base64.b64decode(one) for one in proof["nodes"]]
    assert multiproof_root(leaves, checkpoint.size, nodes) == checkpoint.root
    assert len(hashes) < checkpoint.size  # there is something beside them


@pytest.mark.anyio
async def test_it_agrees_with_the_proof_of_each_entry(tmp_path: Path) -> None:
    world = await BundleWorld.open(tmp_path)
    await world.play()
    content = (await world.export()).bundle.content
    checkpoint = checkpoint_of(content)
    for index, line in zip(proof_of(content)["indexes"], lines_of(content), strict=True):
        path = await world.journal.read(
            lambda records, at=index: records.inclusion_proof(at + 1, checkpoint.size)  # type: ignore[misc]
        )
        leaf = leaf_hash(bytes.fromhex(line["hash"]))
        assert verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root)
    await world.journal.close()


def changed(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda proof: proof | members


CHANGES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda proof: proof | {"nodes": [base64.b64encode(b"x" * 32).decode(), *proof["nodes"][1:]]},
    lambda proof: proof | {"nodes": proof["nodes"][1:]},
    lambda proof: proof | {"nodes": [*proof["nodes"], proof["nodes"][0]]},
    lambda proof: proof | {"indexes": [one + 1 for one in proof["indexes"]]},
    lambda proof: proof | {"indexes": proof["indexes"][::-1]},
    lambda proof: proof | {"indexes": proof["indexes"][:-1]},
    lambda proof: proof | {"indexes": [10**30 for _ in proof["indexes"]]},
    lambda proof: proof | {"size": proof["size"] + 1},
    changed(indexes="x"),
    changed(indexes=["0"]),
    changed(nodes={}),
    changed(nodes=["AAAA"]),
    changed(nodes=[1]),
    changed(type="contract-gateway.evidence.head"),
    changed(formatVersion=1),
    changed(more=1),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_proof_is_found(
    bundle: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    try:
        content = indented(change(proof_of(bundle)))
    except TypeError:  # a number that JSON here cannot hold
        content = json.dumps(change(proof_of(bundle))).encode()
    report = verify_bundle(resigned(bundle, {INCLUSION: content}))
    assert named(report) == {(INCLUSION, None)}


@pytest.mark.anyio
async def test_a_proof_of_one_entry_told_as_that_of_all_is_found(tmp_path: Path) -> None:
    world = await BundleWorld.open(tmp_path)
    await world.play()
    content = (await world.export()).bundle.content
    proof = proof_of(content)
    last, size = proof["indexes"][-1], proof["size"]
    nodes = await world.journal.read(lambda records: records.multiproof([last + 1], size))
    await world.journal.close()
    told = {
        "indexes": [last for _ in proof["indexes"]],
        "nodes": [base64.b64encode(one).decode() for one in nodes],
    }
    report = verify_bundle(resigned(content, {INCLUSION: indented(proof | told)}))
    assert named(report) == {(INCLUSION, None)}


@pytest.mark.parametrize("file", [NOTE, INCLUSION])
def test_what_is_left_out_is_found(bundle: bytes, file: str) -> None:
    assert named(verify_bundle(with_files(bundle, {file: None}))) == {(file, None)}
    assert named(verify_bundle(resigned(bundle, {file: None}))) == {(file, None)}


def test_a_history_written_anew_is_not_in_the_tree(bundle: bytes) -> None:
    """Whoever rewrites the chain, with its head, cannot rewrite the tree that was signed."""
    lines = lines_of(bundle)
    lines[5]["at"] = lines[5]["at"].replace("2026", "2025")
    lines = rehashed(lines)
    files = files_of(bundle)
    head = json.loads(files["manifest.json"])["head"] | {"hash": lines[-1]["hash"]}
    statement = json.loads(files["checkpoint.json"]) | {"hash": lines[-1]["hash"]}
    forged = {**files_of(with_lines(bundle, lines)), "checkpoint.json": signed(statement)}
    report = verify_bundle(resigned(bundle, dict(forged), head=head))
    assert (INCLUSION, None) in named(report)


def test_a_note_that_somebody_else_signed_is_found(bundle: bytes) -> None:
    key = Ed25519PrivateKey.generate()
    verifier = Verifier(checkpoint_of(bundle).origin, key.public_key().public_bytes_raw())
    text = parse_note(files_of(bundle)[NOTE]).text
    note = sign_note(text, NoteSigner(verifier, key.sign)).encode()
    report = verify_bundle(resigned(bundle, {NOTE: note}))
    assert {finding.kind for finding in report.findings} == {BundleFindingKind.FORGED}
    assert named(report) == {(NOTE, None)}


@pytest.mark.parametrize("note", [b"", b"\xff", b"nonsense", b"a\n1\nAAAA\n\n"])
def test_what_is_no_note_is_found(bundle: bytes, note: bytes) -> None:
    assert named(verify_bundle(resigned(bundle, {NOTE: note}))) == {(NOTE, None)}


@pytest.mark.parametrize(
    "checkpoint", [{"number": 9}, {"position": 99}, {"digest": "0" * 64}, {"digest": None}]
)
def test_a_head_statement_of_another_checkpoint_is_found(
    bundle: bytes, checkpoint: dict[str, Any]
) -> None:
    statement = json.loads(files_of(bundle)["checkpoint.json"])
    statement["checkpoint"] |= checkpoint
    report = verify_bundle(resigned(bundle, {"checkpoint.json": signed(statement)}))
    assert "checkpoint.json" in {finding.file for finding in report.findings}


def test_a_head_at_another_place_is_found(bundle: bytes) -> None:
    statement = json.loads(files_of(bundle)["checkpoint.json"])
    statement["position"] -= 1
    report = verify_bundle(resigned(bundle, {"checkpoint.json": signed(statement)}))
    assert [(one.file, one.field) for one in report.findings] == [("checkpoint.json", "/position")]


@pytest.mark.anyio
async def test_the_cosignatures_there_are_go_with_the_note(tmp_path: Path) -> None:
    world = await BundleWorld.open(tmp_path)
    await world.play()
    await world.export()
    line = await world.journal.read(lambda records: records.last_checkpoint())
    assert line is not None
    key = Ed25519PrivateKey.generate()
    verifier = Verifier("w.example.com", key.public_key().public_bytes_raw(), COSIGNATURE)
    text = parse_note(parsed_line(line).note).text
    cosigned = NoteSigner(verifier, key.sign).cosignature(text, 1_772_357_400).line()

    def unit(tx: Tx) -> None:
        start = Progress(TargetKind.WITNESS, "w", 0, tx.now)
        tx.open_target(start)
        answer = {"at": 1_772_357_400}
        receipt = Receipt(1, TargetKind.WITNESS, "w", tx.now, answer, cosigned.rstrip("\n"))
        tx.move_target(start, Progress(TargetKind.WITNESS, "w", 1, tx.now), receipt)

    await world.journal.write(unit)
    content = (await world.export()).bundle.content
    assert files_of(content)[NOTE].decode().endswith(cosigned)
    report = verify_bundle(content, [world.keyring.signer.public_key_pem])
    assert report.ok
    assert report.notes == ("checkpoint.note: the signatures of others (1) are not checked here",)
    await world.journal.close()


def test_a_bundle_of_the_earlier_format_still_verifies() -> None:
    content = (GOLDEN / "evidence-v1.zip").read_bytes()
    key = (GOLDEN / "evidence-v1.pub.pem").read_text()
    assert json.loads(files_of(content)["manifest.json"])["formatVersion"] == 1
    report = verify_bundle(content, [key])
    assert (report.findings, report.entries) == ((), 9)
    (told,) = report.notes
    assert "holds no proof that its entries are in the record" in told
    assert not verify_bundle(content, [exported_bundles()[2]]).ok


@pytest.mark.anyio
async def test_right_after_a_rotation_the_endorsement_is_what_counts(tmp_path: Path) -> None:
    world = await BundleWorld.open(tmp_path)
    await world.play()
    before = world.keyring.signer.public_key_pem
    await world.journal.close()
    rotate_key(tmp_path / "gateway.db", CheckpointKeys(tmp_path), SystemClock())
    again = await BundleWorld.open(tmp_path)
    content = (await again.export()).bundle.content
    assert "successor" in files_of(content)[NOTE].decode()
    assert again.keyring.signer.public_key_pem != before
    assert verify_bundle(content, [again.keyring.signer.public_key_pem]).ok
    assert not verify_bundle(content, [before]).ok
    await again.journal.close()
