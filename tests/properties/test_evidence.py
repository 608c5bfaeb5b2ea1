"""Properties of evidence: no change of a bundle goes unseen, and findings name the place."""

import hashlib
import io
import zipfile
from functools import lru_cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.evidence import NotAnArchiveError, verify_bundle
from gateway.evidence.showing import differences
from gateway.model.decision import Treatment
from gateway.model.pii import SEALED, map_envelopes
from gateway.policy import mask_value
from tests.unit.evidence.bundle_world import (
    exported_bundles,
    files_of,
    lines_of,
    named,
    with_files,
    with_lines,
)

MODEST = settings(max_examples=150, deadline=None)
ENTRIES = "entries.jsonl"


@lru_cache
def bundle() -> tuple[bytes, dict[str, bytes]]:
    content = exported_bundles()[0]
    return content, files_of(content)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, int]:
    """A byte of a file of the bundle."""
    _, files = bundle()
    name = draw(st.sampled_from(sorted(files)))
    return name, draw(st.integers(0, len(files[name]) - 1))


def seq_at(data: bytes, place: int) -> int:
    """The number of the entry whose line holds this byte."""
    return data.count(b"\n", 0, place) + 1


@MODEST
@given(places(), st.integers(1, 255), st.booleans())
def test_a_flipped_byte_of_any_file_is_found_in_that_file(
    place: tuple[str, int], flip: int, with_key: bool
) -> None:
    content, files = bundle()
    name, at = place
    data = bytearray(files[name])
    data[at] ^= flip
    keys = [exported_bundles()[2]] if with_key else []
    report = verify_bundle(with_files(content, {name: bytes(data)}), keys)
    assert not report.ok
    assert name in {finding.file for finding in report.findings}
    if name == ENTRIES:
        assert (ENTRIES, seq_at(files[name], at)) in named(report)


@MODEST
@given(st.integers(0, 8))
def test_a_dropped_entry_is_named(at: int) -> None:
    content, _ = bundle()
    lines = lines_of(content)
    seq = lines.pop(at)["seq"]
    assert (ENTRIES, seq) in named(verify_bundle(with_lines(content, lines)))


@MODEST
@given(st.permutations(range(9)))
def test_reordered_entries_are_named(order: list[int]) -> None:
    content, _ = bundle()
    lines = lines_of(content)
    report = verify_bundle(with_lines(content, [lines[at] for at in order]))
    moved = {at + 1 for place, at in enumerate(order) if any(b > at for b in order[:place])}
    assert report.ok is (not moved)
    assert {(ENTRIES, seq) for seq in moved} <= named(report)


@MODEST
@given(st.integers(0, 9), st.integers(0, 8), st.booleans())
def test_an_inserted_entry_is_named(at: int, of: int, renumbered: bool) -> None:
    content, _ = bundle()
    lines: list[dict[str, Any]] = lines_of(content)
    added = {**lines[of], "seq": 10} if renumbered else lines[of]
    report = verify_bundle(with_lines(content, [*lines[:at], added, *lines[at:]]))
    assert (ENTRIES, added["seq"]) in named(report)


@MODEST
@given(st.data())
def test_a_damaged_archive_is_never_a_traceback(data: st.DataObject) -> None:
    """Bytes of the ZIP file itself: either a file reads otherwise, or nothing was said in them."""
    content, files = bundle()
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        report = verify_bundle(bytes(damaged))
    except NotAnArchiveError:
        return
    if report.ok:
        with zipfile.ZipFile(io.BytesIO(bytes(damaged))) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == files


@MODEST
@given(st.binary(max_size=400), st.sampled_from(sorted(bundle()[1])))
def test_any_content_of_a_file_is_a_finding(content: bytes, name: str) -> None:
    whole, _ = bundle()
    report = verify_bundle(with_files(whole, {name: content}))
    assert name in {finding.file for finding in report.findings}


def envelope(value: object) -> dict[str, object]:
    return {SEALED: [1, "c@1.0.0", "input.x", "key", value]}


def hashed(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
sealed_values = st.recursive(
    leaves | st.builds(envelope, leaves),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@MODEST
@given(sealed_values, st.sampled_from(Treatment))
def test_what_is_shown_as_the_manifest_says_agrees_with_what_is_sealed(
    value: Any, treatment: Treatment
) -> None:
    shown = map_envelopes(value, lambda one: mask_value(one[SEALED][4], treatment, hashed))
    fields = {("c@1.0.0", "input.x"): treatment}
    assert list(differences(value, shown, fields)) == []


@MODEST
@given(sealed_values, sealed_values)
def test_another_value_is_told_where_nothing_is_sealed(value: Any, other: Any) -> None:
    value = map_envelopes(value, lambda one: one[SEALED][4])
    same = type(value) is type(other) and value == other
    if not same:
        assert list(differences(value, other, {}))


def test_the_bundle_that_is_altered_here_verifies() -> None:
    content, _ = bundle()
    assert verify_bundle(content, [exported_bundles()[2]]).ok
    assert verify_bundle(with_files(content, {})).ok
