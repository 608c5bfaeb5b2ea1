"""Tampered bundles: each finding names the file, the entry and the field."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.evidence import BundleFinding, BundleFindingKind, BundleReport, verify_bundle
from gateway.evidence.signing import signature_of
from gateway.evidence.text import indented, signed
from gateway.journal.chain import entry_hash
from gateway.journal.checkpoint_lines import Line, line_digest, parsed_note, public_key_of
from gateway.privacy import CheckpointSigner
from gateway.transparency import Checkpoint, NoteSigner, Verifier, parse_note, sign_note
from tests.unit.evidence.bundle_world import (
    EMAIL,
    REFUND,
    exported_bundles,
    files_of,
    lines_of,
    named,
    with_files,
    with_lines,
)

Kind = BundleFindingKind
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return exported_bundles()[0]


@pytest.fixture(scope="module")
def key() -> str:
    return exported_bundles()[2]


def note_by(signer: CheckpointSigner, content: bytes) -> Line:
    """The same checkpoint, signed by somebody else."""
    text = parse_note(content).text
    verifier = Verifier(Checkpoint.parse(text).origin, public_key_of(signer.public_key_pem))
    return parsed_note(sign_note(text, NoteSigner(verifier, signer.sign)))


def resigned(
    content: bytes,
    files: dict[str, bytes | None],
    signer: CheckpointSigner | None = None,
    /,
    statement: dict[str, Any] | None = None,
    **members: Any,
) -> bytes:
    """What somebody makes who writes other files, and a manifest and signatures that fit them;
    ``statement`` and ``members`` are other members of the head statement and the manifest."""
    signer = signer or CheckpointSigner(Ed25519PrivateKey.generate())
    changed: dict[str, bytes | None] = {**files_of(content), **files}
    head = json.loads(changed["checkpoint.json"] or b"") | {"keyId": signer.key_id}
    note = files_of(content)["checkpoint.note"]
    if changed["checkpoint.note"] == note:
        line = note_by(signer, note)
        changed["checkpoint.note"] = line.note.encode()
        before = json.loads(files_of(content)["checkpoint.json"])["checkpoint"]
        if head["checkpoint"] == before:
            head["checkpoint"] = before | {"digest": line_digest(str(line))}
    head |= statement or {}
    changed["checkpoint.json"] = signed(head)
    changed["checkpoint.sig.json"] = indented(signature_of(signer, signed(head)))
    manifest = json.loads(changed.pop("manifest.json") or b"")
    changed.pop("manifest.sig.json")
    kept = {name: data for name, data in changed.items() if data is not None}
    manifest["files"] = [
        {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for path, data in sorted(kept.items())
    ]
    manifest = signed(manifest | {"keyId": signer.key_id} | members)
    beside = indented(signature_of(signer, manifest))
    return with_files(content, {**changed, "manifest.json": manifest, "manifest.sig.json": beside})


def test_resigning_alone_verifies_but_for_the_key(bundle: bytes, key: str) -> None:
    """The tests below rest on this: what they find is not found in an honest copy."""
    forged = resigned(bundle, {})
    assert verify_bundle(forged).ok
    report = verify_bundle(forged, [key])
    assert {finding.kind for finding in report.findings} == {Kind.FORGED}
    signed_files = ("manifest.sig.json", "checkpoint.sig.json", "checkpoint.note")
    assert named(report) == {(file, None) for file in signed_files}
    assert report.key_id == ""


def unsigned(content: bytes, **members: Any) -> bytes:
    """What somebody makes who has no key at all: both signatures are null. It says that it is of
    format 1, which holds no proof that its entries were recorded."""
    files: dict[str, bytes | None] = {**files_of(content), "checkpoint.sig.json": b"null\n"}
    files |= {"checkpoint.note": None, "inclusion.json": None, "manifest.sig.json": b"null\n"}
    files["checkpoint.json"] = signed(
        json.loads(files["checkpoint.json"] or b"") | {"formatVersion": 1}
    )
    manifest = json.loads(files["manifest.json"] or b"") | {"formatVersion": 1} | members
    manifest["files"] = [
        {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for path, data in sorted(files.items())
        if data is not None and not path.startswith("manifest.")
    ]
    return with_files(content, {**files, "manifest.json": signed(manifest)})


@pytest.mark.parametrize("trusts", [True, False])
def test_a_bundle_whose_signatures_are_null_does_not_verify(
    bundle: bytes, key: str, trusts: bool
) -> None:
    report = verify_bundle(unsigned(bundle, exportedBy="mallory"), [key] if trusts else [])
    assert not report.ok
    assert named(report) == {("manifest.sig.json", None), ("checkpoint.sig.json", None)}


@pytest.mark.parametrize("trusts", [True, False])
def test_a_bundle_whose_manifest_is_null_does_not_verify(
    bundle: bytes, key: str, trusts: bool
) -> None:
    signer = CheckpointSigner(Ed25519PrivateKey.generate())
    beside = indented(signature_of(signer, b"null"))
    files: dict[str, bytes | None] = {"manifest.json": b"null", "manifest.sig.json": beside}
    report = verify_bundle(with_files(bundle, files), [key] if trusts else [])
    assert not report.ok
    assert ("manifest.json", None) in named(report)


def test_a_head_statement_that_is_null_is_found(bundle: bytes) -> None:
    signer = CheckpointSigner(Ed25519PrivateKey.generate())
    beside = indented(signature_of(signer, b"null"))
    changed = {"checkpoint.json": b"null", "checkpoint.sig.json": beside}
    manifest = json.loads(files_of(bundle)["manifest.json"]) | {"keyId": signer.key_id}
    for one in manifest["files"]:
        if (data := changed.get(one["path"])) is not None:
            one |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    own = {"manifest.json": signed(manifest)}
    own["manifest.sig.json"] = indented(signature_of(signer, own["manifest.json"]))
    report = verify_bundle(with_files(bundle, {**changed, **own}))
    assert named(report) == {("checkpoint.json", None)}


def change(lines: Lines, seq: int, member: str, value: Any) -> Lines:
    return [line | {member: value} if line["seq"] == seq else line for line in lines]


def found(report: BundleReport, kind: Kind, seq: int) -> list[BundleFinding]:
    return [one for one in report.findings if one.kind is kind and one.seq == seq]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("chain", "execution/exec_two"),
        ("workspace", "rival"),
        ("executionId", "exec_two"),
        ("format", 2),
        ("previous", "0" * 64),
        ("hash", "1" * 64),
    ],
)
def test_a_changed_member_of_an_entry_is_named(bundle: bytes, member: str, value: Any) -> None:
    content = with_lines(bundle, change(lines_of(bundle), 4, member, value))
    for forged in (content, resigned(bundle, files_of(content))):
        (finding,) = found(verify_bundle(forged), Kind.CHANGED, 4)
        assert (finding.file, finding.field) == ("entries.jsonl", member)


@pytest.mark.parametrize("member", ["at", "type", "actor", "body"])
def test_another_change_of_an_entry_names_the_entry(bundle: bytes, member: str) -> None:
    lines = lines_of(bundle)
    content = with_lines(bundle, change(lines, 6, member, lines[4][member] + " "))
    (finding,) = found(verify_bundle(resigned(bundle, files_of(content))), Kind.CHANGED, 6)
    assert finding.field is None


@pytest.mark.parametrize("seq", [1, 5, 9])
def test_a_removed_entry_is_named(bundle: bytes, seq: int) -> None:
    lines = [line for line in lines_of(bundle) if line["seq"] != seq]
    report = verify_bundle(resigned(bundle, files_of(with_lines(bundle, lines))))
    assert found(report, Kind.REMOVED, seq)


def test_removed_entries_in_a_row_are_told_once(bundle: bytes) -> None:
    lines = [line for line in lines_of(bundle) if line["seq"] not in (3, 4, 5)]
    report = verify_bundle(resigned(bundle, files_of(with_lines(bundle, lines))))
    (finding,) = found(report, Kind.REMOVED, 3)
    assert "entries 3 to 5" in finding.message


def test_entries_in_another_order_are_named(bundle: bytes) -> None:
    lines = lines_of(bundle)
    lines[3], lines[4] = lines[4], lines[3]
    report = verify_bundle(resigned(bundle, files_of(with_lines(bundle, lines))))
    assert found(report, Kind.REORDERED, 4)


MEMBERS = [
    *("format", "chain", "seq", "previous", "at", "type"),
    *("workspace", "executionId", "actor", "body"),
]
"""What the hash of an entry covers, in its order."""


def rehashed(lines: Lines) -> Lines:
    """The same entries as a chain that holds by itself."""
    previous, made = "0" * 64, []
    for seq, line in enumerate(lines, 1):
        changed = {**line, "seq": seq, "previous": previous}
        own = entry_hash(*(changed[member] for member in MEMBERS))
        made.append({**changed, "hash": own})
        previous = own
    return made


def test_an_inserted_entry_is_named(bundle: bytes) -> None:
    lines = lines_of(bundle)
    twice = resigned(bundle, files_of(with_lines(bundle, [*lines[:5], lines[2], *lines[5:]])))
    assert found(verify_bundle(twice), Kind.INSERTED, 3)
    longer = resigned(bundle, files_of(with_lines(bundle, rehashed([*lines, lines[3]]))))
    assert found(verify_bundle(longer), Kind.INSERTED, 10)


def test_a_chain_written_anew_does_not_end_in_the_head_that_was_signed(bundle: bytes) -> None:
    lines = lines_of(bundle)
    lines[3]["body"] = lines[3]["body"].replace("autonomous", "assist")
    report = verify_bundle(resigned(bundle, files_of(with_lines(bundle, rehashed(lines)))))
    (finding,) = found(report, Kind.CHANGED, 9)
    assert "head" in finding.message


def test_an_entry_of_another_execution_does_not_fit_in(bundle: bytes) -> None:
    lines = rehashed(change(lines_of(bundle), 3, "workspace", "rival"))
    head = json.loads(files_of(bundle)["manifest.json"])["head"] | {"hash": lines[-1]["hash"]}
    statement = json.loads(files_of(bundle)["checkpoint.json"]) | {"hash": lines[-1]["hash"]}
    files = {**files_of(with_lines(bundle, lines)), "checkpoint.json": signed(statement)}
    report = verify_bundle(resigned(bundle, files, head=head))
    (finding,) = report.findings
    assert (finding.kind, finding.seq, finding.field) == (Kind.INSERTED, 3, "workspace")


@pytest.mark.parametrize("body", ['{"steps":[1]}', '{"steps":[{}]}', '{"steps":{"a":1}}', "[]"])
def test_a_chain_written_anew_that_says_nonsense_is_a_finding(bundle: bytes, body: str) -> None:
    lines = lines_of(bundle)
    lines[1]["body"] = body
    lines = rehashed(lines)
    head = json.loads(files_of(bundle)["manifest.json"])["head"] | {"hash": lines[-1]["hash"]}
    statement = json.loads(files_of(bundle)["checkpoint.json"]) | {"hash": lines[-1]["hash"]}
    files = {**files_of(with_lines(bundle, lines)), "checkpoint.json": signed(statement)}
    assert not verify_bundle(resigned(bundle, files, head=head)).ok


def replaced(content: bytes, file: str, old: str, new: str) -> dict[str, bytes | None]:
    text = files_of(content)[file].decode()
    assert old in text, (file, old)
    return {file: text.replace(old, new, 1).encode()}


VIEW_CHANGES = [
    ("approvals.json", '"approverRole": "approver"', '"approverRole": "admin"', 5, "approverRole"),
    ("approvals.json", '"by": "fiona"', '"by": "mallory"', 6, "by"),
    ("approvals.json", '"approved": true', '"approved": false', 6, "approved"),
    ("approvals.json", "310.5", "31.05", 5, "amount"),
    ("plan.json", '"orderId": "o-1"', '"orderId": "o-2"', 2, "orderId"),
    ("decisions.json", '"verdict": "assist"', '"verdict": "autonomous"', 3, "verdict"),
    ("attempts.json", '"ok": true', '"ok": false', 8, "ok"),
    ("run.json", '"starter": "alice"', '"starter": "bob"', 4, "starter"),
    ("intent.json", '"channel": "web"', '"channel": "mail"', 1, "channel"),
    ("intent.json", '"ticket": 7', '"ticket": 7.0', 1, "ticket"),
    ("approvals.json", '"note": null,', '"note": "fine",', 6, "note"),
]


@pytest.mark.parametrize(("file", "old", "new", "seq", "member"), VIEW_CHANGES)
def test_a_view_that_says_otherwise_than_the_entries_is_named(
    bundle: bytes, file: str, old: str, new: str, seq: int, member: str
) -> None:
    report = verify_bundle(resigned(bundle, replaced(bundle, file, old, new)))
    (finding,) = report.findings
    assert (finding.kind, finding.file, finding.seq) == (Kind.DISAGREES, file, seq)
    assert finding.field is not None
    assert finding.field.endswith(f"/{member}")


def test_members_and_items_that_are_too_many_or_too_few_are_named(bundle: bytes) -> None:
    view = json.loads(files_of(bundle)["approvals.json"])
    del view["approvals"][0]["history"][1]
    view["approvals"][0]["request"]["body"]["extra"] = 1
    del view["approvals"][0]["request"]["body"]["quorum"]
    report = verify_bundle(resigned(bundle, {"approvals.json": indented(view)}))
    fields = {str(finding.field).rpartition("/")[2] for finding in report.findings}
    assert fields == {"history", "extra", "quorum"}


def test_a_masked_bundle_that_shows_raw_data_is_found(bundle: bytes) -> None:
    report = verify_bundle(resigned(bundle, replaced(bundle, "plan.json", "c•••@•••", EMAIL)))
    (finding,) = report.findings
    assert (finding.kind, finding.file, finding.seq) == (Kind.REVEALED, "plan.json", 2)


def test_a_mask_where_nothing_is_sealed_is_found(bundle: bytes) -> None:
    report = verify_bundle(resigned(bundle, replaced(bundle, "plan.json", '"EUR"', '"•••"')))
    (finding,) = report.findings
    assert (finding.kind, finding.seq) == (Kind.DISAGREES, 2)


def test_personal_data_that_the_manifest_does_not_list_is_found(bundle: bytes) -> None:
    listed = json.loads(files_of(bundle)["manifest.json"])["personalData"][:1]
    report = verify_bundle(resigned(bundle, {}, personalData=listed))
    assert {finding.kind for finding in report.findings} == {Kind.DISAGREES}
    assert any("input.customerEmail" in finding.message for finding in report.findings)


@pytest.mark.parametrize(
    ("member", "value", "file"),
    [
        ("status", "running", "manifest.json"),
        ("ended", False, "manifest.json"),
        ("masked", False, "manifest.json"),
        ("runId", "run_two", "manifest.json"),
        ("policyRevisions", [], "manifest.json"),
        ("throughSeq", 8, "manifest.json"),
        ("keyId", "0" * 32, "manifest.json"),
        ("formatVersion", 3, "manifest.json"),
        ("type", "contract-gateway.evidence.head", "manifest.json"),
        ("personalData", [1], "manifest.json"),
        ("files", [{"path": {}, "sha256": 1, "size": []}], "manifest.json"),
        ("files", [1], "manifest.json"),
        ("head", {"chain": 1}, "manifest.json"),
        ("head", {"chain": "execution/x", "seq": 9, "hash": "0"}, "checkpoint.json"),
        ("exportedBy", 7, "manifest.json"),
        ("more", 1, "manifest.json"),
        ("executionId", "exec_two", "manifest.json"),
        ("workspace", "rival", "entries.jsonl"),
    ],
)
def test_a_manifest_that_says_otherwise_is_found(
    bundle: bytes, member: str, value: Any, file: str
) -> None:
    report = verify_bundle(resigned(bundle, {}, **{member: value}))
    assert file in {finding.file for finding in report.findings}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("seq", 8),
        ("position", 99),
        ("checkpoint", {}),
        ("checkpoint", {"number": 1, "position": "1", "digest": ""}),
        ("type", "contract-gateway.evidence.manifest"),
        ("hash", None),
    ],
)
def test_a_head_statement_that_does_not_fit_is_found(
    bundle: bytes, member: str, value: Any
) -> None:
    statement = json.loads(files_of(bundle)["checkpoint.json"]) | {member: value}
    report = verify_bundle(resigned(bundle, {"checkpoint.json": signed(statement)}))
    assert {finding.file for finding in report.findings} == {"checkpoint.json"}


def test_a_head_signed_by_another_key_than_the_manifest_is_found(bundle: bytes) -> None:
    other = resigned(bundle, {})
    parts = {name: files_of(other)[name] for name in ("manifest.json", "manifest.sig.json")}
    report = verify_bundle(with_files(bundle, dict(parts)))
    assert "checkpoint.sig.json" in {finding.file for finding in report.findings}


def test_a_contract_that_is_not_the_one_bound_is_found(bundle: bytes) -> None:
    file = f"contracts/{REFUND}.json"
    changes = [
        replaced(bundle, file, '"risk": "high"', '"risk": "low"'),
        replaced(bundle, file, '"digest": "', '"digest": "0'),
        replaced(bundle, file, f'"ref": "{REFUND}"', '"ref": "support.other@1.0.0"'),
        {file: indented([])},
        {file: None},
    ]
    for change_made in changes:
        report = verify_bundle(resigned(bundle, change_made))
        assert {finding.file for finding in report.findings} == {file}


def test_files_that_are_missing_changed_or_added_are_named(bundle: bytes) -> None:
    changed = {"plan.json": None, "run.json": b"{}\n", "more.json": b"{}\n"}
    report = verify_bundle(with_files(bundle, changed))
    kinds = {(finding.file, finding.kind) for finding in report.findings}
    assert {
        ("plan.json", Kind.MISSING),
        ("run.json", Kind.CHANGED),
        ("more.json", Kind.UNEXPECTED),
    } <= kinds


@pytest.mark.parametrize("file", sorted(files_of(exported_bundles()[0])))
def test_every_file_is_needed(bundle: bytes, file: str) -> None:
    report = verify_bundle(with_files(bundle, {file: None}))
    assert file in {finding.file for finding in report.findings}


def test_a_file_spelled_in_another_way_is_found(bundle: bytes) -> None:
    """Two members of one name would be read differently by different readers."""
    twice = replaced(bundle, "run.json", '"runIds"', '"status": "failed",\n  "runIds"')
    report = verify_bundle(resigned(bundle, twice))
    assert named(report) == {("run.json", None)}


SIGNATURE_CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "algorithm": lambda stated: stated | {"algorithm": "none"},
    "keyId": lambda stated: stated | {"keyId": "0" * 32},
    "publicKey": lambda stated: stated | {"publicKey": "no key"},
    "publicKey spelled otherwise": lambda stated: (
        stated | {"publicKey": stated["publicKey"] + "\n"}
    ),
    "signature": lambda stated: stated | {"signature": base64.b64encode(bytes(64)).decode()},
    "signature no base64": lambda stated: stated | {"signature": stated["signature"] + "\n"},
    "more": lambda stated: stated | {"more": 1},
    "no object": lambda stated: [stated],  # type: ignore[return-value, dict-item] # on purpose
}


@pytest.mark.parametrize("file", ["manifest.sig.json", "checkpoint.sig.json"])
@pytest.mark.parametrize("how", SIGNATURE_CHANGES)
def test_a_signature_that_does_not_hold_is_named(
    bundle: bytes, key: str, file: str, how: str
) -> None:
    stated = SIGNATURE_CHANGES[how](json.loads(files_of(bundle)[file]))
    content = with_files(bundle, {file: indented(stated)})
    for keys in ([], [key]):
        report = verify_bundle(content, keys)
        told = [one for one in report.findings if one.kind is Kind.FORGED and one.file == file]
        assert told
        member = re.match(r"\w+", how)
        if member and how not in ("more", "no object"):
            assert told[0].field == member[0]


def test_a_key_of_another_kind_is_refused(bundle: bytes) -> None:
    other = X25519PrivateKey.generate().public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    stated = json.loads(files_of(bundle)["manifest.sig.json"]) | {"publicKey": pem}
    report = verify_bundle(with_files(bundle, {"manifest.sig.json": indented(stated)}))
    assert ("manifest.sig.json", None) in named(report)
    with pytest.raises(ValueError, match="Ed25519"):
        verify_bundle(bundle, [pem])
    with pytest.raises(ValueError, match=r".+"):
        verify_bundle(bundle, ["no key"])


def test_a_key_of_a_kind_that_nobody_knows_is_a_finding(bundle: bytes) -> None:
    der = bytes.fromhex("302a30050603276570032100") + bytes(32)  # Ed25519's, but for one byte
    body = base64.b64encode(der).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    stated = json.loads(files_of(bundle)["manifest.sig.json"]) | {"publicKey": pem}
    report = verify_bundle(with_files(bundle, {"manifest.sig.json": indented(stated)}))
    assert ("manifest.sig.json", None) in named(report)
    with pytest.raises(ValueError, match="kind"):
        verify_bundle(bundle, [pem])


def test_one_of_several_keys_may_have_signed(bundle: bytes, key: str) -> None:
    other = CheckpointSigner(Ed25519PrivateKey.generate()).public_key_pem
    assert verify_bundle(bundle, [other, key]).ok
    assert not verify_bundle(bundle, [other]).ok
