"""Contract files and values of any content: they are honoured in full or refused with a place."""

import json
import math
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts.drafts import draft_of
from gateway.contracts.findings import Findings
from gateway.contracts.io import Io
from gateway.contracts.names import VERSION, version_order
from gateway.contracts.paths import assignable
from gateway.contracts.yaml_source import parse_yaml
from gateway.model.contract import EnumType, ObjectType
from gateway.model.problem import ProblemError
from gateway.model.types import SCALARS, TypeRef, parse_type

quick = settings(max_examples=100, deadline=None)

printable = st.characters(categories=("L", "N", "P", "S", "Zs"))
plain_text = st.text(printable, max_size=20)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
sound_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=12,
)
versions = st.from_regex(re.compile(VERSION, re.ASCII), fullmatch=True)

TYPES = {
    "Color": EnumType("Color", ("RED", "GREEN")),
    "Line": ObjectType("Line", {"sku": parse_type("String!"), "next": parse_type("Line")}),
}
FIELDS = {
    **{name.lower(): TypeRef(False, name) for name in SCALARS},
    "color": parse_type("Color"),
    "lines": parse_type("[Line!]"),
}
PARTS = ["kind", "key", "policy", "handler", "types", "errors", "input", "emits", "compensation"]
IO = Io("Everything", FIELDS, TYPES)


@quick
@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_content_is_read_or_refused_with_a_place(content):
    findings = Findings()
    node = parse_yaml(content, "f.yaml", findings)
    assert (node is None) == bool(findings.issues)
    for issue in findings.issues:
        assert re.fullmatch(r"f\.yaml:[1-9][0-9]*:[1-9][0-9]*", issue.path)
    if node is not None:
        json.dumps(node.plain(), allow_nan=False).encode()
        draft_of(node, "f.yaml", findings)


@quick
@given(sound_json)
def test_json_written_as_yaml_reads_as_the_same_json(value):
    findings = Findings()
    node = parse_yaml(json.dumps({"value": value}, ensure_ascii=False).encode(), "f.yaml", findings)
    assert node is not None, findings.issues
    assert node.plain() == {"value": value}


@quick
@given(st.dictionaries(st.sampled_from(PARTS), sound_json))
def test_a_contract_of_any_shape_is_refused_without_a_crash(content):
    content.setdefault("kind", "command")
    findings = Findings()
    node = parse_yaml(json.dumps(content, ensure_ascii=False).encode(), "f.yaml", findings)
    assert node is not None
    draft_of(node, "f.yaml", findings)
    assert findings.issues


@quick
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(max_size=5), any_json, max_size=4))
def test_any_value_is_kept_or_refused_with_a_pointer(value):
    try:
        checked = IO.check(value, "/input")
    except ProblemError as error:
        issues = error.problem.issues
        assert issues
        assert all(issue.path.startswith("/input") or issue.path == "" for issue in issues)
        json.dumps(error.problem.to_json(), ensure_ascii=False).encode()
        return
    assert set(checked) == set(value)
    json.dumps(checked, ensure_ascii=False, allow_nan=False).encode()
    assert IO.check(checked) == checked


@quick
@given(sound_json)
def test_a_sound_json_value_is_kept_as_it_is(value):
    assert IO.check({"json": value}) == {"json": value}


@quick
@given(st.floats(), st.floats())
def test_coordinates_are_kept_exactly_within_their_range(latitude, longitude):
    sound = abs(latitude) <= 90 and abs(longitude) <= 180
    try:
        checked = IO.check({"latitude": latitude, "longitude": longitude})
    except ProblemError:
        assert not sound
    else:
        assert sound
        assert not math.isnan(checked["latitude"])


@quick
@given(versions, versions, versions)
def test_versions_have_a_total_order(one, two, three):
    ordered = sorted([one, two, three], key=version_order)
    assert sorted([three, two, one], key=version_order) == ordered
    assert (version_order(one) == version_order(two)) == (one == two)


type_refs = st.recursive(
    st.builds(TypeRef, st.booleans(), st.sampled_from([*sorted(SCALARS), "Color", "Line"])),
    lambda inner: st.builds(
        lambda required, items: TypeRef(required, items=items), st.booleans(), inner
    ),
    max_leaves=3,
)


@quick
@given(type_refs, type_refs, type_refs)
def test_what_fits_twice_in_a_row_fits_at_once(one, two, three):
    assert assignable(one, TYPES, one, TYPES)
    if assignable(one, TYPES, two, TYPES) and assignable(two, TYPES, three, TYPES):
        assert assignable(one, TYPES, three, TYPES)
