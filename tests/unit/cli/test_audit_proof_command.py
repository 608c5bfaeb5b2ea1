"""``gateway audit proof verify``, called as an auditor calls it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.cli import main
from gateway.transparency import COSIGNATURE, Verifier
from tests.unit.transparency.test_answers import LOG, WITNESS_KEY, consistency, inclusion


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint-signing.pub.pem"
    public = LOG.key.public_key()
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def verify(file: Path, key: Path, *more: str) -> Result:
    arguments = ["audit", "proof", "verify", str(file), "--public-key", str(key), *more]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def saved(folder: Path, value: object, name: str = "answer.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(value))
    return path


def test_a_proof_that_holds(tmp_path: Path, key: Path) -> None:
    done = verify(saved(tmp_path, {"data": {"auditProofInclusion": inclusion()}}), key)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "number 12 of the 20 entries" in done.stdout
    assert done.stdout.endswith("the proof holds\n")


def test_a_proof_that_does_not_hold(tmp_path: Path, key: Path) -> None:
    done = verify(saved(tmp_path, inclusion(index=3) | {"index": 4}), key)
    assert done.exit_code == 1
    assert "THE PROOF DOES NOT HOLD" in done.stdout


def test_a_checkpoint_that_was_kept(tmp_path: Path, key: Path) -> None:
    (tmp_path / "kept").write_text(LOG.note(7))
    (tmp_path / "other").write_text(LOG.forked(2, 8).note(7))
    file = saved(tmp_path, consistency())
    assert verify(file, key, "--kept", str(tmp_path / "kept")).exit_code == 0
    assert verify(file, key, "--kept", str(tmp_path / "other")).exit_code == 1


def test_a_witness_that_did_not_sign(tmp_path: Path, key: Path) -> None:
    done = verify(saved(tmp_path, inclusion()), key, "--witness", str(WITNESS_KEY))
    assert done.exit_code == 1
    assert "w.example.com did not cosign" in done.stdout


def test_what_cannot_be_checked_is_told_on_standard_error(tmp_path: Path, key: Path) -> None:
    good = saved(tmp_path, inclusion())
    (tmp_path / "text").write_text("not json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b" " * 1_000_001)
    for done in (
        verify(tmp_path / "none", key),
        verify(tmp_path / "text", key),
        verify(tmp_path / "large", key),
        verify(saved(tmp_path, {}, "empty"), key),
        verify(good, tmp_path / "text"),
        verify(good, key, "--witness", "nonsense"),
        verify(good, key, "--kept", str(tmp_path / "binary")),
        verify(good, key, "--kept", str(tmp_path / "none")),
    ):
        assert done.exit_code == 2
        assert done.stdout == ""
        assert done.stderr.startswith("gateway: ")


def test_an_answer_that_tells_a_member_twice_is_not_judged(tmp_path: Path, key: Path) -> None:
    """People read the first, and programs the last."""
    told = json.dumps(inclusion())
    for twice in (
        told.replace('"index": 11', '"index": 3, "index": 11'),
        told.replace('"index": 11', '"index": 3, "\\u0069ndex": 11'),
    ):
        file = tmp_path / "twice.json"
        file.write_text(twice)
        done = verify(file, key)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "a key is there twice" in done.stderr


def test_a_verifier_key_counts_for_its_record_and_its_role(tmp_path: Path) -> None:
    file, key = saved(tmp_path, inclusion()), tmp_path / "key"
    own = LOG.verifier
    for text, code in (
        (str(own), 0),
        (str(Verifier("gateway.example.com/other", own.public_key)), 1),
        (str(Verifier(own.name, own.public_key, COSIGNATURE)), 2),
    ):
        key.write_text(text)
        assert verify(file, key).exit_code == code


def test_a_file_of_two_keys_is_not_taken_for_the_first(tmp_path: Path, key: Path) -> None:
    key.write_text(key.read_text() * 2)
    done = verify(saved(tmp_path, inclusion()), key)
    assert (done.exit_code, "more than one key" in done.stderr) == (2, True)
