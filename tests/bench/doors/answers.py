"""What every server of this benchmark answers with: the same as ``answers.mjs``."""

from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).with_name("schema.graphql")

ROWS: list[dict[str, Any]] = [
    {
        "id": f"row_{number}",
        "name": f"Row {number}",
        "status": "OPEN" if number % 2 else "CLOSED",
        "amount": number * 7,
        "ratio": number + 0.5,
        "open": number % 2 == 1,
        "note": "a note" if number % 3 else None,
        "tags": ["a", "b"],
    }
    for number in range(100)
]
"""The rows of the list: a hundred of eight fields."""


def listed(value: dict[str, Any]) -> dict[str, Any]:
    """The answer of ``benchRowsList``."""
    return {"rows": ROWS[: value["limit"]]}


def started(value: dict[str, Any]) -> dict[str, Any]:
    """The answer of ``benchExecutionStart``."""
    return {
        "runId": f"run_{value['executionId']}",
        "status": "RUNNING",
        "startedAt": "2026-01-01T00:00:00Z",
    }
