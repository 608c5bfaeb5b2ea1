"""What was registered is found, by each of its names and by its text, and nothing else is."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.problem import Problem, ProblemError
from gateway.surfaces.graphql.trusted import (
    DocumentStore,
    keep_manifests,
    read_manifest,
    read_store,
)
from tests.unit.graphql.manifests import digest

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
IDS = st.text(st.sampled_from([chr(code) for code in range(0x21, 0x7F)]), min_size=1, max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@st.composite
def manifests(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """A manifest of any of the formats, and the texts of its ids."""
    algorithm = draw(st.sampled_from(["md5", "sha1", "sha256", None]))
    texts = draw(st.lists(TEXTS, unique=True, max_size=5))
    if algorithm is None:  # ids of these lengths could be digests by their look, and are none
        found = IDS.filter(lambda id_: not id_.startswith("sha256:"))
        ids = draw(st.lists(found, unique=True, min_size=len(texts), max_size=len(texts)))
    else:
        ids = [digest(text, algorithm) for text in texts]
    named = dict(zip(ids, texts, strict=True))
    if draw(st.booleans()):
        operations = [{"id": id_, "body": text} for id_, text in named.items()]
        body = {"format": "apollo-persisted-query-manifest", "version": 1}
        return {**body, "operations": operations}, named
    return named, named


@given(st.lists(manifests(), max_size=4), TEXTS, IDS)
def test_what_was_registered_is_found_by_each_name_and_by_its_text(
    written: list[tuple[dict[str, Any], dict[str, str]]], other: str, unknown: str
) -> None:
    expected: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for manifest, named in written:
            if all(expected.get(id_, text) == text for id_, text in named.items()):
                expected |= named
                keep_manifests(folder, [json.dumps(manifest).encode()])
        store = read_store(folder)
    assert {document.text for document in store} == set(expected.values())
    for id_, text in expected.items():
        document = store.by_text(text)
        assert document is not None
        assert id_ in document.ids
        for known in (id_, digest(text), f"sha256:{digest(text)}"):
            assert store.by_name(known) is document
    assert (store.by_text(other) is None) is (other not in expected.values())
    names = {*expected, *(digest(text) for text in expected.values())}
    assert (store.by_name(unknown) is None) is (unknown not in names)


@given(manifests(), TEXTS, st.integers(0, 1))
def test_an_id_never_has_two_texts(
    written: tuple[dict[str, Any], dict[str, str]], other: str, first: int
) -> None:
    manifest, named = written
    for id_, text in named.items():
        if text == other:
            continue
        files = [json.dumps(manifest).encode(), json.dumps({id_: other}).encode()]
        try:
            entries = [
                entry
                for raw in (files[first], files[1 - first])
                for entry in read_manifest(raw, "m")
            ]
            DocumentStore(entries)
        except ProblemError as refused:
            codes = {issue.code for issue in refused.problem.issues}
            assert codes <= {"DOCUMENT_ID_TAKEN", "DOCUMENT_DIGEST_MISMATCH"}
        else:
            raise AssertionError(f"{id_} has two texts")


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_file_is_a_manifest_or_refused_with_a_place(raw: bytes) -> None:
    told = refusal(raw)
    assert told is None or told.code == "DOCUMENTS_INVALID"
    assert told is None or all(issue.path.startswith("m.json") for issue in told.issues)


def refusal(raw: bytes) -> Problem | None:
    try:
        read_manifest(raw, "m.json")
    except ProblemError as refused:
        return refused.problem
    return None
