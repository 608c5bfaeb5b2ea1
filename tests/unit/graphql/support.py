"""Hand-built contracts, a fake door and an application around them, for the tests of the door."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import uvicorn
from graphql import GraphQLSchema
from starlette.applications import Starlette

from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    EnumType,
    Kind,
    Meta,
    NamedType,
    ObjectType,
    OperationContract,
    Risk,
    Stability,
)
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.model.types import parse_type
from gateway.surfaces.graphql import (
    Engine,
    HttpProfile,
    Introspection,
    Limits,
    Service,
    build_schema,
    graphql_routes,
    server_options,
)
from gateway.surfaces.graphql.schema.build import ContractSource
from gateway.surfaces.graphql.schema.sight import Sight
from gateway.surfaces.graphql.trusted import TrustedDocuments

ADMIN = Principal(PrincipalType.HUMAN, "ada", "acme", frozenset({"admin"}))


def fields(**notation: str) -> dict[str, Any]:
    """Fields in GraphQL notation."""
    return {name: parse_type(text) for name, text in notation.items()}


def operation(
    key: str,
    kind: Kind = Kind.QUERY,
    *,
    version: str = "1.0.0",
    given: Mapping[str, Any] | None = None,
    answer: Mapping[str, Any] | None = None,
    types: tuple[NamedType, ...] = (),
    pii: tuple[str, ...] = (),
    stability: Stability = Stability.STABLE,
) -> OperationContract:
    """A contract of domain ``shop`` with just what a test cares for."""
    meta = Meta(
        key=key,
        version=version,
        title="Do a thing.",
        description="It does the thing.",
        domain="shop",
        owners=("shop.team", "platform.core"),
        stability=stability,
        goal="Show things.",
        context="Asked for by tests.",
    )
    return OperationContract(
        meta=meta,
        kind=kind,
        input=given or {},
        output=answer or fields(done="Boolean!"),
        policy=ContractPolicy(AuthLevel.USER, pii=pii),
        digest="0" * 64,
        types={named.name: named for named in types},
        capability="shop.core@1.0.0",
        risk=Risk.MEDIUM,
    )


STATUS = EnumType("Status", ("OPEN", "mro", "CLOSED"))
ITEM = ObjectType("Item", fields(sku="ID!", count="Int!", note="String", parts="[Item!]"))

ORDER_GET = operation(
    "shop.order.get",
    given=fields(orderId="ID!", status="Status", since="DateTime", limit="Int", extra="JSON"),
    answer=fields(orderId="ID!", status="Status!", items="[Item!]!", total="Float", extra="JSON"),
    types=(STATUS, ITEM),
)
ORDER_PLACE = operation(
    "shop.order.place",
    Kind.COMMAND,
    given=fields(items="[Item!]!", email="EmailAddress!", status="Status", note="String"),
    answer=fields(orderId="ID!", email="EmailAddress!"),
    types=(STATUS, ITEM),
    pii=("email",),
)
PING = operation("shop.ping")
RESET = operation("shop.reset", Kind.COMMAND)

SHIPPED = {
    "shopOrderGet": ORDER_GET,
    "shopOrderPlace": ORDER_PLACE,
    "shopPing": PING,
    "shopReset": RESET,
}


@dataclass(frozen=True)
class Catalogue:
    """A registry with nothing but GraphQL fields."""

    fields: Mapping[str, OperationContract] = field(default_factory=lambda: SHIPPED)


@dataclass
class FakeDoor:
    """Records calls; answers by contract key, raising what is an exception."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def call(
        self, contract: OperationContract, given: dict[str, Any], **rest: Any
    ) -> dict[str, Any]:
        self.calls.append({"ref": contract.ref, "input": given, **rest})
        answer = self.answers.get(contract.key, {"done": True})
        if isinstance(answer, Exception):
            raise answer
        return answer(given) if callable(answer) else answer


async def authenticate(authorization: str | None, /) -> Principal:
    """``Bearer admin`` is an administrator, no header is nobody, all else is refused."""
    if authorization is None:
        return ANONYMOUS
    if authorization == "Bearer admin":
        return ADMIN
    raise refuse("UNAUTHENTICATED", "The token does not hold. Get a new one.")


@cache
def shipped_schema() -> GraphQLSchema:
    """The schema of ``Catalogue``, made once."""
    return build_schema(Catalogue())


def application(
    door: FakeDoor | None = None,
    *,
    introspection: Introspection = Introspection.ON,
    may_call: frozenset[str] = frozenset(),
    limits: Limits | None = None,
    catalogue: ContractSource | None = None,
    who: Callable[[str | None], Awaitable[Principal]] = authenticate,
    trusted: TrustedDocuments | None = None,
    profile: HttpProfile = HttpProfile.SPEC,
) -> Starlette:
    """The door's routes in an application of their own."""
    engine = Engine(
        build_schema(catalogue) if catalogue else shipped_schema(),
        door or FakeDoor(),
        introspection=introspection,
        may_call=lambda principal: None if "admin" in principal.roles else may_call,
        limits=limits,
        trusted=trusted,
    )
    return Starlette(routes=graphql_routes(Service(engine, who), profile))


def send(
    app: Starlette, method: str = "POST", url: str = "/graphql", **rest: Any
) -> httpx.Response:
    """One HTTP request to ``app``, without sockets."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, url, **rest)

    return asyncio.run(go())


def post(
    app: Starlette, query: str, headers: dict[str, str] | None = None, **members: Any
) -> httpx.Response:
    """One GraphQL request as most clients send it."""
    return send(app, json={"query": query, **members}, headers=headers)


def open_() -> Sight:
    """Who sees all of the shipped schema and may ask for it."""
    return Sight(shipped_schema(), is_open=True)


def closed() -> Sight:
    """Who may not ask for the schema, and is told of all of it."""
    return Sight(shipped_schema(), is_open=False)


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """``app`` behind a real server on a free port of 127.0.0.1; gives its base URL."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", **server_options()
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def refusal(response: httpx.Response) -> dict[str, Any]:
    """The only error of a refused request, checked for what every refusal must have."""
    body = response.json()
    assert set(body) == {"errors"}
    (error,) = body["errors"]
    problem = error["extensions"]["problem"]
    assert error["extensions"]["code"] == problem["code"]
    assert error["extensions"]["http"]["status"] == problem["status"] == response.status_code
    assert error["message"] == problem["detail"]
    assert "Traceback" not in response.text
    return error
