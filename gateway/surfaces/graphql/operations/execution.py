"""Running one operation of a prepared document, and telling its outcome."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from itertools import islice
from typing import Any

from graphql import (
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
)
from graphql.execution.values import VariableValues

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, Problem, ProblemError, invalid, problem
from gateway.surfaces.graphql.compiled import Core, Request, coerced, ready_executor
from gateway.surfaces.graphql.door import CallContext
from gateway.surfaces.graphql.errors import RequestRefusedError, error_entry, internal_problem
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.operations.documents import Document
from gateway.surfaces.graphql.operations.values import (
    first_unfit,
    null_condition_issues,
    variable_issues,
)
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.schema.scalars import UnreadableError
from gateway.surfaces.graphql.schema.sight import Seen

_FAULTS_SOUGHT = 1
"""How many faults of variables graphql-core looks for. It only says that there are some, for each
of its messages writes out the whole variable; ``variable_issues`` tells them."""


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


@dataclass(slots=True)  # not frozen: that would triple what it takes to make one
class Operation:
    """One operation of a request, ready to run: nothing but its variables can still be refused.

    ``schema`` is what it runs on, ``seen`` what its caller may be told of; ``document_id`` is that
    of the registered document that it is of, if it is of one.
    """

    schema: GraphQLSchema
    document: Document
    definition: OperationDefinitionNode
    parameters: Parameters
    context: CallContext
    limits: Limits
    seen: Seen
    cost: int
    document_id: str | None = None

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
            yield Result(_body(await _executed(operation, event), operation), event.get("cursor"))


async def run(operation: Operation) -> JsonObject:
    """The body that answers a query or a mutation: data, and the errors of its fields.

    Raises:
        RequestRefusedError: variables that do not fit; nothing was run.
    """
    _refuse_nulls(operation)
    answers, definition = operation.document.schema_answers, operation.definition
    known = answers.find(operation.schema, definition) if operation.document.introspects else None
    if known is not None:
        return _body(ExecutionResult(known, None), operation)
    outcome = await _executed(operation)
    errors = outcome.errors or []
    if outcome.data is None and all(error.path is None for error in errors):
        raise _not_run(operation, errors)
    if operation.document.introspects and outcome.data is not None and not errors:
        answers.keep(operation.schema, definition, outcome.data, operation.document.size)
    return _body(outcome, operation)


def _executed(operation: Operation, event: JsonObject | None = None) -> Awaitable[ExecutionResult]:
    """The outcome of a query or mutation, or of a subscription for one event."""
    request = _request(operation, event)
    document, definition = operation.document, operation.definition
    if document.introspects:  # on the part of the schema that its caller sees, and on no other
        core = Core(operation.schema)
        return core.run(document.tree, definition, request, {}, _values(operation, request))
    return document.compiled.execute(document, definition, request)


def _executor(operation: Operation) -> Executor[Any]:
    _refuse_nulls(operation)
    request, document = _request(operation), operation.document
    values = _values(operation, request)
    return ready_executor(operation.schema, document.tree, operation.definition, request, values)


def _request(operation: Operation, event: JsonObject | None = None) -> Request:
    check = partial(_refuse_unfit, operation)
    variables = operation.parameters.variables
    return Request(variables, operation.context, event, _FAULTS_SOUGHT, check)


def _values(operation: Operation, request: Request) -> VariableValues:
    """The values of the variables of an operation that is not compiled.

    Raises:
        RequestRefusedError: they do not fit.
    """
    found = coerced(operation.schema, operation.definition, request)
    if isinstance(found, list):
        raise _not_run(operation, found)
    return found


def _refuse_nulls(operation: Operation) -> None:
    nulls = null_condition_issues(
        operation.document.tree, operation.definition, operation.parameters.variables
    )
    if nulls:
        raise _variables_refused(nulls)


def _refuse_unfit(operation: Operation) -> None:
    """Refuse variables in which we find a fault: graphql-core takes ten times as long to."""
    variables, definition = operation.parameters.variables, operation.definition
    unfit = first_unfit(operation.schema, definition, variables)
    if unfit is not None:
        raise _not_run(operation, [GraphQLError("a variable that does not fit", unfit)])


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
    if operation.parameters.wants_cost:
        told = {"requested": operation.cost, "maximum": operation.limits.cost}
        body["extensions"] = {**body.get("extensions", {}), "cost": told}
    return body


def _not_started(operation: Operation, errors: Sequence[GraphQLError]) -> RequestRefusedError:
    told = [_problem_of(error, operation.context) for error in errors]
    entries = [error_entry(item, error) for item, error in zip(told, errors, strict=True)]
    return RequestRefusedError(told[0].status, entries)


def _not_run(operation: Operation, errors: Sequence[GraphQLError]) -> RequestRefusedError:
    most = operation.limits.issues
    told_of = operation.seen().schema
    found = variable_issues(told_of, operation.definition, operation.parameters.variables)
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
    is_callers = original is None or isinstance(original, UnreadableError)
    if is_callers and _from_arguments(error, cause, context):
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
