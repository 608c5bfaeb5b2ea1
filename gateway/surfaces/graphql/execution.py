"""Running one operation of a prepared document, and telling its outcome."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable, iscoroutine
from itertools import islice
from typing import Any, TypeGuard

from graphql import (
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    execute,
    execute_subscription_event,
)

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, Problem, ProblemError, invalid, problem
from gateway.surfaces.graphql.documents import Document
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.errors import RequestRefusedError, error_entry, internal_problem
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.parameters import Parameters
from gateway.surfaces.graphql.values import null_condition_issues, variable_issues


def choose_operation(document: Document, name: str | None) -> OperationDefinitionNode:
    """The one operation that a request means (GraphQL, section 6.1, GetOperation).

    Raises:
        RequestRefusedError: OPERATION_RESOLUTION_FAILURE if there is none of the name, or no name
            where there are several.
    """
    if name is None:
        if len(document.operations) == 1:
            return document.operations[0]
        told = "The document has several operations. Say in operationName which to run."
        raise _unresolved(told, document)
    for operation in document.operations:
        if operation.name and operation.name.value == name:
            return operation
    told = "The document has no operation of this operationName. Send a name it has."
    raise _unresolved(told, document)


def _unresolved(detail: str, document: Document) -> RequestRefusedError:
    code = "OPERATION_RESOLUTION_FAILURE"
    told = problem(code, detail, issues=(Issue("/operationName", code, detail),))
    return RequestRefusedError(told.status, [error_entry(told)], document.shape)


def _is_coroutine(value: object) -> TypeGuard[Awaitable[Any]]:
    """Only our root resolvers are asynchronous, so graphql-core need not look further."""
    return iscoroutine(value)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a request, ready to run: nothing but its variables can still be refused."""

    schema: GraphQLSchema
    document: Document
    definition: OperationDefinitionNode
    parameters: Parameters
    context: CallContext
    limits: Limits

    @property
    def is_subscription(self) -> bool:
        """True where there may be many results."""
        return self.definition.operation is OperationType.SUBSCRIPTION

    @property
    def name(self) -> str | None:
        """The operation's name in its document."""
        return self.definition.name.value if self.definition.name else None


@dataclass(frozen=True, slots=True)
class Result:
    """One answer's body, and the cursor of the event that it tells of, if any."""

    body: JsonObject
    cursor: str | None = None


async def results(operation: Operation) -> AsyncGenerator[Result, None]:
    """Every result of an operation: one for a query or mutation, one for each event of a
    subscription.

    Raises:
        RequestRefusedError: variables that do not fit; nothing was run.
        ProblemError: a subscription that may not start, or not go on.
    """
    if not operation.is_subscription:
        yield Result(await run(operation))
        return
    executor = _executor(operation)
    source = create_source_event_stream(executor)
    found = await source if isawaitable(source) else source
    if isinstance(found, ExecutionResult):
        raise _not_started(operation, found.errors or [])
    async with aclosing(found):  # type: ignore[type-var]  # our subscribe resolver gives generators
        async for event in found:
            outcome = execute_subscription_event(executor.build_per_event_executor(event))
            done = await outcome if isawaitable(outcome) else outcome
            yield Result(_body(done, operation), event.get("cursor"))


async def run(operation: Operation) -> JsonObject:
    """The body that answers a query or a mutation: data, and the errors of its fields.

    Raises:
        RequestRefusedError: variables that do not fit; nothing was run.
    """
    _refuse_nulls(operation)
    result = execute(
        operation.schema,
        operation.document.tree,
        context_value=operation.context,
        variable_values=operation.parameters.variables,
        operation_name=operation.name,
        is_awaitable=_is_coroutine,
        max_coercion_errors=operation.limits.issues,
        hide_suggestions=True,
    )
    outcome: ExecutionResult = await result if isawaitable(result) else result
    errors = outcome.errors or []
    if outcome.data is None and all(error.path is None for error in errors):
        raise _not_run(operation, errors)
    return _body(outcome, operation)


def _executor(operation: Operation) -> Executor[Any]:
    _refuse_nulls(operation)
    executor = Executor.build(
        operation.schema,
        operation.document.tree,
        context_value=operation.context,
        raw_variable_values=operation.parameters.variables,
        operation_name=operation.name,
        is_awaitable=_is_coroutine,
        max_coercion_errors=operation.limits.issues,
        hide_suggestions=True,
    )
    if isinstance(executor, list):
        raise _not_run(operation, executor)
    return executor


def _refuse_nulls(operation: Operation) -> None:
    nulls = null_condition_issues(
        operation.document.tree, operation.definition, operation.parameters.variables
    )
    if nulls:
        raise _variables_refused(nulls)


def _body(outcome: ExecutionResult, operation: Operation) -> JsonObject:
    errors = outcome.errors or []
    body: JsonObject = {"data": outcome.data}
    if errors:
        shown = errors[: operation.limits.response_errors]
        body["errors"] = [
            error_entry(_problem_of(error, operation.context), error) for error in shown
        ]
        if len(errors) > len(shown):
            body["extensions"] = {"errorsOmitted": len(errors) - len(shown)}
    return body


def _not_started(operation: Operation, errors: Sequence[GraphQLError]) -> RequestRefusedError:
    told = [_problem_of(error, operation.context) for error in errors]
    entries = [error_entry(item, error) for item, error in zip(told, errors, strict=True)]
    return RequestRefusedError(told[0].status, entries)


def _not_run(operation: Operation, errors: Sequence[GraphQLError]) -> RequestRefusedError:
    most = operation.limits.issues
    found = variable_issues(operation.schema, operation.definition, operation.parameters.variables)
    issues = list(islice(found, most))
    if not issues:
        issues = [Issue("/variables", "WRONG_TYPE", "the variables do not fit; send others")]
    return _variables_refused(issues, errors[0] if errors else None)


def _variables_refused(
    issues: Sequence[Issue], error: GraphQLError | None = None
) -> RequestRefusedError:
    told = invalid(issues).problem
    return RequestRefusedError(told.status, [error_entry(told, error)])


def _problem_of(error: GraphQLError, context: CallContext) -> Problem:
    """The problem of a field's error: the door's own, the caller's arguments, or our failure."""
    cause = error
    while isinstance(cause.original_error, GraphQLError):
        cause = cause.original_error
    original = cause.original_error
    if isinstance(original, ProblemError):
        return original.problem
    if original is None and _from_arguments(error, cause, context):
        message = "a variable gives this field or directive a value that does not fit; send another"
        return invalid([Issue("/variables", "WRONG_TYPE", message)]).problem
    return internal_problem(original or error, _field_of(error))


def _from_arguments(error: GraphQLError, cause: GraphQLError, context: CallContext) -> bool:
    """True if the error arose before a resolver was reached, or at a directive's argument."""
    root = str(error.path[0]) if error.path else ""
    nodes = cause.nodes or []
    return root not in context.entered or not all(isinstance(node, FieldNode) for node in nodes)


def _field_of(error: GraphQLError) -> str:
    nodes = [node for node in error.nodes or [] if isinstance(node, FieldNode)]
    return f"field {nodes[0].name.value}" if nodes else "execution"
