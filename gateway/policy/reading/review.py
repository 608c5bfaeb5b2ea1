"""The access review: who may call what, by which rule, as a table that people sign off."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import TypeAlias

import orjson

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Rule
from gateway.policy.reading.population import Known, Likeness, Population

MAX_ROWS = 10_000
"""A page ends with the subject that reaches so many rows."""

MAX_DECIDED = 20_000
"""A page ends with the subject that reaches so many decisions; subjects whom the rules cannot tell
apart are decided once."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes spreadsheets take a cell for a formula."""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One line: ``types`` are the principal types that it holds for, ``role`` the role that the
    rule names (empty where it names the subject itself, its type or everybody), ``how`` the
    assignments that lead to the role."""

    subject: str
    kind: str
    types: str
    role: str
    contract: str
    effect: str
    rule: str
    text: str
    how: str


COLUMNS = tuple(column.name for column in fields(ReviewRow))


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Rows of the subjects from ``offset`` up to, without, ``end``; ``total`` counts subjects."""

    rows: tuple[ReviewRow, ...]
    offset: int
    end: int
    total: int


def review(
    population: Population, contracts: Sequence[OperationContract], offset: int, limit: int
) -> ReviewPage:
    """The review of at most ``limit`` subjects after the first ``offset``.

    A row stands for each allow, and for each deny by a rule; who is denied because nothing allows
    it has no row.
    """
    subjects = population.subjects
    rows: list[ReviewRow] = []
    known_already: dict[Likeness, list[_Decided]] = {}
    end = min(offset, len(subjects))
    for known in islice(subjects, offset, offset + limit):
        alike = population.likeness(known)
        if alike not in known_already:
            known_already[alike] = list(_decided(population, known, contracts))
        rows += _rows_of(population, known, known_already[alike])
        end += 1
        if len(rows) >= MAX_ROWS or len(known_already) * len(contracts) >= MAX_DECIDED:
            break
    return ReviewPage(tuple(rows), offset, end, len(subjects))


_Decided: TypeAlias = tuple[OperationContract, AccessDecision, Rule, str]
"""A contract, the decision on it, the rule that decided, and the types that it is made for."""


def _decided(
    population: Population, known: Known, contracts: Iterable[OperationContract]
) -> Iterator[_Decided]:
    for contract in contracts:
        for decided, types in population.access(known, contract):
            if decided.rule is not None:
                yield contract, decided, decided.rule, " ".join(types)


def _rows_of(
    population: Population, known: Known, found: Iterable[_Decided]
) -> Iterator[ReviewRow]:
    for contract, decided, rule, types in found:
        held = population.role_of(known, decided)
        yield ReviewRow(
            subject=known.name,
            kind=known.kind.value,
            types=types,
            role=held.role if held else "",
            contract=contract.ref,
            effect="allow" if decided.allowed else "deny",
            rule=rule.ref,
            text=rule.text,
            how="; ".join(held.path) if held else "",
        )


def as_csv(page: ReviewPage) -> str:
    """The rows as CSV (RFC 4180), with a heading on the first page only, so that pages add up.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if page.offset == 0:
        writer.writerow(COLUMNS)
    for row in page.rows:
        writer.writerow([safe_cell(getattr(row, name)) for name in COLUMNS])
    return text.getvalue()


def safe_cell(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def as_json(page: ReviewPage) -> str:
    """The rows as a JSON list of objects."""
    return orjson.dumps([asdict(row) for row in page.rows]).decode()
