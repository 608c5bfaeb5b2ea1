"""The order of a plan: a topological sort that names the cycles where there are some."""

from collections.abc import Iterator, Mapping, Set


def topological(depends_on: Mapping[str, Set[str]]) -> tuple[list[str], list[list[str]]]:
    """The keys in an order in which each follows what it depends on, and the cycles.

    The order is the same for the same graph, whatever the order of the mapping: among the keys
    that are ready, the smallest comes first (Kahn's algorithm). A cycle is given by its sorted
    members, without what is merely behind it or between two. Unknown dependencies are ignored.
    """
    waiting = {
        key: {name for name in names if name in depends_on} for key, names in depends_on.items()
    }
    order: list[str] = []
    ready = sorted(key for key, names in waiting.items() if not names)
    while ready:
        order.extend(ready)
        done = set(ready)
        for key in ready:
            del waiting[key]
        for names in waiting.values():
            names -= done
        ready = sorted(key for key, names in waiting.items() if not names)
    return order, _cycles(waiting)


def _cycles(waiting: Mapping[str, Set[str]]) -> list[list[str]]:
    """The strongly connected components that are cycles (Kosaraju's algorithm)."""
    backwards: dict[str, set[str]] = {key: set() for key in waiting}
    for key, names in waiting.items():
        for name in names:
            backwards[name].add(key)
    last_first = list(_finished(waiting, sorted(waiting), set()))[::-1]
    cycles, seen = [], set[str]()
    for key in last_first:
        members = sorted(_finished(backwards, [key], seen))
        if len(members) > 1 or (key in waiting[key] and members):
            cycles.append(members)
    return sorted(cycles)


def _finished(graph: Mapping[str, Set[str]], starts: list[str], seen: set[str]) -> Iterator[str]:
    """What is reached from ``starts`` and was not ``seen``, each key after what it leads to."""
    for start in starts:
        path = [] if start in seen else [(start, iter(sorted(graph[start])))]
        seen.add(start)
        while path:
            key, following = path[-1]
            name = next((found for found in following if found not in seen), None)
            if name is None:
                path.pop()
                yield key
            else:
                seen.add(name)
                path.append((name, iter(sorted(graph[name]))))
