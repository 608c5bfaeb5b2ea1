"""Ariadne's ASGI application as its documentation makes it."""

from typing import Any

from ariadne import MutationType, QueryType, load_schema_from_path, make_executable_schema
from ariadne.asgi import GraphQL

from tests.bench.doors.answers import SCHEMA, listed, started
from tests.bench.doors.serving import serve

query, mutation = QueryType(), MutationType()


@query.field("benchRowsList")
async def rows(_source: object, _info: object, *, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the argument's name
    """The first rows."""
    return listed(input)


@mutation.field("benchExecutionStart")
async def start(_source: object, _info: object, *, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - as above
    """Start nothing, and say so."""
    return started(input)


if __name__ == "__main__":
    serve(GraphQL(make_executable_schema(load_schema_from_path(str(SCHEMA)), query, mutation)))
