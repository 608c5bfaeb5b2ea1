"""What the fields of a schema do: root fields call the door, all others read plain JSON."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject, JsonValue
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.schema.global_ids import global_id


class FieldReader:
    """A resolver that reads ``name`` from the output of a contract or a part of it.

    A class and not a function, so that whoever compiles an operation sees what a field does.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, source: JsonObject, _info: GraphQLResolveInfo[Any]) -> JsonValue:
        """The member's value; null where it is missing."""
        return source.get(self.name)


class IdReader:
    """A resolver that makes the global id of an entity of the type ``kind`` from the ``fields`` of
    its key, in the order of their names."""

    __slots__ = ("fields", "kind")

    def __init__(self, kind: str, fields: Sequence[str]) -> None:
        self.kind = kind
        self.fields = tuple(fields)

    def of(self, source: JsonObject) -> str:
        """The id of an entity."""
        return global_id(self.kind, [source[name] for name in self.fields])

    def __call__(self, source: JsonObject, _info: GraphQLResolveInfo[Any]) -> str:
        """The same, as graphql-core asks for it."""
        return self.of(source)


class ContractCaller:
    """A resolver that calls ``contract`` through the door of the request's ``CallContext``.

    A class for the same reason.
    """

    __slots__ = ("contract",)

    def __init__(self, contract: OperationContract) -> None:
        self.contract = contract

    def __call__(
        self, _source: None, info: GraphQLResolveInfo[Any], **arguments: Any
    ) -> Awaitable[JsonObject]:
        """The contract's output, to be awaited."""
        return self.call(info.context, str(info.path.key), arguments)

    def call(
        self, context: CallContext, key: str, arguments: Mapping[str, Any]
    ) -> Awaitable[JsonObject]:
        """The same for the field whose response name is ``key``."""
        context.entered.add(key)
        return context.door.call(
            self.contract,
            arguments.get("input", {}),
            principal=context.principal,
            idempotency_key=arguments.get("idempotencyKey"),
            trace_id=context.trace_id,
        )
