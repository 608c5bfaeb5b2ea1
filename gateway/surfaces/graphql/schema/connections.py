"""Connections: lists read by cursors, beside the root fields that read them by page.

A connection field performs the governed call of the list's own contract, once, and tells the answer
as the GraphQL Cursor Connections Specification (Relay) has it. Its types share the items and all
other fields with the output of the contract; ``docs/relay.md`` says how to use them.
"""

from collections.abc import Awaitable, Callable, Container, Mapping
from functools import partial
from typing import Any, TypeAlias, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLString,
    is_non_null_type,
)

from gateway.contracts import CONNECTION_FIELDS, CountedList, Listing, connection_types
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.limiting.weights import WEIGHT, assumed_of
from gateway.surfaces.graphql.schema.built_types import BuiltTypes
from gateway.surfaces.graphql.schema.cursors import Cursors
from gateway.surfaces.graphql.schema.directives import ListSizeDirective
from gateway.surfaces.graphql.schema.paging import Asked, in_terms_of, window_of
from gateway.surfaces.graphql.schema.resolvers import ContractCaller, FieldReader
from gateway.surfaces.graphql.schema.types import TypeSet

Fields: TypeAlias = dict[str, GraphQLField]


def _argument(declared: GraphQLScalarType, description: str) -> GraphQLArgument:
    return GraphQLArgument(declared, description=description)


_FIRST = _argument(
    GraphQLInt,
    "How many items, from the front or behind after; without it, the list's own default.",
)
_LAST = _argument(GraphQLInt, "How many items, back from before; instead of first.")
_AFTER = _argument(GraphQLString, "The cursor of the item behind which to begin.")
_BEFORE = _argument(GraphQLString, "The cursor of the item before which to end.")

_Field = TypeVar("_Field")


class Connections:
    """The connections of one schema; the types of each list are made when it is first asked for."""

    def __init__(self, declared: TypeSet, types: BuiltTypes) -> None:
        self._declared = declared
        self._types = types
        self._outputs: dict[str, GraphQLObjectType] = {}
        self._inputs: dict[str, GraphQLInputObjectType] = {}
        self._page_info = GraphQLObjectType("PageInfo", _page_info)

    def output(
        self, contract: OperationContract, prefix: str, listing: Listing
    ) -> GraphQLObjectType:
        """The type ``<prefix>Connection`` of the list whose types' names begin with ``prefix``.

        Raises:
            ValueError: one of its names stands for something else.
        """
        if prefix not in self._outputs:
            _refuse_names(contract, listing)
            connection, edge, _ = connection_types(prefix)
            for name in (connection, edge):
                self._declared.reserve(name, contract)
            fields = partial(self._fields, prefix, listing)
            self._outputs[prefix] = GraphQLObjectType(connection, fields)
        return self._outputs[prefix]

    def arguments(
        self, contract: OperationContract, prefix: str, listing: Listing
    ) -> dict[str, GraphQLArgument]:
        """The arguments of paging, and ``input`` for what else the contract takes.

        Raises:
            ValueError: the name of the input's type stands for something else.
        """
        found = {}
        others = contract.input.keys() - listing.paging
        if others:
            given: Any = self._input(contract, prefix, listing)
            if any(contract.input[name].required for name in others):
                given = GraphQLNonNull(given)
            told = "The contract's input, but for what chooses a page."
            found["input"] = GraphQLArgument(given, description=told)
        forward = {"first": _FIRST, "after": _AFTER}
        backward = {"last": _LAST, "before": _BEFORE} if isinstance(listing, CountedList) else {}
        return found | forward | backward

    def _input(
        self, contract: OperationContract, prefix: str, listing: Listing
    ) -> GraphQLInputObjectType:
        *_, name = connection_types(prefix)
        if name not in self._inputs:
            self._declared.reserve(name, contract)
            whole = self._types.inputs[f"{prefix}Input"]
            self._inputs[name] = GraphQLInputObjectType(
                name, lambda: _without(whole.fields, listing.paging)
            )
        return self._inputs[name]

    def _fields(self, prefix: str, listing: Listing) -> Fields:
        """Those of a connection, and those of the output that it does not tell in its own way."""
        output = self._types.outputs[f"{prefix}Output"].fields
        items = output[listing.items].type
        is_sure = is_non_null_type(items)
        edges: Any = GraphQLList(GraphQLNonNull(self._edge(prefix, items)))
        found = {
            "edges": _read("edges", GraphQLNonNull(edges) if is_sure else edges),
            "pageInfo": _read("pageInfo", GraphQLNonNull(self._page_info)),
        }
        if isinstance(listing, CountedList):
            found["totalCount"] = _read("totalCount", output["total"].type)
        return found | _without(output, listing.told)

    def _edge(self, prefix: str, items: Any) -> GraphQLObjectType:
        """An edge; a node costs nothing, so that a connection costs what its list does."""
        listed = items.of_type if is_non_null_type(items) else items
        fields = {
            "cursor": _read("cursor", GraphQLNonNull(GraphQLString)),
            "node": _read("node", listed.of_type, {WEIGHT: 0}),
        }
        _, name, _ = connection_types(prefix)
        return GraphQLObjectType(name, fields)


def connection_directive(contract: OperationContract, listing: Listing) -> ListSizeDirective:
    """``@listSize`` for the root field of a connection."""
    return ListSizeDirective(
        assumed_size=assumed_of(contract),
        slicing_arguments=["first", "last"] if isinstance(listing, CountedList) else ["first"],
        sized_fields=["edges"],
        require_one_slicing_argument=False,
    )


def call_connection(
    contract: OperationContract, listing: Listing
) -> Callable[..., Awaitable[JsonObject]]:
    """A resolver that calls the list ``contract`` through the door of the request, once, and makes
    a connection of its output."""
    cursors, caller = Cursors(contract.key), ContractCaller(contract)

    async def call(_source: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> JsonObject:
        given = arguments.pop("input", None) or {}
        context: CallContext = info.context
        context.entered.add(str(info.path.key))
        window = window_of(listing, cursors, Asked(**arguments))
        try:
            asked = {"input": {**given, **window.input}}
            output = await caller.call(context, str(info.path.key), asked)
        except ProblemError as error:
            raise in_terms_of(window, error) from error
        return window.connection(output)

    return call


def _page_info() -> Fields:
    whether, where = GraphQLNonNull(GraphQLBoolean), GraphQLString
    types: dict[str, Any] = {
        "hasNextPage": whether,
        "hasPreviousPage": whether,
        "startCursor": where,
        "endCursor": where,
    }
    return {name: _read(name, declared) for name, declared in types.items()}


def _read(name: str, declared: Any, extensions: dict[str, Any] | None = None) -> GraphQLField:
    return GraphQLField(declared, resolve=FieldReader(name), extensions=extensions)


def _without(fields: Mapping[str, _Field], names: Container[str]) -> dict[str, _Field]:
    return {name: field for name, field in fields.items() if name not in names}


def _refuse_names(contract: OperationContract, listing: Listing) -> None:
    taken = sorted(CONNECTION_FIELDS & contract.output.keys() - listing.told)
    if taken:
        raise ValueError(
            f"the connection of the list {contract.ref} has a field {taken[0]} of its own; rename "
            f"that output field in the contract ({contract.meta.source or 'no file'})"
        )
