"""A compiled operation answers what graphql-core answers, to the byte, and calls what it calls.

With ``EXAMPLES=20`` in the environment, eighty times as many other worlds are played.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import isawaitable
from random import Random
from typing import Any

import orjson
import pytest
from graphql import DocumentNode, ExecutionResult, OperationDefinitionNode, execute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.surfaces.graphql.compiled import CompiledOperations, Request, is_coroutine
from tests.properties.amounts import examples
from tests.properties.compiled_worlds import Author, World, make_world, variables_for

WORLDS = settings(
    max_examples=examples(225), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SEEDS = st.integers(0, 2**64)
SEEN: Counter[str] = Counter()


@dataclass(frozen=True)
class Document:
    """A valid document under a digest of its own."""

    tree: DocumentNode
    digest: bytes
    size: int = 1000

    @property
    def operation(self) -> OperationDefinitionNode:
        """The author's first operation, or the only one."""
        return next(
            node
            for node in self.tree.definitions
            if isinstance(node, OperationDefinitionNode)
            and (node.name is None or node.name.value == "Named")
        )


async def by_core(world: World, document: Document, variables: dict[str, Any]) -> ExecutionResult:
    found = execute(
        world.schema,
        document.tree,
        context_value="context",
        variable_values=variables,
        operation_name=document.operation.name.value if document.operation.name else None,
        is_awaitable=is_coroutine,
        max_coercion_errors=7,
        hide_suggestions=True,
    )
    return await found if isawaitable(found) else found


def told(result: ExecutionResult) -> str:
    """The whole answer as text, in the order of its members."""
    errors = [error.formatted for error in result.errors or []]
    return json.dumps({"data": result.data, "errors": errors}, default=shown)


def shown(part: object) -> object:
    """What is no JSON by itself: lists that are written already, and odd values."""
    return json.loads(orjson.dumps(part)) if isinstance(part, orjson.Fragment) else repr(part)


def sent(result: ExecutionResult) -> bytes | None:
    """The data as it is sent, if it can be."""
    try:
        return orjson.dumps(result.data)
    except TypeError:
        return None


async def compare(
    world: World, compiled: CompiledOperations, document: Document, variables: dict[str, Any]
) -> ExecutionResult:
    """Run both ways; the answers and the calls must be the same."""
    expected = await by_core(world, document, variables)
    expected_calls = await calls_of(world)
    request = Request(variables, "context", None, 7)
    found = await compiled.execute(document, document.operation, request)
    assert told(found) == told(expected)
    assert sent(found) == sent(expected)
    assert await calls_of(world) == expected_calls
    return found


async def calls_of(world: World) -> list[Any]:
    """What was called, once all that goes on in the background is over; it is forgotten then."""
    for _ in range(10):
        await asyncio.sleep(0)
    calls = list(world.calls)
    world.calls.clear()
    return calls


def documents(world: World, random: Random, count: int) -> Iterator[tuple[Author, Document]]:
    for number in range(count):
        author = Author(random, world.schema)
        tree = author.document()
        if tree is None:
            SEEN["invalid documents"] += 1
        else:
            yield author, Document(tree, number.to_bytes(2, "big"))


async def play(seed: int, flaws: float) -> None:
    """Some documents with some variables in one world, each with its own outcomes."""
    random = Random(seed)  # noqa: S311 - no secrets here
    world = make_world(random, flaws=flaws)
    compiled = CompiledOperations(world.schema, 1 << 20)
    for author, document in documents(world, random, 6):
        for _ in range(3):
            world.decide(flaws)
            variables = variables_for(random, world.schema, author, flaws)
            before = compiled.interpreted
            result = await compare(world, compiled, document, variables)
            by = "by core" if compiled.interpreted > before else "compiled"
            SEEN[f"{'with' if result.errors else 'without'} errors, {by}"] += 1
            SEEN[f"{document.operation.operation.value}s"] += 1


@WORLDS
@given(SEEDS)
def test_what_fits_is_answered_alike(seed: int) -> None:
    asyncio.run(play(seed, flaws=0.0))


@WORLDS
@given(SEEDS)
def test_null_errors_and_odd_values_anywhere_are_answered_alike(seed: int) -> None:
    asyncio.run(play(seed, flaws=(0.004, 0.03, 0.2)[seed % 3]))


def test_the_worlds_above_were_worth_it() -> None:
    """Thousands of operations, most of them compiled, and both with and without errors."""
    if not SEEN:
        pytest.skip("runs after the tests above, in the same process")
    assert SEEN["querys"] > examples(2500)
    assert SEEN["mutations"] > examples(2500)
    assert SEEN["without errors, compiled"] > examples(3000)
    assert SEEN["with errors, by core"] > examples(300)
    assert SEEN["with errors, compiled"] > examples(150)
