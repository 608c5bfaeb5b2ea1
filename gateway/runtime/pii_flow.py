"""Where PII would flow over a plan: into which input, and whether that takes its classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gateway.contracts import classes_taken, pii_of
from gateway.model.contract import OperationContract
from gateway.model.pii import ANY_CLASS, PiiClasses

COPIED = "copied"
"""The member of a recorded decision that says that a copy of PII blocks, and not the policy."""


@dataclass(frozen=True, slots=True)
class Leak:
    """PII at ``path`` of a source that would flow to ``goes_to`` of an input, which takes fewer
    classes than it is of (``classes``). Paths are dotted, without the side."""

    path: str
    classes: PiiClasses
    goes_to: str
    takes: PiiClasses

    def told(
        self, source: str, source_of: OperationContract, target: str, target_of: OperationContract
    ) -> str:
        """The flow in words, from the step (or side) ``source`` to the step ``target``."""
        missing = in_words(self.classes - self.takes)
        takes = in_words(self.takes) or "no PII"
        return (
            f"PII would leak: {source}.{self.path} ({in_words(self.classes)}, of {source_of.key}) "
            f"-> {target}.{self.goes_to} (takes {takes}, of {target_of.key}). Declare {missing} "
            f"for {self.goes_to} in policy.pii of {target_of.key}, or let another field flow there."
        )


def in_words(classes: PiiClasses) -> str:
    """The names of classes, in the order of the alphabet."""
    return ", ".join(sorted(classes))


def leaks(
    source_of: OperationContract,
    field: tuple[str, ...],
    target_of: OperationContract,
    at: tuple[str | int, ...],
    side: Literal["input", "output"] = "output",
) -> Iterator[Leak]:
    """Every PII of the source that would flow into an input that does not declare its classes.

    ``field`` is what is taken of the source's ``side``: a field, a part of one or a whole object.
    ``at`` is where it goes. Lists on the way make no difference.
    """
    taken = ".".join(field)
    goes = ".".join(part for part in at if isinstance(part, str))
    for path in pii_of(source_of, side):
        below = _below(path, taken)
        if below is None:
            continue
        goes_to = f"{goes}.{below}" if below else goes
        classes = source_of.policy.pii_classes.get(path, ANY_CLASS)
        takes = classes_taken(target_of, goes_to)
        if not classes <= takes:
            yield Leak(path, classes, goes_to, takes)


def _below(path: str, ancestor: str) -> str | None:
    """What is left of ``path`` below ``ancestor``, or "" where ``ancestor`` lies at or inside
    ``path``; None where the two do not meet."""
    if not ancestor:
        return path
    if path == ancestor or ancestor.startswith(f"{path}."):
        return ""
    return path[len(ancestor) + 1 :] if path.startswith(f"{ancestor}.") else None
