"""Manifests of trusted documents: each format that is read, and all that is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.model.problem import ProblemError
from gateway.surfaces.graphql import Limits
from gateway.surfaces.graphql.schema.sdl_file import read_schema
from gateway.surfaces.graphql.trusted import (
    DocumentStore,
    Entry,
    broken_documents,
    manifests,
    read_manifest,
    store,
)
from tests.unit.graphql.manifests import GET, PING, RESET, TEXTS, apollo, digest, mapped

ROOT = Path(__file__).parents[3]
TOOLS = Path(__file__).with_name("tool_manifests")


def read(manifest: Any) -> dict[str, str]:
    raw = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return {entry.id: entry.text for entry in read_manifest(raw, "m.json")}


def issues(manifest: Any) -> list[tuple[str, str]]:
    """Path and code of each issue."""
    with pytest.raises(ProblemError) as caught:
        read(manifest)
    told = caught.value.problem
    assert (told.code, told.status) == ("DOCUMENTS_INVALID", 500)
    return [(issue.path, issue.code) for issue in told.issues]


def test_apollos_manifest_is_read() -> None:
    assert read(apollo(PING, RESET)) == {digest(PING): PING, digest(RESET): RESET}
    assert read(apollo(**{"checkout.v2": GET})) == {"checkout.v2": GET}


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_the_maps_of_relay_and_the_client_preset_are_read(algorithm: str) -> None:
    expected = {digest(text, algorithm): text for text in TEXTS}
    assert read(mapped(*TEXTS, algorithm=algorithm)) == expected


@pytest.mark.parametrize("path", sorted(TOOLS.glob("*.json")), ids=lambda path: path.stem)
def test_what_the_tools_of_clients_wrote_fits_the_shipped_schema(path: Path) -> None:
    """By @apollo/generate-persisted-query-manifest 1.4, relay-compiler 21 and client-preset 6."""
    entries = read_manifest(path.read_bytes(), path.name)
    assert len(entries) == 1
    schema = read_schema(ROOT / "schema" / "gateway.graphql", strictly=True)
    assert list(broken_documents(DocumentStore(entries), schema, Limits())) == []


def test_ids_may_be_anything_visible_and_prefixed_as_graphql_over_http_has_it() -> None:
    ids = {"7": PING, f"sha256:{digest(RESET)}": RESET, "x-team:a/b+c=": GET, "f" * 31: PING}
    assert read(ids) == ids
    assert read({}) == {}


def test_places_are_json_pointers_into_the_file() -> None:
    (first,) = read_manifest(json.dumps({"a/b~": PING}).encode(), "m.json")
    assert first.at == "m.json#/a~1b~0"
    (second,) = read_manifest(json.dumps(apollo(PING)).encode(), "m.json")
    assert second.at == "m.json#/operations/0"


FORMAT = {"format": "apollo-persisted-query-manifest"}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (b"", [("m.json:1:1", "INVALID_JSON")]),
        (b"\xff", [("m.json", "INVALID_JSON")]),
        (b'{"a": "{ b }", "a": "{ c }"}', [("m.json#", "DUPLICATE_KEY")]),
        (b"[" * 1000, [("m.json:1:65", "TOO_DEEP")]),
        ([PING], [("m.json#", "WRONG_TYPE")]),
        (None, [("m.json#", "WRONG_TYPE")]),
        ("x", [("m.json#", "WRONG_TYPE")]),
        ({"a": PING, "b": 7, "c": {}}, [("m.json#/b", "WRONG_TYPE"), ("m.json#/c", "WRONG_TYPE")]),
        ({"format": "other", "operations": []}, [("m.json#/operations", "WRONG_TYPE")]),
        ({**FORMAT, "version": 2, "operations": []}, [("m.json#/version", "NOT_ALLOWED")]),
        ({**FORMAT, "version": True}, [("m.json#/version", "NOT_ALLOWED")]),
        ({**FORMAT, "version": 1}, [("m.json#/operations", "WRONG_TYPE")]),
        ({**FORMAT, "version": 1, "operations": {}}, [("m.json#/operations", "WRONG_TYPE")]),
        (
            {**FORMAT, "version": 1, "operations": [7, {"id": "a"}, {"id": 1, "body": None}]},
            [
                ("m.json#/operations/0", "WRONG_TYPE"),
                ("m.json#/operations/1/body", "WRONG_TYPE"),
                ("m.json#/operations/2/id", "WRONG_TYPE"),
                ("m.json#/operations/2/body", "WRONG_TYPE"),
            ],
        ),
        ({"": PING}, [("m.json#/?", "INVALID_FORMAT")]),
        ({"with space": PING}, [("m.json#/?", "INVALID_FORMAT")]),
        ({"x" * 257: PING}, [("m.json#/?", "INVALID_FORMAT")]),
    ],
)
def test_what_is_no_manifest_is_refused_with_every_place(
    manifest: Any, expected: list[tuple[str, str]]
) -> None:
    assert issues(manifest) == expected


@pytest.mark.parametrize(
    "id_",
    [
        digest(PING),
        digest(PING, "sha1"),
        digest(PING, "md5"),
        f"sha256:{digest(PING)}",
        f"sha256:{digest(RESET).upper()}",
        f"sha256:{digest(RESET, 'md5')}",
        "sha256:",
    ],
)
def test_an_id_that_is_written_as_a_digest_must_be_that_of_its_text(id_: str) -> None:
    assert issues({id_: RESET}) == [(f"m.json#/{id_}", "DOCUMENT_DIGEST_MISMATCH")]


def test_a_manifest_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    assert issues(b"[" * (manifests.MAX_BYTES + 1)) == [("m.json", "LIMIT_EXCEEDED")]


def test_only_the_first_hundred_issues_are_told() -> None:
    assert len(issues({f"k{number}": 7 for number in range(500)})) == 100


def refused(entries: list[Entry]) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as caught:
        DocumentStore(entries)
    return [(issue.path, issue.code) for issue in caught.value.problem.issues]


def test_an_id_names_one_text() -> None:
    first, second = Entry("a", PING, "m.json", "/a"), Entry("a", RESET, "n.json", "/a")
    assert refused([first, second]) == [("n.json#/a", "DOCUMENT_ID_TAKEN")]
    again = DocumentStore([first, Entry("a", PING, "n.json", "/a"), Entry("b", PING, "m", "/b")])
    (document,) = again
    assert (document.ids, len(document.entries)) == (["a", "b"], 3)


def test_there_are_bounds_on_how_much_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Entry(f"a{one}", f"{{ a{one} }}", "m.json", f"/a{one}") for one in range(3)]
    monkeypatch.setattr(store, "MAX_DOCUMENTS", 2)
    assert refused(entries) == [("m.json#/a2", "TOO_MANY")]
    monkeypatch.setattr(store, "MAX_DOCUMENTS", 3)
    monkeypatch.setattr(store, "MAX_TEXT_BYTES", 17)
    assert refused(entries) == [("m.json#/a2", "TOO_MANY")]
