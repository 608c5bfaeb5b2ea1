"""``gateway evidence verify``: what it says, and its exit codes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.cli.evidence import evidence
from gateway.privacy import CheckpointSigner
from tests.unit.evidence.bundle_world import exported_bundles, files_of, with_files


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(evidence, ["verify", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    path.write_bytes(exported_bundles()[0])
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(exported_bundles()[2])
    return path


def test_a_bundle_signed_with_the_key_given(bundle: Path, key: Path) -> None:
    result = run(bundle, "--public-key", key)
    assert result.exit_code == 0, result.output
    assert "run run_one of workspace acme" in result.output
    assert "by olga when it had ended (completed)" in result.output
    assert "9 entries" in result.output
    assert "personal data masked" in result.output
    assert "signed by the key given" in result.output
    assert result.output.endswith("the bundle verifies\n")


def test_without_a_key_it_says_loudly_whose_word_that_is(bundle: Path) -> None:
    result = run(bundle)
    assert result.exit_code == 0
    assert "SIGNED BY KEY" in result.output
    assert "WHICH CAME WITH THE BUNDLE" in result.output
    assert "--public-key" in result.output


def test_a_bundle_of_another_gateway(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(CheckpointSigner(Ed25519PrivateKey.generate()).public_key_pem)
    result = run(bundle, "--public-key", other)
    assert result.exit_code == 1
    assert "FORGED [file=manifest.sig.json field=publicKey]" in result.output
    assert "THE BUNDLE DOES NOT VERIFY" in result.output


def test_tampering_is_named(bundle: Path) -> None:
    content = bundle.read_bytes()
    entries = files_of(content)["entries.jsonl"]
    changed = entries.replace(b'\\"starter\\":\\"alice\\"', b'\\"starter\\":\\"alicf\\"')
    assert changed != entries
    bundle.write_bytes(with_files(content, {"entries.jsonl": changed}))
    result = run(bundle)
    assert result.exit_code == 1
    assert "CHANGED [file=entries.jsonl seq=4]" in result.output
    assert "THE BUNDLE DOES NOT VERIFY" in result.output


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_what_cannot_be_read_is_told_apart(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "strange.zip"
    if content is not None:
        path.write_bytes(content)
    result = run(path)
    assert result.exit_code == 2
    assert "strange.zip" in result.output
    assert "Traceback" not in result.output


def test_a_key_that_is_none_is_told_apart(bundle: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(b"\xff no key")
    result = run(bundle, "--public-key", wrong)
    assert result.exit_code == 2
    assert "an Ed25519 public key in PEM" in result.output
    assert run(bundle, "--public-key", tmp_path / "none.pem").exit_code == 2
    assert run(bundle, "--public-key", tmp_path).exit_code == 2


def test_findings_without_end_are_cut_off(bundle: Path) -> None:
    bundle.write_bytes(with_files(bundle.read_bytes(), {"entries.jsonl": b"{}\n" * 1_000}))
    result = run(bundle)
    assert result.exit_code == 1
    assert "findings more" in result.output


def test_of_several_keys_the_one_that_cannot_be_used_is_named(bundle: Path, tmp_path: Path) -> None:
    own, wrong, two = (tmp_path / name for name in ("own.pem", "wrong.pem", "two.pem"))
    own.write_text(exported_bundles()[2])
    wrong.write_text("no key")
    two.write_text(exported_bundles()[2] * 2)
    for other in (wrong, two):
        result = run(bundle, "--public-key", own, "--public-key", other)
        assert result.exit_code == 2
        assert result.output.startswith(f"gateway: {other}: it cannot be used")
