"""``docs/evidence.md`` says how bundles are checked by hand; what it says works."""

import hashlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.evidence.views import views_of
from tests.unit.evidence.bundle_world import exported_bundles, files_of, with_files

PAGE = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text(encoding="utf-8")


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    (folder / "checkpoint-signing.pub.pem").write_text(exported_bundles()[2])
    return folder


def by_hand(folder: Path) -> subprocess.CompletedProcess[str]:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    return subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=folder, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def test_the_program_of_the_page_checks_the_chain(tmp_path: Path) -> None:
    done = by_hand(unpacked(exported_bundles()[0], tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "file", ["entries.jsonl", "plan.json", "checkpoint.json", "checkpoint.note", "inclusion.json"]
)
def test_the_program_of_the_page_finds_tampering(tmp_path: Path, file: str) -> None:
    content = exported_bundles()[0]
    changed = files_of(content)[file].replace(b"1", b"2", 1)
    done = by_hand(unpacked(with_files(content, {file: changed}), tmp_path))
    assert done.returncode != 0
    assert "AssertionError" in done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_openssl_checks_the_signatures_as_the_page_says(tmp_path: Path) -> None:
    folder = unpacked(exported_bundles()[0], tmp_path)
    (script,) = re.findall(r"(for name in manifest.*?)```", PAGE, re.DOTALL)
    command = ["sh", "-c", script.replace("python3", shlex.quote(sys.executable))]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.count("Signature Verified Successfully") == 3, done.stdout + done.stderr


def test_the_page_names_every_file_of_a_bundle() -> None:
    named = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))
    held = {re.sub(r"contracts/.*", "contracts/<key>@<version>.json", name)
            for name in files_of(exported_bundles()[0])}  # fmt: skip
    assert held <= named
    assert set(views_of([])) <= named


@pytest.mark.parametrize("file", ["checkpoint.note", "inclusion.json"])
def test_the_program_of_the_page_checks_the_tree(tmp_path: Path, file: str) -> None:
    """Also where the digests of the files were made to fit."""
    content = exported_bundles()[0]
    old = {"checkpoint.note": b"=\n", "inclusion.json": b'="'}[file]
    changed = files_of(content)[file].replace(old, b"!" + old, 1)
    if file == "inclusion.json":
        proof = json.loads(files_of(content)[file])
        proof["nodes"][0] = proof["nodes"][-1]
        changed = json.dumps(proof).encode()
    folder = unpacked(with_files(content, {file: changed}), tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    for one in manifest["files"]:
        if one["path"] == file:
            one["sha256"] = hashlib.sha256(changed).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = by_hand(folder)
    assert done.returncode != 0
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    place = 1 + program.split("\n").index(
        "assert base64.b64encode(node(0, int(size))).decode() == root"
    )
    assert f"line {place}, in" in done.stderr
