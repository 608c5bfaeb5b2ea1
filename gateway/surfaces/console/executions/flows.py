"""What flows between the steps of a plan, and where personal data goes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Flow:
    """All that goes from one step to another: the fields, and which of them are personal data.
    Without fields only the order is asked for."""

    source: str
    target: str
    fields: tuple[str, ...] = ()
    pii: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The flow in words."""
        told = [f"{one} (personal data)" if one in self.pii else one for one in self.fields]
        return f"{self.source} to {self.target}: {', '.join(told) or 'order only'}"


Personal = Collection[tuple[str, str]]
"""References to fields with personal data (``order.customerEmail``), each with the step that takes
it."""


def flows_of(edges: Sequence[JsonObject], personal: Personal) -> list[Flow]:
    """The flows of a plan, one for each pair of steps, in the order of its edges."""
    fields: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        found = fields.setdefault((edge["source"], edge["target"]), [])
        if edge.get("path"):
            found.append(edge["path"])
    return [
        Flow(
            *(source, target, tuple(names)),
            pii=tuple(name for name in names if (f"{source}.{name}", target) in personal),
        )
        for (source, target), names in fields.items()
    ]


def personal_by_trace(compiled: JsonObject) -> Personal:
    """What personal data flows, by what the trace tells of the plan's compilation: as its contracts
    were then."""
    return {
        (source, step["key"])
        for step in compiled.get("steps") or ()
        for path, source in _references("", step.get("input"))
        if is_within(path, step.get("pii") or ())
    }


def personal_by_contracts(
    edges: Sequence[JsonObject], outputs: Mapping[str, Collection[str]]
) -> Personal:
    """What personal data flows, by the contracts; ``outputs`` are the paths of it in the output of
    each step."""
    return {
        (f"{edge['source']}.{edge['path']}", edge["target"])
        for edge in edges
        if edge.get("path") and is_within(edge["path"], outputs.get(edge["source"], ()))
    }


def _references(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        source = value.get("$from")
        if len(value) == 1 and isinstance(source, str):
            yield path, source
            return
        for name, member in value.items():
            yield from _references(f"{path}.{name}" if path else name, member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(path, member)


def is_within(path: str, pii: Collection[str]) -> bool:
    """Whether a path, or what it stands in, is one of these."""
    parts = path.split(".")
    return any(".".join(parts[:many]) in pii for many in range(1, len(parts) + 1))
