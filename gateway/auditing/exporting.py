"""Exports: what an audit query answers, page after page, as CSV or as JSON lines.

CSV is that of RFC 4180: a header row, CRLF, UTF-8. A cell that a spreadsheet would take for a
formula (it begins with = + - @, a tab, or the end of a line) gets an apostrophe in front. The
first column, ``section``, says what a row is.
"""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import orjson

from gateway.model.json import JsonObject, JsonValue
from gateway.policy.reading.review import safe_cell

CSV, JSON_LINES = "csv", "jsonl"
FORMATS = (CSV, JSON_LINES)

MOST_ROWS = 1_000_000
"""How many rows one export has at most; a last one then says where to go on."""

PAGE = 1_000
"""How many rows are asked for at a time."""

Ask: TypeAlias = Callable[[JsonObject], Awaitable[JsonObject]]
"""Asks an audit query; given its input it gives its output."""


@dataclass(frozen=True, slots=True)
class Report:
    """An audit query as an export: ``columns`` are those of the CSV behind ``section``."""

    name: str
    contract: str
    columns: tuple[str, ...]


RECORD = Report(
    "record",
    "audit.record.search@1.0.0",
    (
        *("cursor", "at", "type", "actor", "principalType", "roles", "session", "contract"),
        *("effect", "verdict", "rule", "policyVersion", "decisionId", "code", "executionId"),
        *("runId", "stepId", "approvalId", "grantId", "changesetId", "deliveryId", "endpoint"),
        *("traceId", "seenRecorded", "seen", "reading", "chain", "seq", "hash"),
    ),
)
REVIEW = Report(
    "review",
    "audit.contract.review@1.0.0",
    (
        *("cursor", "at", "kind", "subject", "actor", "by", "role", "types", "principalType"),
        *("roles", "contract", "via", "effect", "verdict", "rule", "reason", "path"),
        *("policyVersion", "decisionId", "outcome", "code", "executionId", "stepId"),
        *("approvalId", "grantId", "requestedBy", "approverRole", "quorum", "reached", "hasNote"),
        *("fields", "executions", "recorded", "number", "revision", "previous", "since", "until"),
        *("source", "changesetId", "activatedBy", "summary"),
    ),
)
_LISTS = ("could", "did", "approved", "saw")


class Piece(NamedTuple):
    """A piece of an export: its bytes, and how many rows they hold besides a heading."""

    content: bytes
    rows: int


async def exported(report: Report, shape: str, ask: Ask, value: JsonObject) -> AsyncIterator[Piece]:
    """The export of what ``value`` asks for, a piece for each page; ``shape`` is one of FORMATS.

    Each page is asked for when the one before was taken.

    Raises:
        ProblemError: whatever ``ask`` raises.
    """
    header = _csv([("section", *report.columns)]) if shape == CSV else b""
    rows = 0
    async for page in _pages(report, ask, {**value, "export": shape.upper(), "limit": PAGE}):
        rows += len(page)
        yield Piece(header + _piece(report, shape, page), len(page))
        header = b""
        if rows >= MOST_ROWS:
            more = {"section": "more", "cursor": page[-1].get("cursor", "")}
            yield Piece(_piece(report, shape, [more]), 0)
            return


def _pages(report: Report, ask: Ask, value: JsonObject) -> AsyncIterator[list[JsonObject]]:
    return _of_record(ask, value) if report is RECORD else _of_review(ask, value)


async def _of_record(ask: Ask, value: JsonObject) -> AsyncIterator[list[JsonObject]]:
    while True:
        found = await ask(value)
        yield [{"section": "entry", **item} for item in found["items"]]
        if found.get("next") is None:
            return
        value = {**value, "after": found["next"]}


async def _of_review(ask: Ask, value: JsonObject) -> AsyncIterator[list[JsonObject]]:
    first = await ask(value)
    yield [
        {"section": "summary", "summary": _summary(first)},
        *({"section": "revision", **item} for item in first["policyRevisions"]),
    ]
    for name in _LISTS:
        part = first.get(name)
        while part is not None:
            yield [{"section": name, **item} for item in part["items"]]
            if part.get("next") is None:
                break
            more = {**value, "parts": [name.upper()], "after": part["next"]}
            part = (await ask(more)).get(name)


def _summary(found: JsonObject) -> JsonObject:
    lists = {"policyRevisions", *_LISTS}
    told = {name: item for name, item in found.items() if name not in lists and item is not None}
    could = found.get("could")
    return {**told, "undecidable": could["undecidable"]} if could else told


# --- rows as text


def _piece(report: Report, shape: str, rows: Sequence[JsonObject]) -> bytes:
    if shape == JSON_LINES:
        return b"".join(orjson.dumps(_said(row)) + b"\n" for row in rows)
    return _csv(_cells(report, row) for row in rows)


def _said(row: JsonObject) -> JsonObject:
    return {name: value for name, value in row.items() if value is not None}


def _cells(report: Report, row: JsonObject) -> Iterator[str]:
    for name in ("section", *report.columns):
        yield cell(row.get(name))


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def cell(value: JsonValue) -> str:
    """A value as one cell of the CSV that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return safe_cell(value)
    if isinstance(value, list):
        return safe_cell("; ".join(map(_item, value)))
    return safe_cell(_item(value))


def _item(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.keys() == {"contract", "field", "treatment"}:
        return f"{value['contract']} {value['field']}={value['treatment']}"
    if isinstance(value, dict) and value.keys() == {"at", "text"}:
        return f"{value['at']}: {value['text']}"
    return orjson.dumps(value).decode()
