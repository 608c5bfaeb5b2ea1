"""The search finds a canary in whatever form it leaked, and nothing where there is none."""

import base64
import hashlib
import io
import json
import sqlite3
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.model.json import digest
from tests.canary.searching import Searcher
from tests.canary.values import PLAIN, UNSEARCHABLE, Canaries, spellings

SEARCHABLE = sorted(set(PLAIN) - UNSEARCHABLE)


def forms(value: object) -> dict[str, bytes]:
    """A value as it may stand in a file or an answer."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {
        "raw": b"x" + text.encode() + b"x" if isinstance(value, str) else b" " + text.encode(),
        "json": json.dumps({"value": value}).encode(),
        "nested json": json.dumps(json.dumps({"value": value})).encode(),
        "address": f"?a={quote(text, safe='')}&b=1".encode(),
    }


def encodings(text: str) -> dict[str, bytes]:
    """A text in forms that hide nothing."""
    raw = text.encode()
    return {
        "lower": text.lower().encode(),
        "upper": text.upper().encode(),
        "base64": base64.b64encode(raw),
        "base64, one in front": base64.b64encode(b"x" + raw),
        "base64, two in front": base64.urlsafe_b64encode(b"xy" + raw),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "UTF-16": text.encode("utf-16"),
        "reversed": text[::-1].encode(),
        "percent": "".join(f"%{byte:02x}" for byte in raw).encode(),
    }


@pytest.mark.parametrize("scalar", SEARCHABLE)
def test_a_value_of_each_scalar_is_found(scalar: str) -> None:
    canaries = Canaries(1)
    canaries.mint(scalar, "another field")
    value = canaries.mint(scalar, "the field")
    searcher = Searcher(canaries)
    for form, data in forms(value).items():
        if form == "raw" and scalar in ("Date", "DateTime", "Time", "PhoneNumber"):
            data = data.strip(b"x")
        found = {hit.field for hit in searcher.in_bytes(b"before " + data + b" after", "here")}
        assert found == {"the field"}, form
    assert list(searcher.in_bytes(json.dumps(PLAIN).encode(), "here")) == []


@pytest.mark.parametrize("scalar", ["String", "EmailAddress", "ID", "URL"])
def test_a_text_is_found_in_each_encoding(scalar: str) -> None:
    canaries = Canaries(1)
    value = canaries.mint(scalar, "the field")
    for form, data in encodings(value).items():
        assert list(Searcher(canaries).in_bytes(b"before " + data, "here")), form


@pytest.mark.parametrize("scalar", SEARCHABLE)
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_plain_hash_is_found(scalar: str, algorithm: str) -> None:
    canaries = Canaries(1)
    canaries.mint(scalar, "the field")
    (canary,) = canaries.planted.values()
    for text in spellings(canary):
        hashed = hashlib.new(algorithm, text.encode())
        for said in (hashed.hexdigest(), base64.b64encode(hashed.digest()).decode()):
            (hit,) = Searcher(canaries).in_bytes(f'{{"digest": "{said}"}}'.encode(), "here")
            assert (hit.field, hit.form) == ("the field", "plain hash")


def test_every_file_is_looked_into(tmp_path: Path) -> None:
    canaries = Canaries(1)
    email = canaries.mint("EmailAddress", "the field")
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "gateway.db") as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE entry (body TEXT, hash BLOB)")
        database.execute("INSERT INTO entry VALUES (?, NULL)", [email])
        database.commit()
        searcher = Searcher(canaries)
        assert {hit.place for hit in searcher.in_folder(tmp_path)} == {"data/gateway.db-wal"}
        database.execute("DELETE FROM entry")
        database.commit()
    database.close()  # what was deleted stays on a free page
    assert {hit.place for hit in searcher.in_folder(tmp_path)} == {"data/gateway.db"}

    with sqlite3.connect(tmp_path / "data" / "gateway.db") as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("VACUUM")
        assert list(searcher.in_folder(tmp_path)) == []
        hashed = hashlib.sha256(email.encode()).digest()
        database.execute("INSERT INTO entry VALUES ('', ?)", [hashed])
    database.close()
    (hit,) = searcher.in_folder(tmp_path)
    assert (hit.place, hit.form) == ("data/gateway.db!entry", "plain hash")

    (tmp_path / "data" / "gateway.db").unlink()
    (tmp_path / f"{email}.log").write_text("")
    assert [hit.place for hit in searcher.in_folder(tmp_path)] == [f"name of {email}.log"]


def test_archives_are_opened() -> None:
    canaries = Canaries(1)
    email = canaries.mint("EmailAddress", "the field")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("views/plan.json", f"{email} " * 100)
    found = {hit.place for hit in Searcher(canaries).in_bytes(content.getvalue(), "bundle")}
    assert found == {"bundle!views/plan.json"}


def test_ordinary_digits_are_no_canaries() -> None:
    canaries = Canaries(1)
    for scalar in SEARCHABLE:
        canaries.mint(scalar, "a field")
    data = hashlib.sha512(b"x").hexdigest().encode() * 100 + b"2026-11-30 193710 1100000000"
    assert list(Searcher(canaries).in_bytes(data, "here")) == []


def test_the_hash_of_a_whole_input_is_found() -> None:
    canaries = Canaries(1)
    value = {"subject": canaries.mint("ID", "the field"), "amount": 7.5}
    canaries.send("the input", value)
    hashed = digest(value)
    (hit,) = Searcher(canaries).in_bytes(f'{{"inputDigest":"{hashed}"}}'.encode(), "gateway.db")
    assert (hit.field, hit.form) == ("the input", "plain hash")


def test_a_line_of_a_log_is_told_from_its_beginning() -> None:
    canaries = Canaries(1)
    email = canaries.mint("EmailAddress", "the field")
    line = f"2026-01-01 ERROR some.logger: {'x' * 200} {email}"
    (hit,) = Searcher(canaries).in_bytes(f"first\n{line}\nlast".encode(), "gateway.log")
    assert "ERROR some.logger: " in str(hit)
