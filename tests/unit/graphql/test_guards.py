"""The bounds on documents: counted once fragments are expanded, whatever is nested in what."""

import time

import pytest
from graphql import parse

from gateway.surfaces.graphql.limiting.guards import Finding, inspect_document
from gateway.surfaces.graphql.limits import Limits


def look(source: str, **limits: int) -> Finding:
    return inspect_document(parse(source), Limits(**limits))


def values(source: str) -> dict[str, int]:
    """Every count of a document, by asking for less than nothing of each."""
    names = ("depth", "aliases", "directives", "root_fields", "fields", "variables")
    found = look(source, **dict.fromkeys((*names, "introspection_depth"), -1))
    return {item.limit: item.value for item in found.exceeded}


def test_counts_of_a_plain_document() -> None:
    found = values("query ($a: Int @x, $b: Int) @y { a { b: c @skip(if: true) } d: e }")
    assert found == {
        "depth": 2,
        "introspection_depth": 0,
        "aliases": 2,
        "directives": 3,
        "root_fields": 2,
        "fields": 3,
        "variables": 2,
    }


def test_counts_are_those_of_the_expanded_document() -> None:
    source = (
        "{ ...f a { ...f ... on T { ...g } } } "
        "fragment f on Q @x { b { ...g } ... { c } } "
        "fragment g on Q { d: e { f } }"
    )
    # f holds b, g's two fields (below b) and c; g stands below a as well
    assert values(source) == {
        "depth": 4,
        "introspection_depth": 0,
        "aliases": 3,
        "directives": 2,
        "root_fields": 3,
        "fields": 11,
        "variables": 0,
    }


@pytest.mark.parametrize(
    ("limit", "fits", "breaks"),
    [
        ("depth", "{a{b}}", "{a{b{c}}}"),
        ("depth", "{...f} fragment f on Q{a{b}}", "{a{...f}} fragment f on Q{a{b}}"),
        ("aliases", "{x:a y:a}", "{x:a y:a z:a}"),
        ("directives", "{a @x @y}", "{a @x @y b @x}"),
        ("introspections", "{__schema{a} __type{b}}", "{__schema{a} x:__schema{a} __type{b}}"),
        ("root_fields", "{a b{c d}}", "{a ...{b ...f}} fragment f on Q{c}"),
        ("fields", "{a b}", "{a b c}"),
        ("operations", "query A{a} query B{a}", "query A{a} query B{a} query C{a}"),
        ("variables", "query($a:X,$b:X){a}", "query($a:X,$b:X,$c:X){a}"),
        (
            "fragments",
            "{a} fragment f on Q{a} fragment g on Q{a}",
            "{a} fragment f on Q{a} fragment g on Q{a} fragment h on Q{a}",
        ),
    ],
)
def test_each_limit_holds_at_its_value_and_breaks_above_it(
    limit: str, fits: str, breaks: str
) -> None:
    assert look(fits, **{limit: 2}).exceeded == ()
    (found,) = look(breaks, **{limit: 2}).exceeded
    assert (found.limit, found.value, found.maximum) == (limit, 3, 2)


def test_every_broken_limit_is_told() -> None:
    found = look("{x:a{y:b}}", depth=1, aliases=1)
    assert [item.limit for item in found.exceeded] == ["depth", "aliases"]


def test_introspection_has_a_depth_of_its_own_that_lends_nothing_to_data() -> None:
    deep = "a{" * 15 + "a" + "}" * 15
    asked = look("{__schema{" + deep + "} a}")
    assert (asked.exceeded, asked.introspects) == ((), True)
    spread = look("{__schema{...f}} fragment f on X{" + deep + "}")
    assert (spread.exceeded, spread.introspects) == ((), True)
    (data,) = look("{__schema{a} " + deep + "}").exceeded
    assert data.limit == "depth"
    (deeper,) = look("{__type(name:1){" + "a{" * 30 + "a" + "}" * 30 + "}}").exceeded
    assert deeper.limit == "introspection_depth"
    assert not look("{__typename a{__typename}}").introspects


def test_fragments_that_multiply_or_circle_cost_next_to_nothing() -> None:
    doubling = "{...f0}" + "".join(
        f"fragment f{i} on Q{{...f{i + 1} ...f{i + 1}}}" for i in range(48)
    )
    started = time.process_time()
    (found,) = look(doubling + "fragment f48 on Q{a{b}}", root_fields=10**9).exceeded
    assert found.limit == "fields"
    assert look("{...a} fragment a on Q{...b} fragment b on Q{...a ...a x}").exceeded == ()
    assert look("{...unknown}").exceeded == ()
    assert time.process_time() - started < 0.5
