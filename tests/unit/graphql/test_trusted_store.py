"""The folder of trusted documents: what is written there is read again, and nothing else."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import build_ast_schema, parse

from gateway.model.problem import ProblemError
from gateway.surfaces.graphql import Limits, build_schema
from gateway.surfaces.graphql.schema.sdl_file import schema_of
from gateway.surfaces.graphql.trusted import (
    broken_documents,
    keep_manifests,
    operation_names,
    read_store,
    store,
)
from tests.unit.graphql.manifests import GET, PING, RESET, apollo, digest, mapped, write
from tests.unit.graphql.manifests import store as store_of
from tests.unit.graphql.support import Catalogue

SCHEMA = build_schema(Catalogue())


def codes(folder: Path) -> list[tuple[str, str]]:
    """File and code of each issue of a folder."""
    with pytest.raises(ProblemError) as caught:
        read_store(folder)
    told = caught.value.problem
    assert told.code == "DOCUMENTS_INVALID"
    return [(Path(issue.path.partition("#")[0]).name, issue.code) for issue in told.issues]


def test_what_was_kept_is_found_by_every_name_and_by_its_text(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "documents"
    for manifest in (apollo(PING, home=GET), mapped(RESET)):
        (path,) = keep_manifests(folder, [json.dumps(manifest).encode()])
        assert path.parent == folder
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".json"]
    found = read_store(folder)
    assert len(found) == 3
    for text, *names in ((PING,), (GET, "home"), (RESET, digest(RESET, "md5"))):
        document = found.by_text(text)
        assert document is not None
        assert document.digest == f"sha256:{digest(text)}"
        for name in (document.digest, digest(text), *names):
            assert found.by_name(name) is document
    assert found.by_text(PING + " ") is None
    assert found.by_name(digest(PING, "md5")) is None


def test_keeping_a_manifest_twice_keeps_it_once(tmp_path: Path) -> None:
    assert keep_manifests(tmp_path, [b"{}", b"{}"]) == 2 * keep_manifests(tmp_path, [b"{}"])
    assert len(list(tmp_path.iterdir())) == 1


def test_files_of_any_other_name_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "web.json", mapped(PING))
    for name in ("README.md", ".draft.json", ".x.json.0011"):
        (tmp_path / name).write_text("{")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "linked.json").symlink_to(write(tmp_path / "target", mapped(RESET)))
    assert len(read_store(tmp_path)) == 2


def test_every_issue_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path / "a.json", {"x": 1})
    (tmp_path / "b.json").write_text("{")
    (kept,) = keep_manifests(tmp_path, [json.dumps(mapped(PING)).encode()])
    kept.write_text(json.dumps(mapped(RESET)))
    assert sorted(code for _, code in codes(tmp_path)) == [
        "DOCUMENT_DIGEST_MISMATCH",
        "INVALID_JSON",
        "WRONG_TYPE",
    ]


def test_two_files_that_give_an_id_to_two_texts_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.json", {"home": PING})
    write(tmp_path / "b.json", {"home": RESET})
    assert codes(tmp_path) == [("b.json", "DOCUMENT_ID_TAKEN")]


def test_a_folder_that_is_not_there_or_not_writable_is_refused(tmp_path: Path) -> None:
    assert codes(tmp_path / "gone") == [("gone", "NOT_FOUND")]
    (tmp_path / "file").write_text("")
    assert codes(tmp_path / "file") == [("file", "NOT_FOUND")]
    with pytest.raises(ProblemError) as caught:
        keep_manifests(tmp_path / "file", [b"{}"])
    assert caught.value.problem.issues[0].code == "NOT_FOUND"


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.json").symlink_to("nowhere")
    assert codes(tmp_path) == [("web.json", "NOT_FOUND")]


def test_there_is_a_bound_on_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_FILES", 1)
    for name in "ab":
        write(tmp_path / f"{name}.json", {})
    assert [code for _, code in codes(tmp_path)] == ["TOO_MANY"]


def test_adding_beyond_the_bound_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_FILES", 2)
    keep_manifests(tmp_path, [b'{"a": "{ a }"}'])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ProblemError) as caught:
        keep_manifests(tmp_path, [b"{}", b"[]"])
    assert [one.code for one in caught.value.problem.issues] == ["TOO_MANY"]
    assert sorted(tmp_path.iterdir()) == before
    keep_manifests(tmp_path, [b'{"a": "{ a }"}', b"{}"])  # one of them is there already
    assert len(read_store(tmp_path)) == 1


@pytest.mark.parametrize("step", ["open", "replace"])
def test_where_one_manifest_cannot_be_kept_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The second that is written, or named, finds no room on the disk."""
    (old,) = keep_manifests(tmp_path, [b"{}"])
    done: list[Path] = []
    original = getattr(Path, step)

    def failing(path: Path, *given: Any) -> Any:
        if path.parent == tmp_path and path.name.startswith("."):
            done.append(path)
            if len(done) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
        return original(path, *given)

    monkeypatch.setattr(Path, step, failing)
    with pytest.raises(ProblemError) as caught:
        keep_manifests(tmp_path, [b"{}", b'{"a": "{ a }"}', b'{"b": "{ b }"}'])
    (issue,) = caught.value.problem.issues
    assert (issue.path, issue.code) == (str(tmp_path), "PRECONDITION_FAILED")
    assert "No space left" in issue.message
    assert list(tmp_path.iterdir()) == [old]


def test_what_was_kept_is_synced_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[list[str]] = []

    def sync(folder: Path) -> None:
        synced.append([path.name for path in folder.iterdir()])

    monkeypatch.setattr(store, "sync_folder", sync)
    (path,) = keep_manifests(tmp_path, [b"{}"])
    assert synced == [[path.name]]


# --- Whether documents run ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "code"),
    [
        ("{", ":1:2", "GRAPHQL_PARSE_FAILED"),
        ("{ shopPing { nope } }", ":1:14", "GRAPHQL_VALIDATION_FAILED"),
        ("{ shopPing { done } }" * 11, "", "OPERATION_LIMIT_EXCEEDED"),
        ("fragment F on Query { __typename }", ":1:1", "GRAPHQL_VALIDATION_FAILED"),
        ("type A { b: Int }", ":1:1", "GRAPHQL_VALIDATION_FAILED"),
        ("{ a }" + " " * 33_000, "", "SOURCE_LIMIT_EXCEEDED"),
    ],
)
def test_a_document_that_would_be_refused_is_told_with_its_place(
    text: str, at: str, code: str
) -> None:
    ((document, (issue, *_)),) = broken_documents(store_of(PING, bad=text), SCHEMA, Limits())
    assert document.text == text
    assert (issue.path, issue.code) == (f"m.json#/bad{at}", code)


WIDE = build_ast_schema(
    parse(
        "type Query { wide(input: In): Page plain(input: Plain): Page } "
        "type Page { total: Int items: [Item!]! } type Item { id: ID! items: [Item!]! } "
        "input In { limit: Int first: Int after: String } input Plain { after: String }"
    )
)


@pytest.mark.parametrize(
    ("text", "limits", "codes"),
    [
        ("{ wide(input: {limit: 3}) { items { id } } }", {"list_size": 2}, {"LIST"}),
        ("{ wide(input: {limit: 3}) { items { id } } }", {"list_size": 3, "cost": 5}, set()),
        ("{ wide(input: {limit: 3}) { items { id } } }", {"cost": 4}, {"COST"}),
        ("{ wide { items { id } } }", {"cost": 51}, {"COST"}),
        ("{ wide { items { id } } }", {"cost": 52}, set()),
        ("query($n: Int = 9) { wide(input: {limit: $n}) { total } }", {"list_size": 2}, set()),
        ("query($n: Int) { wide(input: {limit: $n}) { items { id } } }", {"cost": 3}, set()),
        ("query($n: Int) { wide(input: {limit: $n}) { items { id } } }", {"cost": 2}, {"COST"}),
        ("query($n: Int) { wide(input: {limit: $n, first: 9}) { items { id } } }",
         {"list_size": 8}, {"LIST"}),
        ("query($i: In!) { wide(input: $i) { items { id } } }", {"cost": 3}, set()),
        ("query($i: Plain!) { plain(input: $i) { items { id } } }", {"cost": 51}, {"COST"}),
        ("query A { __typename } query B { wide { items { id } } }", {"cost": 51}, {"COST"}),
    ],
)  # fmt: skip
def test_a_document_that_always_costs_too_much_is_told(
    text: str, limits: dict[str, int], codes: set[str]
) -> None:
    broken = list(broken_documents(store_of(bad=text), WIDE, Limits(**limits)))
    issues = [issue for _, found in broken for issue in found]
    assert {issue.code for issue in issues} == {f"{code}_LIMIT_EXCEEDED" for code in codes}
    at = text.index("query B") + 1 if "query B" in text else 1
    assert all(issue.path == f"m.json#/bad:1:{at}" for issue in issues)


def test_a_document_that_asks_for_the_schema_is_no_issue() -> None:
    texts = (PING, RESET, GET, "query S { __schema { description } }")
    assert list(broken_documents(store_of(*texts), SCHEMA, Limits())) == []


def test_another_schema_is_read_from_sdl() -> None:
    schema = schema_of("type Query { shopPing: Ping } type Ping { done: Boolean }", "s.graphql")
    broken = [
        document.text for document, _ in broken_documents(store_of(PING, GET), schema, Limits())
    ]
    assert broken == [GET]


def test_documents_are_told_by_the_names_of_their_operations() -> None:
    (document,) = store_of(
        f"{PING} query Other {{ __typename }} fragment F on Query {{ __typename }}"
    )
    assert operation_names(document, Limits()) == ["Ping", "Other"]
    for limits in (Limits(source_bytes=20), Limits(tokens=5)):
        assert operation_names(document, limits) == []
    (document,) = store_of("{")
    assert operation_names(document, Limits()) == []
