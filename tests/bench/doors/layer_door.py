"""The gateway's GraphQL layer alone: its endpoint and server, with nothing governed behind it."""

import tempfile
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.environment import load_settings
from gateway.loading import load_registry
from gateway.model.collector import spare_what_is_loaded
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.principal import Principal, PrincipalType
from gateway.surfaces.graphql import (
    Engine,
    Service,
    build_schema,
    graphql_routes,
    server_options,
)
from gateway.surfaces.shortcut import Shortcut
from tests.bench.doors.answers import listed, started
from tests.bench.doors.contracts import FILES
from tests.bench.doors.serving import serve

_SOMEBODY = Principal(PrincipalType.HUMAN, "olga", "bench", frozenset({"admin"}))


class Door:
    """Answers what is asked, without a question."""

    async def call(
        self, contract: OperationContract, given: JsonObject, /, **_rest: object
    ) -> JsonObject:
        """The same answers as all servers give."""
        return started(given) if contract.is_command else listed(given)


async def _anybody(_authorization: str | None, /) -> Principal:
    return _SOMEBODY


def application() -> ASGIApp:
    """The path ``/graphql`` with the two operations beside those of the control plane."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in FILES.items():
            (Path(name) / file).write_text(text)
        registry = load_registry(load_settings(schema_dir=(Path(name),)))
    engine = Engine(build_schema(registry), Door())
    routes = graphql_routes(Service(engine, _anybody))
    return Shortcut(Starlette(routes=routes), routes)


if __name__ == "__main__":
    door = application()
    spare_what_is_loaded()  # as ``gateway serve``
    serve(door, **server_options())
