"""Running one operation of a prepared document, and telling its outcome."""

from collections.abc import Awaitable, Sequence
from inspect import isawaitable, iscoroutine
from itertools import islice
from typing import Any, TypeGuard

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute,
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
        ProblemError: OPERATION_RESOLUTION_FAILURE if there is none of the name, or no name where
            there are several.
    """
    if name is None:
        if len(document.operations) == 1:
            return document.operations[0]
        raise _unresolved("The document has several operations. Say in operationName which to run.")
    for operation in document.operations:
        if operation.name and operation.name.value == name:
            return operation
    raise _unresolved("The document has no operation of this operationName. Send a name it has.")


def _unresolved(detail: str) -> ProblemError:
    code = "OPERATION_RESOLUTION_FAILURE"
    return ProblemError(problem(code, detail, issues=(Issue("/operationName", code, detail),)))


def _is_coroutine(value: object) -> TypeGuard[Awaitable[Any]]:
    """Only our root resolvers are asynchronous, so graphql-core need not look further."""
    return iscoroutine(value)


async def run(
    schema: GraphQLSchema,
    document: Document,
    operation: OperationDefinitionNode,
    parameters: Parameters,
    context: CallContext,
    limits: Limits,
) -> JsonObject:
    """The answer's body: data, and the errors of its fields.

    Raises:
        RequestRefusedError: variables that do not fit; nothing was run.
    """
    nulls = null_condition_issues(document.tree, operation, parameters.variables)
    if nulls:
        raise _variables_refused(nulls)
    result = execute(
        schema,
        document.tree,
        context_value=context,
        variable_values=parameters.variables,
        operation_name=operation.name.value if operation.name else None,
        is_awaitable=_is_coroutine,
        max_coercion_errors=limits.issues,
        hide_suggestions=True,
    )
    outcome: ExecutionResult = await result if isawaitable(result) else result
    errors = outcome.errors or []
    if outcome.data is None and all(error.path is None for error in errors):
        raise _not_run(schema, operation, parameters, errors, limits)
    body: JsonObject = {"data": outcome.data}
    if errors:
        shown = errors[: limits.response_errors]
        body["errors"] = [error_entry(_problem_of(error, context), error) for error in shown]
        if len(errors) > len(shown):
            body["extensions"] = {"errorsOmitted": len(errors) - len(shown)}
    return body


def _not_run(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    parameters: Parameters,
    errors: Sequence[GraphQLError],
    limits: Limits,
) -> RequestRefusedError:
    found = variable_issues(schema, operation, parameters.variables)
    issues = list(islice(found, limits.issues))
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
