"""Folding: how the projections say what an entry changes, one row at a time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from gateway.journal.statement import Statement
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, JsonValue, encode

Change: TypeAlias = tuple[Statement, dict[str, Any]]
"""A statement with the values of its parameters."""

Projection: TypeAlias = Callable[[Entry, JsonObject], Iterator[Change]]
"""What a kind of entry changes, given an entry of it and its body."""

Projections: TypeAlias = Mapping[EntryType, Projection]


def change(statement: Statement, **values: Any) -> Change:
    """One change by a statement with these values."""
    return statement, values


def of_step(statement: Statement, entry: Entry, step_id: str, **values: Any) -> Change:
    """A change of one step of the plan that the entry names, or of the present one."""
    return statement, {
        "of_plan": entry.body.get("planId"),
        "of_execution": entry.execution_id,
        "of_step": step_id,
        "updated_at": entry.at,
        **values,
    }


def own_step(statement: Statement, entry: Entry, **values: Any) -> Change:
    """A change of the step that the entry is about."""
    return of_step(statement, entry, entry.body["stepId"], **values)


def as_json(value: JsonValue) -> str | None:
    """A value as it is stored; null stays null."""
    return None if value is None else encode(value)


def nothing_more(_entry: Entry, _body: JsonObject) -> Iterator[Change]:
    """Changes nothing but the execution's ``updated_at`` and ``status``."""
    return iter(())
