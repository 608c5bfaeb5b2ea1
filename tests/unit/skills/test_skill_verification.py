"""Each of the sixteen issues is found, alone and together, and nothing else is."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.model.problem import Issue
from gateway.skills import (
    Report,
    TrustPolicy,
    refusal,
    request_of,
    signed_bytes,
    verify_manifest,
)
from gateway.skills.issues import STATUS
from gateway.skills.signatures import public_half
from gateway.skills.trust import read_trust
from tests.unit.skills.skill_kit import (
    HOST,
    KEY_ID,
    NOW,
    JsonObject,
    ed25519,
    manifest,
    rsa,
    signed,
    trust_text,
)

KEY = ed25519()
RSA = rsa()
STRANGER = ed25519()


def trust(*keys: Any, **more: Any) -> TrustPolicy:
    issues: list[Issue] = []
    policy = read_trust(trust_text(*(keys or (KEY, RSA)), **more).encode(), "skills.yaml", issues)
    assert issues == []
    return policy


def verify(body: JsonObject, policy: TrustPolicy | None = None, **more: Any) -> Report:
    request = replace(request_of(body), **more.pop("request", {}))
    host = replace(HOST, **more.pop("host", {}))
    return verify_manifest(request, policy or trust(), host, more.pop("now", NOW))


def codes(report: Report) -> list[str]:
    return [issue.code for issue in report.issues]


@pytest.mark.parametrize("key", [KEY, RSA], ids=["ed25519", "rsa-pss-sha256"])
def test_what_a_pinned_key_signed_is_verified(key: Any) -> None:
    report = verify(signed(manifest(), key))
    assert report.issues == ()
    assert report.verified
    assert report.signature_verified
    assert report.publisher_trusted
    assert report.compatibility_verified
    assert len(report.manifest_digest or "") == 64


def compatible(**compatibility: Any) -> JsonObject:
    return signed(manifest(compatibility=compatibility), KEY)


def from_elsewhere(provenance: str) -> JsonObject:
    return signed(manifest(publisher={"id": "acme", "provenance": provenance}), KEY)


def changed() -> JsonObject:
    body = signed(manifest(), KEY)
    return {**body, "skill": {**body["skill"], "entryPoint": "elsewhere"}}


SPEC, PLANE = "contractsSpec", "controlPlaneFeature"

CASES: list[tuple[str, Callable[[], JsonObject], JsonObject]] = [
    ("SCHEMA_VERSION_INVALID", lambda: signed(manifest(schemaVersion="2.0.0"), KEY), {}),
    ("MANIFEST_INVALID", lambda: signed(manifest(version="one"), KEY), {}),
    ("SIGNATURE_MISSING", manifest, {}),
    ("SIGNATURE_INVALID", changed, {}),
    (
        "PUBLISHER_UNTRUSTED",
        lambda: signed(manifest(publisher={"id": "x", "provenance": "https://x.example"}), KEY),
        {},
    ),
    ("KEY_UNTRUSTED", lambda: signed(manifest(), KEY, key_id="another"), {}),
    ("PROVENANCE_UNTRUSTED", lambda: from_elsewhere("https://evil.example/skills"), {}),
    (
        "SIGNATURE_EXPIRED",
        lambda: signed(manifest(), KEY, expires_at=NOW + timedelta(days=1)),
        {"now": NOW + timedelta(days=1)},
    ),
    (
        "ARTIFACT_DIGEST_MISMATCH",
        lambda: signed(manifest(), KEY),
        {"request": {"artifact_digest": f"sha256:{'b' * 64}"}},
    ),
    (
        "CONTRACTS_SPEC_VERSION_MISSING",
        lambda: compatible(**{SPEC: {"minVersion": "1.0.0"}}),
        {"host": {"contracts_spec": None}},
    ),
    ("CONTRACTS_SPEC_TOO_OLD", lambda: compatible(**{SPEC: {"minVersion": "1.0.1"}}), {}),
    ("CONTRACTS_SPEC_TOO_NEW", lambda: compatible(**{SPEC: {"maxVersion": "1.0.0-rc.1"}}), {}),
    (
        "CONTROL_PLANE_VERSION_MISSING",
        lambda: compatible(**{PLANE: {}}),
        {"host": {"control_plane": None}},
    ),
    ("CONTROL_PLANE_TOO_OLD", lambda: compatible(**{PLANE: {"minVersion": "2.0.0-beta"}}), {}),
    ("CONTROL_PLANE_TOO_NEW", lambda: compatible(**{PLANE: {"maxVersion": "0.9.9"}}), {}),
    (
        "CAPABILITY_MISSING",
        lambda: compatible(requiredCapabilities=[{"key": "support.core", "version": "2.0.0"}]),
        {},
    ),
]


@pytest.mark.parametrize(("code", "body", "more"), CASES, ids=[case[0] for case in CASES])
def test_each_issue_is_found_alone(
    code: str, body: Callable[[], JsonObject], more: JsonObject
) -> None:
    report = verify(body(), **more)
    assert codes(report) == [code]
    assert not report.verified
    told = refusal(report.issues)
    assert (told.code, told.status) == (code, STATUS[code])
    assert told.issues == report.issues


def test_there_is_a_case_for_each_of_the_sixteen_codes() -> None:
    assert [code for code, _, _ in CASES] == list(STATUS)
    assert len(STATUS) == 16


def test_all_issues_are_told_together_in_one_order() -> None:
    body = manifest(
        schemaVersion="9",
        publisher={"id": "acme", "provenance": "elsewhere"},
        compatibility={
            SPEC: {"minVersion": "2.0.0"},
            PLANE: {"maxVersion": "0.1.0"},
            "requiredCapabilities": [{"key": "no.such"}],
        },
    )
    report = verify(
        signed(body, STRANGER, key_id="x", expires_at=NOW + timedelta(seconds=1)),
        request={"key": "another", "artifact_digest": "sha256:x"},
        now=NOW + timedelta(days=1),
    )
    assert codes(report) == [
        *("SCHEMA_VERSION_INVALID", "MANIFEST_INVALID", "SIGNATURE_INVALID"),
        *("KEY_UNTRUSTED", "KEY_UNTRUSTED", "PROVENANCE_UNTRUSTED", "SIGNATURE_EXPIRED"),
        *("ARTIFACT_DIGEST_MISMATCH", "CONTRACTS_SPEC_TOO_OLD", "CONTROL_PLANE_TOO_NEW"),
        "CAPABILITY_MISSING",
    ]
    assert not report.signature_verified
    assert not report.publisher_trusted
    assert not report.compatibility_verified


def test_a_forged_key_under_the_publishers_key_id_is_refused() -> None:
    forged = signed(manifest(), STRANGER, key_id=KEY_ID)
    report = verify(forged)
    assert codes(report) == ["SIGNATURE_INVALID", "KEY_UNTRUSTED"]
    assert not report.signature_verified


def test_the_pinned_key_copied_into_a_forged_signature_does_not_help() -> None:
    forged = signed(manifest(), STRANGER)
    forged["signature"]["publicKey"] = public_half(KEY).pem
    assert codes(verify(forged)) == ["SIGNATURE_INVALID"]


def test_a_signature_of_an_unknown_publisher_is_not_called_verified() -> None:
    body = manifest(publisher={"id": "x", "provenance": "https://git.acme.example/skills"})
    report = verify(signed(body, KEY))
    assert codes(report) == ["PUBLISHER_UNTRUSTED"]
    assert not report.signature_verified


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "none"},
        {"algorithm": "rsa-pss-sha256"},
        {"signature": ""},
        {"signature": "not base64!"},
        {"signature": base64.b64encode(b"x" * 64).decode()},
    ],
)
def test_a_signature_of_another_form_is_invalid(change: JsonObject) -> None:
    body = signed(manifest(), KEY)
    report = verify({**body, "signature": {**body["signature"], **change}})
    assert codes(report) == ["SIGNATURE_INVALID"]


def test_a_signature_with_another_salt_is_invalid() -> None:

    body = signed(manifest(), RSA)
    made = RSA.sign(signed_bytes(body), PSS(MGF1(SHA256()), 20), SHA256())  # type: ignore[call-arg, union-attr]
    body["signature"]["signature"] = base64.b64encode(made).decode()
    assert codes(verify(body)) == ["SIGNATURE_INVALID"]


def test_an_expired_signature_is_let_through_where_the_policy_says_so() -> None:
    body = signed(manifest(), KEY, expires_at=NOW + timedelta(days=1))
    late = {"now": NOW + timedelta(days=2)}
    assert codes(verify(body, trust(expired=True), **late)) == []
    assert codes(verify(body, **late)) == ["SIGNATURE_EXPIRED"]
    assert codes(verify(body)) == []


def test_without_key_ids_the_pinned_key_is_enough() -> None:
    body = signed(manifest(), KEY, key_id=None)
    assert codes(verify(body, trust(KEY, key_ids=()))) == []
    assert codes(verify(body)) == ["KEY_UNTRUSTED"]


@pytest.mark.parametrize(
    ("provenance", "trusted"),
    [
        ("https://git.acme.example/skills", True),
        ("https://git.acme.example/skills/desk", True),
        ("https://git.acme.example/skills?ref=main", True),
        ("https://git.acme.example/skills#v1", True),
        ("https://git.acme.example/skills-of-others", False),
        ("https://git.acme.example/skills.evil.com", False),
        ("https://git.acme.example/skills@evil.com", False),
        ("https://git.acme.example/skills/../../evil", False),
        ("https://git.acme.example/skills/%2e%2E/evil", False),
        ("https://git.acme.example/skills/a\\..\\b", False),
        ("https://git.acme.example/skills/ x", False),
        ("https://git.acme.example", False),
        ("HTTPS://git.acme.example/skills", False),
    ],
)
def test_a_provenance_prefix_ends_where_a_part_of_the_path_ends(
    provenance: str, trusted: bool
) -> None:
    expected = [] if trusted else ["PROVENANCE_UNTRUSTED"]
    assert codes(verify(from_elsewhere(provenance))) == expected


def one_file(**change: Any) -> JsonObject:
    file = {"path": "a/b.txt", "digest": f"sha256:{'0' * 64}", "size": 1, **change}
    return {"artifact": {"digest": f"sha256:{'a' * 64}", "files": [file]}}


@pytest.mark.parametrize(
    "change",
    [
        {"skill": {"key": "Acme", "version": "1.0.0", "entryPoint": "x"}},
        {"skill": {"key": "acme.desk", "version": "1.0.0+b1", "entryPoint": "x"}},
        {"skill": {"key": "acme.desk", "version": "1.0.0", "entryPoint": " "}},
        {"artifact": {"digest": "a" * 64}},
        {"artifact": {"digest": f"sha256:{'A' * 64}"}},
        one_file(path="../x"),
        one_file(path="/x"),
        one_file(path="a//b"),
        one_file(path="a\\b"),
        one_file(path=""),
        one_file(digest="x"),
        one_file(size=-1),
        one_file(size=2**31 - 1),
        {"compatibility": {SPEC: {"minVersion": "1"}}},
        {"compatibility": {PLANE: {"minVersion": "1.0.0", "maxVersion": "1.0.0-rc.1"}}},
        {"publisher": {"id": " ", "provenance": "https://git.acme.example/skills"}},
        {"metadata": {"deep": [{"$sealed": [1, "a", "b", "c", "d"]}]}},
        {"metadata": {"big": 2**60}},
    ],
)
def test_a_manifest_that_is_not_sound_is_invalid(change: JsonObject) -> None:
    body = manifest(**change)
    if "big" in body.get("metadata", {}):
        body = {**body, "signature": signed(manifest(), KEY)["signature"]}
    else:
        body = signed(body, KEY)
    assert "MANIFEST_INVALID" in codes(verify(body))


def test_a_file_listed_twice_is_invalid_also_where_only_case_differs() -> None:
    files = [
        {"path": path, "digest": f"sha256:{'0' * 64}", "size": 1} for path in ("a.txt", "A.txt")
    ]
    body = signed(manifest(artifact={"digest": f"sha256:{'a' * 64}", "files": files}), KEY)
    assert codes(verify(body)) == ["MANIFEST_INVALID"]


def test_a_signature_that_expires_before_it_was_issued_is_invalid() -> None:
    body = signed(manifest(), KEY, expires_at=NOW - timedelta(days=1))
    assert codes(verify(body)) == ["MANIFEST_INVALID", "SIGNATURE_EXPIRED"]


@pytest.mark.parametrize(
    ("bounds", "fits"),
    [
        ({"minVersion": "1.0.0", "maxVersion": "1.0.0"}, True),
        ({"minVersion": "1.0.0-rc.1"}, True),
        ({"minVersion": "0.9.0", "maxVersion": "1.0.0+build.7"}, True),
        ({}, True),
        ({"maxVersion": "1.0.0-rc.99"}, False),
        ({"minVersion": "1.0.1-alpha"}, False),
    ],
)
def test_ranges_go_by_semver(bounds: JsonObject, fits: bool) -> None:
    assert verify(compatible(**{SPEC: bounds})).verified is fits


def test_a_required_capability_without_a_version_takes_any() -> None:
    assert verify(compatible(requiredCapabilities=[{"key": "support.core"}])).verified
    exact = [{"key": "support.core", "version": "1.0.0"}]
    assert verify(compatible(requiredCapabilities=exact)).verified
