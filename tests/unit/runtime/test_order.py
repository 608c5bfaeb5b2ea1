"""The order of a plan and its cycles."""

import itertools

import pytest

from gateway.runtime.order import topological


def graph(**depends_on: str) -> dict[str, set[str]]:
    return {key: set(names) for key, names in depends_on.items()}


def test_the_order_does_not_hang_on_the_order_of_the_mapping() -> None:
    given = graph(d="bc", c="a", b="a", a="", e="")
    orders = {
        tuple(topological({key: given[key] for key in keys})[0])
        for keys in itertools.permutations(given)
    }
    assert orders == {("a", "e", "b", "c", "d")}


@pytest.mark.parametrize(
    ("given", "order", "cycles"),
    [
        ({}, [], []),
        (graph(a=""), ["a"], []),
        (graph(a="z"), ["a"], []),  # an unknown dependency is told elsewhere
        (graph(a="a"), [], [["a"]]),
        (graph(a="b", b="a"), [], [["a", "b"]]),
        (graph(a="b", b="a", c="b", d="c", e=""), ["e"], [["a", "b"]]),
        (graph(a="b", b="a", c="d", d="c"), [], [["a", "b"], ["c", "d"]]),
        (graph(a="b", b="a", m="a", c="dm", d="c"), [], [["a", "b"], ["c", "d"]]),
        (graph(a="bc", b="a", c="a"), [], [["a", "b", "c"]]),
    ],
)
def test_cycles_are_named_by_their_members_alone(
    given: dict[str, set[str]], order: list[str], cycles: list[list[str]]
) -> None:
    assert topological(given) == (order, cycles)


def test_a_long_chain_and_a_long_cycle_are_ordered_without_recursion() -> None:
    keys = [f"k{number:05}" for number in range(3000)]
    chain = {key: {before} for before, key in itertools.pairwise(keys)} | {keys[0]: set[str]()}
    assert topological(chain) == (keys, [])
    assert topological({**chain, keys[0]: {keys[-1]}}) == ([], [keys])
