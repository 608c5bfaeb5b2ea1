"""Strawberry's own ASGI view: as shipped, or (``cached``) with its caches of documents."""

from enum import Enum

import strawberry
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from tests.bench.doors.answers import listed, started
from tests.bench.doors.serving import serve


@strawberry.enum
class BenchRowStatus(Enum):
    """The states of a row."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


@strawberry.type
class BenchRow:
    """A row of eight fields."""

    id: strawberry.ID
    name: str
    status: BenchRowStatus
    amount: int
    ratio: float
    open: bool
    note: str | None
    tags: list[str]


@strawberry.type
class BenchRowsListOutput:
    """A list of rows."""

    rows: list[BenchRow]


@strawberry.input
class BenchRowsListInput:
    """How many rows."""

    limit: int


@strawberry.input
class BenchExecutionStartInput:
    """What is started."""

    execution_id: strawberry.ID
    plan_id: strawberry.ID
    mode: str | None = None


@strawberry.type
class BenchExecutionStartOutput:
    """What was started."""

    run_id: strawberry.ID
    status: str
    started_at: str


@strawberry.type
class Query:
    """The list."""

    @strawberry.field
    async def bench_rows_list(self, input: BenchRowsListInput) -> BenchRowsListOutput:  # noqa: A002 - the argument's name
        """The first rows."""
        found = listed({"limit": input.limit})["rows"]
        rows = [BenchRow(**{**row, "status": BenchRowStatus(row["status"])}) for row in found]
        return BenchRowsListOutput(rows=rows)


@strawberry.type
class Mutation:
    """The command."""

    @strawberry.mutation
    async def bench_execution_start(
        self,
        input: BenchExecutionStartInput,  # noqa: A002 - the argument's name
    ) -> BenchExecutionStartOutput:
        """Start nothing, and say so."""
        done = started({"executionId": input.execution_id})
        return BenchExecutionStartOutput(
            run_id=done["runId"], status=done["status"], started_at=done["startedAt"]
        )


def application(*, cached: bool) -> GraphQL[None, None]:
    """The view, with or without its caches."""
    extensions = [ParserCache, ValidationCache] if cached else []
    return GraphQL(strawberry.Schema(Query, Mutation, extensions=extensions))


if __name__ == "__main__":
    import sys

    serve(application(cached="cached" in sys.argv))
