"""Every rule for changes of schemas, by a pair of schemas that differ in one part."""

import pytest
from graphql import build_schema as parsed
from graphql.utilities.find_schema_changes import (
    BreakingChangeType,
    DangerousChangeType,
    SafeChangeType,
    find_schema_changes,
)

from gateway.contracts.changes import RULES, Level
from gateway.surfaces.graphql import build_schema, print_sdl
from gateway.surfaces.graphql.schema.sdl_changes import rule_of
from tests.unit.graphql.sdl import changes_between
from tests.unit.graphql.support import Catalogue

FACTS = '@contract(key: "a.b", version: "1.0.0", capability: "c@1.0.0", owners: ["o"], '
OTHER = 'directive @other("one" b: Int, c: Int @deprecated) on OBJECT'
BASE = f"""
directive @contract(key: String!, version: String!, risk: String!) on FIELD_DEFINITION
directive @old(a: Int = 1, gone: Int) repeatable on FIELD_DEFINITION | OBJECT
{OTHER}
directive @more(to: Int! = 1) on OBJECT
interface Node {{ id: ID! }}
type A implements Node {{ id: ID! "one" n: Int }}
type B @key(fields: "id") {{ id: ID! }}
type C implements Node {{ id: ID! m: [Int!]! @old }}
union U = A | B
enum E {{ X "one" Y }}
input I {{ a: Int = 1 b: Int c: Int! mail: String @pii(classes: ["contact"]) d: Int }}
input K {{ i: Int! = 1 k: Int }}
input L {{ i: Int k: K }}
type Query {{
  f(x: Int = 1, y: I, z: Int!, v: Int! = 1): U
    {FACTS}stability: "beta", risk: "medium") @auth(level: "user") @pii(paths: ["mail"])
  g(e: E): C @deprecated(reason: "old") @authenticated
  h: Node @inaccessible @policy(policies: [["a"]])
}}
"""

B_AS_IT_IS = 'type B @key(fields: "id") { id: ID! }'

PAIRS: list[tuple[str, str, set[tuple[str, str]]]] = [
    (B_AS_IT_IS, B_AS_IT_IS + " type D { a: Int }", {("type-added", "D")}),
    (
        B_AS_IT_IS,
        B_AS_IT_IS + " type D implements Node { id: ID! }",
        {("type-added", "D"), ("implemented-interface-added", "D Node")},
    ),
    (
        B_AS_IT_IS,
        B_AS_IT_IS + " interface New { id: ID! } type D implements New { id: ID! }",
        {("type-added", "D"), ("type-added", "New")},
    ),
    (
        B_AS_IT_IS,
        B_AS_IT_IS + " schema { query: B }",
        {("root-type-changed", "schema query")},
    ),
    (
        "union U = A",
        "type Mutation { a: Int } union U = A",
        {("type-added", "Mutation"), ("root-type-added", "schema mutation")},
    ),
    (
        B_AS_IT_IS,
        B_AS_IT_IS + ' "all" schema { query: Query }',
        {("description-changed", "schema")},
    ),
    (B_AS_IT_IS, "enum B { B }", {("type-changed-kind", "B"), ("entity-removed", "B")}),
    ("union U = A | B", "union U = A | B | C", {("type-added-to-union", "U C")}),
    ("enum E { X", "enum E { X Z", {("value-added-to-enum", "E.Z")}),
    ("n: Int", "n: Int o: Int", {("field-added", "A.o")}),
    ("m: [Int!]!", "m: [Int]!", {("field-changed-kind", "C.m")}),
    ("n: Int", "n: Int!", {("field-changed-kind-safe", "A.n")}),
    ("b: Int c", "b: Int e: Int! c", {("required-input-field-added", "I.e")}),
    ("b: Int c", "b: Int e: Int c", {("optional-input-field-added", "I.e")}),
    ("b: Int c", "b: Int! c", {("field-changed-kind", "I.b")}),
    ("a: Int = 1 b", "a: Int = 2 b", {("input-field-default-value-change", "I.a")}),
    ("a: Int = 1 b", "a: Int b", {("input-field-default-value-change", "I.a")}),
    ("i: Int! = 1 k", "i: Int! k", {("input-field-default-value-removed", "K.i")}),
    ("input L {", "input L @oneOf {", {("one-of-demanded", "L")}),
    ("v: Int! = 1", "v: Int!", {("arg-default-value-removed", "Query.f(v:)")}),
    ("to: Int! = 1", "to: Int!", {("arg-default-value-removed", "@more(to:)")}),
    ("y: I,", "", {("arg-removed", "Query.f(y:)")}),
    ("y: I,", "y: I, w: Int!,", {("required-arg-added", "Query.f(w:)")}),
    ("y: I,", "y: I!,", {("arg-changed-kind", "Query.f(y:)")}),
    ("z: Int!", "z: Int", {("arg-changed-kind-safe", "Query.f(z:)")}),
    ("x: Int = 1", "x: Int = 2", {("arg-default-value-change", "Query.f(x:)")}),
    ("x: Int = 1", "x: Int", {("arg-default-value-change", "Query.f(x:)")}),
    ("type B @", "type B implements Node @", {("implemented-interface-added", "B Node")}),
    (
        'directive @other("one" b: Int, c: Int @deprecated) on OBJECT',
        "",
        {("directive-removed", "@other")},
    ),
    (", gone: Int", "", {("directive-arg-removed", "@old(gone:)")}),
    ("gone: Int", "gone: Int, b: Int!", {("required-directive-arg-added", "@old(b:)")}),
    ("(a: Int = 1, g", "(a: Int = 2, g", {("arg-default-value-change", "@old(a:)")}),
    (" repeatable", "", {("directive-repeatable-removed", "@old")}),
    ("N | OBJECT", "N", {("directive-location-removed", "@old OBJECT")}),
    ("c: Int @deprecated", "c: Int", {("undeprecated", "@other(c:)")}),
    ('"one" b', '"two" b', {("description-changed", "@other(b:)")}),
    ('"one" n', '"two" n', {("description-changed", "A.n")}),
    ('"one" Y', '"two" Y', {("description-changed", "E.Y")}),
    (' @deprecated(reason: "old")', "", {("undeprecated", "Query.g")}),
    ('reason: "old"', 'reason: "new"', {("description-changed", "Query.g")}),
    ('level: "user"', 'level: "admin"', {("auth-raised", "Query.f")}),
    (' @auth(level: "user")', "", {("auth-lowered", "Query.f")}),
    (" @authenticated", "", {("auth-lowered", "Query.g")}),
    ('[["a"]]', '[["b"]]', {("applied-directive-changed", "Query.h")}),
    (" @inaccessible", "", {("shown-by-routers", "Query.h")}),
    (' @key(fields: "id")', "", {("entity-removed", "B")}),
    ('(fields: "id")', '(fields: "id", resolvable: false)', {("entity-removed", "B")}),
    ('(fields: "id")', '(fields: "id m")', {("entity-key-changed", "B")}),
    ('(fields: "id")', '(fields: "id") @key(fields: "x { y }")', {("entity-added", "B")}),
    ('(fields: "id")', '(fields: " id")', {("applied-directive-changed", "B")}),
    ('risk: "medium"', 'risk: "high"', {("risk-raised", "Query.f")}),
    ('risk: "medium"', 'risk: "odd"', {("applied-directive-changed", "Query.f")}),
    ('"beta"', '"stable"', {("stability-raised", "Query.f")}),
    ('"1.0.0", cap', '"2.0.0", cap', {("contract-replaced", "Query.f")}),
    ('"c@1.0.0"', "null", {("capability-changed", "Query.f")}),
    ('["o"]', '["p"]', {("owners-changed", "Query.f")}),
    (' @pii(classes: ["contact"])', "", {("pii-undeclared", "I.mail")}),
    ('["contact"]', '["health"]', {("pii-classes-changed", "I.mail")}),
    (' @pii(paths: ["mail"])', "", {("pii-classes-changed", "Query.f")}),
    ("m: [Int!]! @old", "m: [Int!]! @old @old", {("applied-directive-changed", "C.m")}),
]


def told(old: str, new: str) -> set[tuple[str, str]]:
    return {(one.code, one.where) for one in changes_between(old, new)}


@pytest.mark.parametrize(("part", "instead", "expected"), PAIRS)
def test_a_change_is_told_with_its_rule_and_place_and_so_is_undoing_it(
    part: str, instead: str, expected: set[tuple[str, str]]
) -> None:
    assert BASE.count(part) == 1
    new = BASE.replace(part, instead)
    assert told(BASE, new) == expected
    assert changes_between(new, new) == []
    changes, back = changes_between(BASE, new), changes_between(new, BASE)
    assert len(back) == len(changes)
    for one in changes:
        assert any(one.where == other.where and other.code in one.rule.reverse for other in back)


def test_every_change_that_graphql_core_knows_has_a_rule_at_its_level() -> None:
    kinds = (
        (BreakingChangeType, Level.BREAKING),
        (DangerousChangeType, Level.DANGEROUS),
        (SafeChangeType, Level.SAFE),
    )
    never_told = {"optional-input-field-added", "optional-arg-added"}  # safe: it says dangerous
    for kind, level in kinds:
        for one in kind:
            if not (kind is SafeChangeType and rule_of(one.name) in never_told):
                assert RULES[rule_of(one.name)].level is level, one


def test_every_one_of_them_is_shown_by_a_pair() -> None:
    shown = set()
    for part, instead, _ in PAIRS:
        new = BASE.replace(part, instead)
        for one, other in ((BASE, new), (new, BASE)):
            found = find_schema_changes(
                *(parsed(text, assume_valid_sdl=True) for text in (one, other))
            )
            shown |= {change.type.name for change in found}
    known = {
        one.name
        for kind in (BreakingChangeType, DangerousChangeType, SafeChangeType)
        for one in kind
    }
    assert known - shown == set()


def test_what_is_printed_of_contracts_is_compared_as_a_file_is() -> None:
    printed = print_sdl(build_schema(Catalogue()))
    assert changes_between(printed, printed) == []
    without = printed.replace('@auth(level: "user")', "", 1)
    (change,) = changes_between(printed, without)
    assert (change.code, change.level) == ("auth-lowered", Level.DANGEROUS)


@pytest.mark.parametrize(
    ("fields", "same"), [("a b", "b, a"), ("id o { a b }", "o{b a} id"), ("a { b } c", "c a { b }")]
)
def test_a_key_is_the_same_however_its_fields_are_written(fields: str, same: str) -> None:
    old, new = (BASE.replace('(fields: "id")', f'(fields: "{it}")') for it in (fields, same))
    assert told(old, new) == {("applied-directive-changed", "B")}
    other = BASE.replace('(fields: "id")', '(fields: "a { b c }")')
    assert told(old, other) == {("entity-key-changed", "B")}


def test_a_directive_is_told_as_it_is_written() -> None:
    (change,) = changes_between(BASE, BASE.replace('[["a"]]', '[["f()"]]'))
    assert change.what == "@policy(policies: [['a']]) became @policy(policies: [['f()']])"
    (change,) = changes_between(BASE, BASE.replace(" @authenticated", ""))
    assert change.what == "@authenticated became no @authenticated"


def test_a_long_text_is_told_in_part() -> None:
    (change,) = changes_between(BASE, BASE.replace('"one" n', f'"{"x" * 5000}" n'))
    assert len(change.what) < 300
