"""Schemas read from files: what is none is refused with its code, place and remedy."""

from pathlib import Path

import pytest
from graphql import print_schema

from gateway.model.problem import Problem, ProblemError
from gateway.surfaces.graphql.schema import sdl_file
from gateway.surfaces.graphql.schema.sdl_file import read_schema, schema_of

LACKS = "type Query implements N { a: Int } interface N { id: ID! }"
UNDEFINED = 'type Query @key(fields: "id") { id: ID! }'


def refused(path: Path, *, strictly: bool = False) -> list[tuple[str, str]]:
    """Place and code of each issue of a file."""
    with pytest.raises(ProblemError) as caught:
        read_schema(path, strictly=strictly)
    told: Problem = caught.value.problem
    assert (told.code, told.status) == ("SDL_INVALID", 500)
    assert all("; correct it" in one.message or "; name" in one.message for one in told.issues)
    return [(one.path.removeprefix(str(path)), one.code) for one in told.issues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (":1:1", "GRAPHQL_PARSE_FAILED")),
        ("type Query {\n  a: Int", (":2:9", "GRAPHQL_PARSE_FAILED")),
        ("{ a }", ("", "GRAPHQL_VALIDATION_FAILED")),
        ("type Query { a: Gone }", (":1:17", "GRAPHQL_VALIDATION_FAILED")),
        ("type Query { a: Int }\ntype Query { b: Int }", (":1:6", "GRAPHQL_VALIDATION_FAILED")),
        (
            "type Query { a: Int }\nextend input Query { b: Int }",
            (":1:1", "GRAPHQL_VALIDATION_FAILED"),
        ),
    ],
)
def test_what_is_no_schema_is_refused(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    file = tmp_path / "s.graphql"
    file.write_text(text)
    assert refused(file) == [expected]
    assert refused(file, strictly=True)


@pytest.mark.parametrize("text", [LACKS, UNDEFINED, "type Other { a: Int }"])
def test_what_breaks_rules_of_schemas_is_refused_where_it_is_asked_for(
    tmp_path: Path, text: str
) -> None:
    assert schema_of(text, "s.graphql").type_map
    file = tmp_path / "s.graphql"
    file.write_text(text)
    assert {code for _, code in refused(file, strictly=True)} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "kind",
    [
        *("type X { a: Int }", "interface X { a: Int }", "input X { a: Int }"),
        *("enum X { A }", "union X = Query", 'scalar X @specifiedBy(url: "u")'),
    ],
)
def test_what_is_only_extended_is_defined_by_that(kind: str) -> None:
    rest = f"extend type Query {{ b: Int }} extend {kind} extend type Query {{ c: Int }}"
    schema = schema_of(rest, "s.graphql")
    whole = schema_of(f"type Query {{ b: Int c: Int }} {kind}", "s.graphql")
    assert print_schema(schema) == print_schema(whole)


def test_what_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "s.graphql"
    assert refused(file) == [("", "NOT_FOUND")]
    assert refused(tmp_path) == [("", "NOT_FOUND")]
    assert refused(tmp_path / ("x" * 300)) == [("", "NOT_FOUND")]
    file.write_bytes(b"type Query { a: Int } # \xff")
    assert refused(file) == [("", "INVALID_FORMAT")]
    monkeypatch.setattr(sdl_file, "MAX_BYTES", 10)
    assert refused(file) == [("", "LIMIT_EXCEEDED")]


def test_a_schema_of_endless_depth_is_refused() -> None:
    with pytest.raises(ProblemError, match=r"SDL_INVALID.* nested too deeply"):
        schema_of("type Query { a: " + "[" * 5000 + "Int }", "s.graphql")


def test_a_schema_of_endless_tokens_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdl_file, "TOKENS", 5)
    with pytest.raises(ProblemError, match=r"SDL_INVALID.* more than 5 tokens"):
        schema_of("type Query { a: Int }", "s.graphql")
