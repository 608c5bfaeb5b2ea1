"""Bundles that somebody with a key wrote: signed and whole, and of another form than exporters'."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.evidence import verify_bundle
from gateway.evidence.text import indented
from gateway.privacy import CheckpointSigner
from tests.unit.evidence.bundle_world import (
    REFUND,
    exported_bundles,
    files_of,
    lines_of,
    named,
    with_lines,
)
from tests.unit.evidence.test_bundle_tampering import rehashed, resigned

CONTRACT = f"contracts/{REFUND}.json"


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return exported_bundles()[1]


def found(content: bytes) -> set[tuple[str, str | None]]:
    """The files and fields in which something was found."""
    report = verify_bundle(content)
    assert report.ok is not bool(report.findings)
    return {(one.file, one.field) for one in report.findings}


def manifest_of(bundle: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(files_of(bundle)["manifest.json"])
    return told


# --- members that are there twice: one reader takes the first, another the last


def test_a_contract_that_is_bound_twice_is_found(bundle: bytes) -> None:
    value = json.loads(files_of(bundle)[CONTRACT])
    (bound,) = value["bound"]
    other = bound | {"content": bound["content"] | {"risk": "low"}}
    for twice in ([other, bound], [bound, bound]):
        forged = resigned(bundle, {CONTRACT: indented(value | {"bound": twice})})
        assert found(forged) == {(CONTRACT, "/bound")}


def test_a_file_that_is_listed_twice_is_found(bundle: bytes) -> None:
    signer = CheckpointSigner(Ed25519PrivateKey.generate())
    files = manifest_of(resigned(bundle, {}, signer))["files"]
    assert found(resigned(bundle, {}, signer, files=files)) == set()
    other = files[0] | {"sha256": "0" * 64}
    assert found(resigned(bundle, {}, signer, files=[other, *files])) == {
        ("manifest.json", "/files")
    }


def test_a_field_that_is_told_twice_is_found(bundle: bytes) -> None:
    told = manifest_of(bundle)["personalData"]
    twice = [told[0] | {"treatment": "mask"}, *told]
    assert found(resigned(bundle, {}, personalData=twice)) == {("manifest.json", "/personalData")}


# --- files that no entry explains


@pytest.mark.parametrize(
    "name", ["board.json", "attachments.json", "contracts/shop.other@1.0.0.json", "plan.json2"]
)
def test_a_file_that_is_signed_and_that_no_entry_explains_is_found(
    bundle: bytes, name: str
) -> None:
    assert found(resigned(bundle, {name: indented({"attachments": []})})) == {(name, None)}


def test_what_proves_a_later_format_is_no_file_of_the_earlier(bundle: bytes) -> None:
    forged = resigned(bundle, {}, statement={"formatVersion": 1}, formatVersion=1)
    assert found(forged) == {("checkpoint.note", None), ("inclusion.json", None)}


# --- the head statement


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("keyId", "f" * 32, "/keyId"),
        ("formatVersion", 1, "/formatVersion"),
        ("position", 8, "/position"),
        ("position", -1, "/position"),
    ],
)
def test_a_head_statement_that_says_what_cannot_be_is_found(
    bundle: bytes, member: str, value: Any, field: str
) -> None:
    forged = resigned(bundle, {}, statement={member: value})
    assert ("checkpoint.json", field) in found(forged)


@pytest.mark.parametrize(
    ("member", "value"), [("number", None), ("number", True), ("digest", None), ("position", True)]
)
def test_a_checkpoint_of_another_type_is_found_in_the_head_statement(
    bundle: bytes, member: str, value: Any
) -> None:
    """Also in the earlier format, whose bundles hold no note to compare it with."""
    named = json.loads(files_of(bundle)["checkpoint.json"])["checkpoint"] | {member: value}
    files = {"checkpoint.note": None, "inclusion.json": None}
    earlier = {"formatVersion": 1, "checkpoint": named}
    forged = resigned(bundle, files, statement=earlier, formatVersion=1)
    assert found(forged) == {("checkpoint.json", f"/checkpoint/{member}")}


# --- types and moments


OTHER_MOMENTS = [
    "2026-03-01T10:30:00.000000+01:00",
    "2026-03-01T09:30:00Z",
    "2026-02-30T09:30:00.000000Z",
    "\uff12026-03-01T09:30:00.000000Z",
    "yesterday",
]


@pytest.mark.parametrize("moment", OTHER_MOMENTS)
def test_a_moment_that_is_written_otherwise_is_found(bundle: bytes, moment: str) -> None:
    assert found(resigned(bundle, {}, exportedAt=moment)) == {("manifest.json", "/exportedAt")}
    forged = resigned(bundle, {}, statement={"at": moment})
    assert found(forged) == {("checkpoint.json", "/at")}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("at", moment) for moment in (5, *OTHER_MOMENTS)),
        *(("actor", None), ("actor", True), ("type", 5), ("body", {}), ("body", None)),
        *(("format", True), ("format", 1.0)),
    ],
)
def test_an_entry_of_other_types_is_named(bundle: bytes, member: str, value: Any) -> None:
    """Also where its chain was written anew, and signed."""
    lines = lines_of(bundle)
    lines[5][member] = value
    lines = rehashed(lines)
    head = manifest_of(bundle)["head"] | {"hash": lines[-1]["hash"]}
    forged = resigned(
        bundle, files_of(with_lines(bundle, lines)), statement={"hash": head["hash"]}, head=head
    )
    report = verify_bundle(forged)
    assert ("entries.jsonl", 6) in named(report)
    assert any("line 6 is no entry" in one.message for one in report.findings)
