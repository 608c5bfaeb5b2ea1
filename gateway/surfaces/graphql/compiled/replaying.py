"""graphql-core as the one that answers wherever the compiled form does not.

Root fields that were called already are not called again: their outcomes are told to graphql-core
where it would call them, those that were awaited in the order in which they came, because that is
the order of the errors in an answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    MiddlewareManager,
    OperationDefinitionNode,
    default_field_resolver,
    default_type_resolver,
    execute,
    located_error,
)
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from gateway.surfaces.graphql.compiled.irregular import is_coroutine
from gateway.surfaces.graphql.compiled.request import Request


@dataclass(frozen=True, slots=True)
class Raised:
    """The outcome of a resolver that raised an exception."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Awaited:
    """An outcome that was awaited while other root fields were under way."""

    outcome: object


Outcomes = dict[str, object]
"""What came of calling root fields, by response name in the order in which it came: the value
itself, or one of the two above."""


def told(outcome: object) -> object:
    """The value of an outcome.

    Raises:
        Exception: what the resolver raised.
    """
    inner = outcome.outcome if isinstance(outcome, Awaited) else outcome
    if isinstance(inner, Raised):
        raise inner.error
    return inner


class Core:
    """graphql-core on one schema. ``runs`` counts the operations that it ran."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.runs = 0
        self._schema = schema

    async def run(
        self,
        tree: DocumentNode,
        operation: OperationDefinitionNode,
        request: Request,
        outcomes: Outcomes,
        values: VariableValues | None = None,
    ) -> ExecutionResult:
        """Run an operation of ``tree``; root fields that have an outcome are not called.

        ``values`` are those of its variables; without them graphql-core coerces what was sent,
        which takes long where that is much.
        """
        self.runs += 1
        replay = MiddlewareManager(_Replay(outcomes)) if outcomes else None
        if values is not None:
            executor = ready_executor(self._schema, tree, operation, request, values, replay)
            answer = executor.execute_operation()
            found = await answer if isawaitable(answer) else answer
            if not isinstance(found, ExecutionResult):
                raise AssertionError("nothing here is deferred")
            return found
        result = execute(
            self._schema,
            tree,
            request.root_value,
            request.context,
            dict(request.variables),
            operation.name.value if operation.name else None,
            middleware=replay,
            executor_class=_LocatingExecutor,
            is_awaitable=is_coroutine,
            max_coercion_errors=request.max_coercion_errors,
            hide_suggestions=True,
        )
        return await result if isawaitable(result) else result


def ready_executor(
    schema: GraphQLSchema,
    tree: DocumentNode,
    operation: OperationDefinitionNode,
    request: Request,
    values: VariableValues,
    middleware: MiddlewareManager | None = None,
) -> Executor[Any]:
    """graphql-core's executor of an operation whose variables have these values: the one that its
    own ``build`` makes, which would coerce them itself."""
    nodes = [node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)]
    return _LocatingExecutor(
        schema,
        {node.name.value: node for node in nodes},
        {node.name.value: FragmentDetails(node) for node in nodes},
        request.root_value,
        request.context,
        operation,
        values,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
        middleware_manager=middleware,
        is_awaitable=is_coroutine,
        hide_suggestions=True,
    )


class _LocatingExecutor(Executor[Any]):
    """graphql-core's executor, which works out once where a field stands in the document: each item
    of a list may have an error there."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._places: dict[tuple[int, ...], GraphQLError] = {}

    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        """Tell an error of a field, or have the fields around it tell it.

        Raises:
            GraphQLError: the field must have a value.
        """
        located = raw_error
        if not isinstance(raw_error, GraphQLError):  # or else it may know a place of its own
            located = located_error(raw_error, None, path.as_list())
            place = self._place([details.node for details in field_details_list])
            located.nodes, located.source = place.nodes, place.source
            located.positions, located.locations = place.positions, place.locations
        super().handle_field_error(located, return_type, field_details_list, path)

    def _place(self, nodes: list[FieldNode]) -> GraphQLError:
        key = tuple(map(id, nodes))
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = GraphQLError("", nodes)
        return found


class _Replay:
    """A middleware of graphql-core that stands in for resolvers that were called before."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._order = [key for key, outcome in outcomes.items() if isinstance(outcome, Awaited)]
        self._told: dict[str, asyncio.Event] = {}

    def resolve(
        self,
        resolver: Callable[..., Any],
        source: object,
        info: GraphQLResolveInfo[Any],
        **arguments: Any,
    ) -> object:
        """The outcome of a root field, or what the field's own resolver gives."""
        key = str(info.path.key)
        if info.path.prev is not None or key not in self._outcomes:
            return resolver(source, info, **arguments)
        if not isinstance(self._outcomes[key], Awaited):
            return told(self._outcomes[key])
        self._told[key] = asyncio.Event()
        return self._in_turn(key)

    async def _in_turn(self, key: str) -> object:
        """The outcome, once that before it was told; graphql-core asks for all, then awaits."""
        before = [one for one in self._order[: self._order.index(key)] if one in self._told]
        if before:
            await self._told[before[-1]].wait()
        self._told[key].set()  # who waits goes on once this field is completed
        return told(self._outcomes[key])
