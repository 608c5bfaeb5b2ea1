"""Where errors stand in a document: told as graphql-core tells it, without reading it for each."""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import Source

from gateway.surfaces.graphql.operations.source_text import SourceText
from tests.unit.graphql.entities import shop, shop_door
from tests.unit.graphql.support import application, post

LINES = re.compile(r"\r\n|[\n\r]")
MODULES = [sys.modules[f"graphql.language.{name}"] for name in ("source", "location")]
MANY = 300
ONCE = "query ($ids: [ID!]!) {%s nodes(ids: $ids) { id } }"
TWICE = "query ($ids: [ID!]!) {%s nodes(ids: $ids) { id } nodes(ids: $ids) { __typename } }"
FIELDS = "fields(includeDeprecated: $v) { name }"
SCHEMA = "query ($v: Boolean = true) {%s __schema { types { " + FIELDS + " } } }"


class Counted:
    """What finds the ends of lines, and how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        self.times += 1
        return LINES.finditer(text)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    for module in MODULES:
        monkeypatch.setattr(module, "_re_newline", counted)
    return counted


@pytest.mark.parametrize(
    ("query", "variables", "columns"),
    [
        (ONCE, {"ids": [f"none{at}" for at in range(MANY)]}, [2]),
        (TWICE, {"ids": [f"none{at}" for at in range(MANY)]}, [2, 26]),
        (SCHEMA, {"v": None}, [47]),
    ],
    ids=["items", "items asked for twice", "the schema"],
)
def test_a_document_is_not_read_again_for_each_of_many_errors(
    read: Counted, query: str, variables: dict[str, Any], columns: list[int]
) -> None:
    app = application(shop_door(), catalogue=shop())
    told = post(app, query % ("\n" * 40), variables=variables).json()
    assert len(told["errors"]) + told.get("extensions", {}).get("errorsOmitted", 0) >= 10
    for error in told["errors"]:
        assert [(one["line"], one["column"]) for one in error["locations"]] == [
            (41, column) for column in columns
        ]
    assert read.times <= 1, "for all errors of one field together"


@pytest.mark.parametrize(
    "text",
    ["", "a", "\n", "a\n", "a\nb", "a\r\nb\rc\n\n\r\r\nd", "\r", "\r\n", "\ufeff\n\u2028\x0ba"],
)
def test_a_place_is_what_graphql_core_takes_it_for(text: str) -> None:
    for position in range(len(text) + 2):
        assert SourceText(text).get_location(position) == Source(text).get_location(position)
