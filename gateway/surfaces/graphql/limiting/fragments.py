"""The order in which fragments are summed up, so that each is looked at once."""

from collections.abc import Collection, Iterator, Mapping


def innermost_first(spreads: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Names of fragments, each after those that it spreads (depth-first, without recursion).

    ``spreads`` are the names that each spreads itself. Unknown ones are left out; of those in a
    circle, which validation refuses, one comes before another that it spreads.
    """
    seen: set[str] = set()
    for start in spreads:
        todo = [(start, False)]
        while todo:
            name, is_done = todo.pop()
            if is_done:
                yield name
            elif name not in seen:
                seen.add(name)
                todo.append((name, True))
                todo.extend((inner, False) for inner in spreads[name] if inner in spreads)
