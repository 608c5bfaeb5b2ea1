"""Running a compiled operation: its resolvers are called, their outcomes completed.

Where there is an error to tell, or something that graphql-core must judge, graphql-core is given
what came of the resolvers so far and answers. It is called once the exception is over that led
there, which would stand beside each error of its own in logs. One error is told here: that of the
only field of an operation, when its resolver raised it. So are most refusals told, and there may be
many of them when there is too much to do.
"""

import asyncio
from collections.abc import Awaitable
from types import CoroutineType
from typing import Any

from graphql import DocumentNode, ExecutionResult, located_error
from graphql.execution.values import VariableValues

from gateway.surfaces.graphql.compiled.compiler import CompiledOperation, CompiledRoot
from gateway.surfaces.graphql.compiled.replaying import Awaited, Core, Outcomes, Raised, told
from gateway.surfaces.graphql.compiled.request import Request


async def run_in_turn(
    compiled: CompiledOperation,
    tree: DocumentNode,
    core: Core,
    request: Request,
    values: VariableValues,
) -> ExecutionResult:
    """Run one root field after the other.

    What follows one in trouble is left to graphql-core, which knows whether it is to be called.
    """
    data: dict[str, Any] = {}
    outcomes: Outcomes = {}
    called = None
    try:
        for root in compiled.roots:
            value = None
            if root.call is not None:
                arguments = root.arguments(values)
                called = root.key
                value = root.call(request, values, arguments)
                if isinstance(value, CoroutineType):
                    value = await value
                outcomes[called] = value
                called = None
            data[root.key] = root.complete(value)
    except Exception as error:
        if called is not None:
            outcomes[called] = Raised(error)
    else:
        return ExecutionResult(data, None)
    return _alone(compiled, outcomes) or await core.run(
        tree, compiled.definition, request, outcomes, values
    )


def _alone(compiled: CompiledOperation, outcomes: Outcomes) -> ExecutionResult | None:
    """The answer of an operation whose only field has no value, because its resolver raised an
    error (GraphQL, section 6.4.4); None for any other."""
    only = compiled.roots[0]
    raised = outcomes.get(only.key)
    if len(compiled.roots) > 1 or only.is_required or not isinstance(raised, Raised):
        return None
    return ExecutionResult(
        {only.key: None}, [located_error(raised.error, list(only.nodes), [only.key])]
    )


async def run_at_once(
    compiled: CompiledOperation,
    tree: DocumentNode,
    core: Core,
    request: Request,
    values: VariableValues,
) -> ExecutionResult:
    """Call all root fields, then await those that must be, together."""
    outcomes: Outcomes = {}
    waiting = [
        _awaited(root.key, found, outcomes)
        for root in compiled.roots
        if (found := _called(root, request, values, outcomes)) is not None
    ]
    if len(waiting) == 1:
        await waiting[0]
    elif waiting:
        await asyncio.gather(*waiting)
    try:
        data = {
            root.key: root.complete(None if root.call is None else told(outcomes[root.key]))
            for root in compiled.roots
        }
    except Exception:  # graphql-core says whether it is an error, and tells it
        data = None
    if data is None:
        return await core.run(tree, compiled.definition, request, outcomes, values)
    return ExecutionResult(data, None)


def _called(
    root: CompiledRoot, request: Request, values: VariableValues, outcomes: Outcomes
) -> Awaitable[Any] | None:
    """Call a resolver; gives what must be awaited, if anything.

    One whose arguments cannot be had is not called and has no outcome: graphql-core tells why.
    """
    if root.call is None:
        return None
    try:
        arguments = root.arguments(values)
    except Exception:
        return None
    try:
        found = root.call(request, values, arguments)
    except Exception as error:
        outcomes[root.key] = Raised(error)
        return None
    if isinstance(found, CoroutineType):
        return found
    outcomes[root.key] = found
    return None


async def _awaited(key: str, found: Awaitable[Any], outcomes: Outcomes) -> None:
    try:
        outcomes[key] = Awaited(await found)
    except Exception as error:
        outcomes[key] = Awaited(Raised(error))
