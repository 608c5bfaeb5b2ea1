"""The trust policy: read strictly, told with all its faults, empty where there is none."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.model.problem import ProblemError
from gateway.skills import load_trust
from gateway.skills.signatures import public_half, read_private_key, read_public_key
from tests.unit.skills.skill_kit import ed25519, private_pem, rsa, trust_text, write_trust

SHIPPED = Path(__file__).resolve().parents[3] / "policies"


def faults(folder: Path, text: str) -> list[str]:
    (folder / "skills.yaml").write_text(text)
    with pytest.raises(ProblemError) as error:
        load_trust(folder)
    told = error.value.problem
    assert told.code == "POLICIES_INVALID"
    assert {issue.code for issue in told.issues} == {"TRUST_POLICY_INVALID"}
    return [f"{issue.path.rpartition('skills.yaml:')[2]} {issue.message}" for issue in told.issues]


def test_as_shipped_and_without_a_file_nobody_is_trusted(tmp_path: Path) -> None:
    shipped, absent = load_trust(SHIPPED), load_trust(tmp_path)
    assert shipped.publishers == absent.publishers == {}
    assert not shipped.allow_expired_signatures
    assert shipped.digest == absent.digest


def test_the_commented_example_is_a_trust_policy(tmp_path: Path) -> None:
    lines = (SHIPPED / "skills.yaml").read_text().splitlines()
    start = lines.index("# publishers:")
    example = [line.removeprefix("# ") for line in lines[start:] if line.startswith("#")]
    (tmp_path / "skills.yaml").write_text("\n".join(example))
    (acme,) = load_trust(tmp_path).publishers.values()
    assert (acme.id, acme.key_ids) == ("acme", ("acme-2026",))
    assert acme.covers("https://github.com/acme/skills/refunds")


def test_the_digest_is_of_what_the_policy_says_not_how(tmp_path: Path) -> None:
    one, two = ed25519(), rsa()
    digests = []
    for keys in ((one, two), (two, one), (one,)):
        write_trust(tmp_path, *keys)
        digests.append(load_trust(tmp_path).digest)
    write_trust(tmp_path, one, two, expired=True)
    digests.append(load_trust(tmp_path).digest)
    write_trust(tmp_path, one, two, secrets=("TOKEN",))
    digests.append(load_trust(tmp_path).digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = """\
publishers:
  - id: ""
    publicKeys: [nonsense, 3]
    provenancePrefixes: ["https://", "https://a.example/../b", "", "https:"]
  - {id: acme, keyIds: [], colour: red, secrets: ["A-B"]}
  - {id: acme, publicKeys: {}, provenancePrefixes: [https://a.example]}
  - nothing
allowExpiredSignatures: "yes"
more: 1
"""
    members = "id, keyIds, publicKeys, provenancePrefixes, secrets"
    assert faults(tmp_path, text) == [
        "2:9 'id' is the publisher's id as a text",
        "3:18 the key cannot be used: it is no public key in PEM form (BEGIN PUBLIC KEY)",
        "3:28 an item of 'publicKeys' is a text, this is a number",
        "4:26 'https://' would cover everybody; name the host and a path",
        "4:38 a prefix has no blanks, backslashes or '..'; write it plainly",
        "4:64 an item of 'provenancePrefixes' is a text, this is an empty one",
        "4:68 'https:' would cover everybody; name the host and a path",
        "5:5 'publicKeys' is missing; add it",
        "5:5 'provenancePrefixes' is missing; add it",
        "5:24 'keyIds' is empty; list at least one, or leave the line out",
        f"5:28 there is no 'colour' here; known are {members}",
        "5:51 a secret is named by letters, digits and '_'",
        "6:5 the publisher 'acme' is here twice; keep one of them",
        "6:28 'publicKeys' is a list, this is a mapping",
        f"7:5 a mapping of {members} stands here, not text",
        "8:25 'allowExpiredSignatures' is true or false",
        "9:1 there is no 'more' here; known are publishers, allowExpiredSignatures",
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "publishers: &a []", "publishers: {}", "a: 1\na: 2", "x" * 300_000]
)
def test_what_is_no_trust_policy_is_refused(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "skills.yaml").mkdir()
    with pytest.raises(ProblemError, match="cannot be read"):
        load_trust(tmp_path)


def test_a_link_that_leads_nowhere_is_no_absent_file(tmp_path: Path) -> None:
    (tmp_path / "skills.yaml").symlink_to("nowhere")
    with pytest.raises(ProblemError) as refused:
        load_trust(tmp_path)
    assert "check its permissions, or its link" in refused.value.problem.issues[0].message
    (tmp_path / "skills.yaml").unlink()
    os.mkfifo(tmp_path / "skills.yaml")
    with pytest.raises(ProblemError, match="it is no regular file"):
        load_trust(tmp_path)


def test_keys_of_other_kinds_and_sizes_are_refused() -> None:
    curve, small = generate_private_key(SECP256R1()), rsa_key(65537, 1024)  # noqa: S505 - to be refused
    for key, why in ((curve, "neither an Ed25519 nor an RSA"), (small, "2048 to 8192 bits")):
        spki = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ValueError, match=why):
            read_public_key(spki.decode())
    with pytest.raises(ValueError, match="neither"):
        read_private_key(private_pem(curve))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no private key"):
        read_private_key(b"nothing")


def test_a_key_is_the_same_however_its_pem_is_laid_out() -> None:
    key = public_half(ed25519())
    assert read_public_key(f"\n  {key.pem}\n\n").spki == key.spki
    assert "publicKeys" in trust_text(ed25519())
