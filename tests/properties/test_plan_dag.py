"""Compiling random graphs: the order keeps every edge, and cycles are named exactly."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime.compiler import Compiler
from tests.unit.runtime.loop_world import FILES, write_contracts

Graph = dict[str, set[str]]
QUICK = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    folder: Path = tmp_path_factory.mktemp("dag")
    registry: Registry = write_contracts(folder / "schema", FILES)
    return Compiler(registry, KeyringSealer(Keyring.open(folder / "data")), lambda: "plan_1")


@st.composite
def dags(draw: st.DrawFn, smallest: int = 1) -> Graph:
    """A graph in which each key depends on some that were drawn before it."""
    names = st.text("abcxyz", min_size=1, max_size=3)
    keys = draw(st.lists(names, min_size=smallest, max_size=12, unique=True))
    return {
        key: draw(st.sets(st.sampled_from(keys[:index]), max_size=4)) if index else set()
        for index, key in enumerate(keys)
    }


def drafted(graph: Graph, keys: list[str], flowing: set[tuple[str, str]]) -> list[dict[str, Any]]:
    """Steps whose edges are dependencies, or references where they are ``flowing``."""
    steps = []
    for key in keys:
        sources = sorted(graph[key])
        nested = {name: {"$from": f"{name}.id"} for name in sources if (name, key) in flowing}
        named = [name for name in sources if (name, key) not in flowing]
        value = {"id": key, **({"extra": nested} if nested else {})}
        contract = {"contract": "shop.keyed", "input": value}
        steps.append({"key": key, **contract, "dependsOn": named})
    return steps


def compiled_order(compiler: Compiler, steps: list[dict[str, Any]]) -> list[str]:
    return [step.key for step in compiler.compile("acme", {"steps": steps}).steps]


@QUICK
@given(st.data())
def test_the_order_keeps_every_edge_however_it_is_written(
    compiler: Compiler, data: st.DataObject
) -> None:
    graph = data.draw(dags())
    edges = [(source, key) for key, sources in graph.items() for source in sorted(sources)]
    flowing = set(data.draw(st.lists(st.sampled_from(edges), unique=True))) if edges else set()
    keys = data.draw(st.permutations(sorted(graph)))
    plan = compiler.compile("acme", {"steps": drafted(graph, keys, flowing)})
    order = [step.key for step in plan.steps]
    assert sorted(order) == sorted(graph)
    for source, key in edges:
        assert order.index(source) < order.index(key)
    assert {(edge.source, edge.target) for edge in plan.edges} == set(edges)
    assert {step.key: set(step.depends_on) for step in plan.steps} == graph
    again = data.draw(st.permutations(sorted(graph)))
    assert compiled_order(compiler, drafted(graph, again, flowing)) == order


def between(graph: Graph, first: str, last: str) -> set[str]:
    """The keys on any way from ``last`` back to ``first``, both included."""

    def needs(key: str) -> set[str]:
        found, waiting = {key}, [key]
        while waiting:
            for name in graph[waiting.pop()] - found:
                found.add(name)
                waiting.append(name)
        return found

    return {key for key in needs(last) if first in needs(key)}


@QUICK
@given(st.data())
def test_one_edge_back_is_reported_at_exactly_the_members_of_its_cycle(
    compiler: Compiler, data: st.DataObject
) -> None:
    graph = data.draw(dags(2).filter(lambda graph: any(graph.values())))
    last = data.draw(st.sampled_from([key for key, names in graph.items() if names]))
    reachable = sorted(key for key in graph if between(graph, key, last))
    first = data.draw(st.sampled_from(reachable))
    members = between(graph, first, last)
    graph[first] |= {last}
    keys = sorted(graph)
    with pytest.raises(ProblemError) as refused:
        compiler.compile("acme", {"steps": drafted(graph, keys, set())})
    issues = refused.value.problem.issues
    assert {issue.code for issue in issues} == {"CYCLE"}
    assert [issue.path for issue in issues] == [
        f"/input/draft/steps/{index}" for index, key in enumerate(keys) if key in members
    ]
    named = f": {', '.join(sorted(members))}. "
    assert all(named in issue.message for issue in issues)
