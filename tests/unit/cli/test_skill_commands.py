"""gateway skill sign and verify, offline."""

import errno
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from gateway.cli import main
from gateway.skills.signatures import PrivateKey
from tests.unit.skills.skill_kit import (
    KEY_ID,
    archive,
    contract_files,
    ed25519,
    manifest,
    private_pem,
    rsa,
    write_trust,
)


class Desk:
    """A publisher's folder, with a copy of the policies that trust the key."""

    def __init__(self, folder: Path, key: PrivateKey) -> None:
        self.folder = folder
        (folder / "key.pem").write_bytes(private_pem(key))
        (folder / "manifest.json").write_text(json.dumps(manifest()))
        (folder / "desk.zip").write_bytes(archive(dict(contract_files())))
        self.policies = folder / "policies"
        self.policies.mkdir()
        write_trust(self.policies, key)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["skill", *arguments], catch_exceptions=False)

    def sign(self, *more: str, name: str = "manifest.json") -> Result:
        key = str(self.folder / "key.pem")
        return self.run("sign", str(self.folder / name), "--key", key, *more)

    def verify(self, *more: str) -> Result:
        signed = str(self.folder / "signed.json")
        return self.run("verify", signed, "--policy-dir", str(self.policies), *more)

    def file(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(params=["ed25519", "rsa"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return Desk(tmp_path, ed25519() if request.param == "ed25519" else rsa())


def test_what_was_signed_is_verified_with_its_archive(desk: Desk) -> None:
    options = ("--key-id", KEY_ID, "--artifact", desk.file("desk.zip"), "--expires", "30d")
    done = desk.sign(*options, "-o", desk.file("signed.json"))
    assert done.exit_code == 0, done.output
    body = json.loads(Path(desk.file("signed.json")).read_text())
    assert [file["path"] for file in body["artifact"]["files"]] == sorted(contract_files())
    assert body["signature"]["expiresAt"] > body["signature"]["issuedAt"]
    done = desk.verify("--artifact", desk.file("desk.zip"))
    assert done.exit_code == 0, done.output
    assert "manifest digest: " in done.output
    assert done.output.splitlines()[-1] == "verified"
    assert "only the manifest" not in done.output
    alone = desk.verify()
    assert (alone.exit_code, "only the manifest was checked" in alone.output) == (0, True)
    told = [json.loads(desk.verify("--json", *more).output)["artifactChecked"]
            for more in ((), ("--artifact", desk.file("desk.zip")))]  # fmt: skip
    assert told == [False, True]


def test_every_issue_is_printed_and_ends_with_one(desk: Desk) -> None:
    printed = desk.sign("--expires", "2999-01-01T00:00:00Z")
    body = json.loads(printed.output)
    body["publisher"]["provenance"] = "https://evil.example"
    Path(desk.file("signed.json")).write_text(json.dumps(body))
    done = desk.verify()
    assert done.exit_code == 1
    codes = [line.split()[0] for line in done.output.splitlines()[1:-1]]
    assert codes == ["SIGNATURE_INVALID", "KEY_UNTRUSTED", "PROVENANCE_UNTRUSTED"]
    assert done.output.splitlines()[-1] == "NOT VERIFIED"


def test_another_archive_is_told(desk: Desk) -> None:
    done = desk.sign(
        *("--key-id", KEY_ID, "--artifact", desk.file("desk.zip"), "-o", desk.file("signed.json"))
    )
    assert done.exit_code == 0
    Path(desk.file("desk.zip")).write_bytes(archive({"other": "x"}))
    done = desk.verify("--artifact", desk.file("desk.zip"))
    assert done.exit_code == 1
    assert "ARTIFACT_DIGEST_MISMATCH /artifact/digest" in done.output


def test_a_manifest_of_the_wrong_types_is_told_by_both(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ed25519())
    for name in ("manifest.json", "signed.json"):
        body = {**manifest(), "skill": {"key": 1}, "more": True}
        Path(desk.file(name)).write_text(json.dumps(body))
    for done in (desk.sign(), desk.verify()):
        assert done.exit_code == 1
        assert "MANIFEST_INVALID /skill/key" in done.output
        assert "MANIFEST_INVALID /skill/version" in done.output
        assert "MANIFEST_INVALID /more" in done.output


def test_what_does_not_hold_in_itself_is_not_signed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ed25519())
    Path(desk.file("manifest.json")).write_text(json.dumps(manifest(version="one")))
    done = desk.sign("-o", desk.file("signed.json"))
    assert done.exit_code == 1
    assert "MANIFEST_INVALID /skill/version" in done.output
    assert not Path(desk.file("signed.json")).exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("manifest.json", b"{", "it is no JSON (line 1, column 2)."),
        ("manifest.json", b'{"a": 1, "a": 2}', "a key is there twice"),
        ("manifest.json", b"[]", "a manifest is a JSON object"),
        ("manifest.json", b'{"a": NaN}', "NaN is no JSON"),
        ("manifest.json", b"\xff", "cannot be used"),
        ("manifest.json", b"{]", "it is no JSON (line 1, column 2)."),
        ("manifest.json", b"[" * 100_000, "nested too deep"),
        ("key.pem", b"nothing", "no private key in PEM form"),
        ("desk.zip", b"nothing", "not a zip file"),
    ],
)
def test_files_that_cannot_be_used_are_told_without_a_traceback(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    desk = Desk(tmp_path, ed25519())
    Path(desk.file(name)).write_bytes(content)
    done = desk.sign("--artifact", desk.file("desk.zip"))
    assert done.exit_code == 2
    assert why in done.output
    assert "Traceback" not in done.output


def test_an_output_that_links_lead_in_a_circle_to_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ed25519())
    (tmp_path / "signed.json").symlink_to("signed.json")
    done = desk.sign("-o", desk.file("signed.json"))
    assert done.exit_code == 2
    assert "it cannot be written (Too many levels of symbolic links)." in done.stderr


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = Desk(tmp_path, ed25519()).sign("-o", str(tmp_path / "no" / "such.json"))
    assert done.exit_code == 2
    assert "it cannot be written (No such file or directory)" in done.output


def test_an_encrypted_key_and_a_wrong_moment_are_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ed25519())
    locked = ed25519().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    assert desk.sign("--expires", "soon").exit_code == 2
    Path(desk.file("key.pem")).write_bytes(locked)
    done = desk.sign()
    assert done.exit_code == 2
    assert "it is encrypted" in done.output


def test_a_full_disk_loses_no_manifest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = (desk.folder / "manifest.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("gateway.model.system.os.fsync", full)
        done = desk.sign("--output", desk.file("manifest.json"))
    assert done.exit_code == 2
    assert "it cannot be written (No space left on device)" in done.stderr
    assert (desk.folder / "manifest.json").read_bytes() == before
    assert not list(desk.folder.glob("*.part"))
