"""The order of a plan: a topological sort that names the cycle where there is one."""

from collections.abc import Mapping, Set


def topological(depends_on: Mapping[str, Set[str]]) -> tuple[list[str], list[str]]:
    """The keys in an order in which each follows what it depends on, and the keys on cycles.

    The order is the same for the same graph, whatever the order of the mapping: among the keys
    that are ready, the smallest comes first (Kahn's algorithm). Unknown dependencies are ignored.
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
    return order, _on_cycles(waiting)


def _on_cycles(waiting: dict[str, set[str]]) -> list[str]:
    """Of the keys that could not be ordered, those on a cycle (not merely behind one)."""
    while True:
        needed = {name for names in waiting.values() for name in names}
        behind = [key for key in waiting if key not in needed]
        if not behind:
            return sorted(waiting)
        for key in behind:
            del waiting[key]
