"""Exports as CSV: nothing in a cell runs in a spreadsheet, and nothing is lost on the way."""

import asyncio
import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.auditing import CSV, JSON_LINES, RECORD, exported
from gateway.auditing.exporting import cell
from gateway.model.json import JsonObject

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHARS = "=+-@\t\r\n,;'\"ab\u00e9\u2028 "
texts = st.text(_CHARS, max_size=6)
values = (
    st.none() | texts | st.booleans() | st.integers(-(2**53), 2**53) | st.lists(texts, max_size=3)
)
rows = st.lists(st.dictionaries(st.sampled_from(RECORD.columns), values, max_size=8), max_size=4)


def export(shape: str, pages: list[list[JsonObject]]) -> tuple[bytes, int]:
    async def ask(value: JsonObject) -> JsonObject:
        number = int(value.get("after", 0))
        more = {"next": str(number + 1)} if number + 1 < len(pages) else {}
        return {"items": pages[number], **more}

    async def whole() -> tuple[bytes, int]:
        pieces = [piece async for piece in exported(RECORD, shape, ask, {})]
        return b"".join(piece.content for piece in pieces), sum(piece.rows for piece in pieces)

    return asyncio.run(whole())


@given(st.lists(rows, min_size=1, max_size=3))
def test_no_cell_begins_as_a_formula_and_every_cell_comes_back(
    pages: list[list[JsonObject]],
) -> None:
    content, count = export(CSV, pages)
    text = content.decode("utf-8")
    heading, *found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert heading == ["section", *RECORD.columns]
    wanted = [row for page in pages for row in page]
    assert len(found) == count == len(wanted)
    for cells, row in zip(found, wanted, strict=True):
        assert len(cells) == len(heading)
        for name, shown in zip(RECORD.columns, cells[1:], strict=True):
            assert not shown.startswith(FORMULA)
            assert shown == cell(row.get(name))
            if isinstance(row.get(name), str):
                assert shown.removeprefix("'") == row[name].removeprefix("'")


@given(st.lists(rows, min_size=1, max_size=3))
def test_json_lines_hold_what_the_query_answers(pages: list[list[JsonObject]]) -> None:
    content, count = export(JSON_LINES, pages)
    found = [json.loads(line) for line in content.split(b"\n")[:-1]]
    wanted = [row for page in pages for row in page]
    assert len(found) == count
    for told, row in zip(found, wanted, strict=True):
        said = {name: value for name, value in row.items() if value is not None}
        assert told == {"section": "entry", **said}


@given(values)
def test_a_cell_is_never_a_formula(value: object) -> None:
    assert not cell(value).startswith(FORMULA)
