"""How a contract file declares PII: a list of paths, or a mapping of each path to its classes."""

from dataclasses import dataclass

from gateway.contracts.findings import Findings
from gateway.contracts.shapes import Choice, Many, Table, Text, refuse_value
from gateway.contracts.yaml_source import Node
from gateway.model.json import JsonObject
from gateway.model.pii import PiiClass, PiiClasses

_CLASS = Choice([one.value for one in PiiClass])
_CLASSES = Many(_CLASS, least=1, most=len(PiiClass))


@dataclass(frozen=True, slots=True)
class ClassesShape:
    """One class of PII or a list of them."""

    def read(self, node: Node, findings: Findings) -> PiiClasses | None:
        """The classes; None where there is not one that could be read."""
        if isinstance(node.value, list):
            read = _CLASSES.read(node, findings) or ()
        else:
            one = _CLASS.read(node, findings)
            read = () if one is None else (one,)
        return frozenset(map(PiiClass, read)) or None

    def schema(self) -> JsonObject:
        """A class or an array of classes."""
        return {"oneOf": [_CLASS.schema(), _CLASSES.schema()]}


@dataclass(frozen=True, slots=True)
class PiiShape:
    """Paths that are PII, whose classes are written beside them or left to types and names."""

    path: Text

    def read(self, node: Node, findings: Findings) -> dict[str, PiiClasses | None] | None:
        """The classes of each path, None where the file leaves them open."""
        if isinstance(node.value, dict):
            return Table(self.path, ClassesShape()).read(node, findings)
        if isinstance(node.value, list):
            paths = Many(self.path).read(node, findings)
            return None if paths is None else dict.fromkeys(paths)
        refuse_value(node, findings, "a list of paths, or a mapping of paths to classes")
        return None

    def schema(self) -> JsonObject:
        """An array of paths or an object of classes."""
        return {
            "oneOf": [Many(self.path).schema(), Table(self.path, ClassesShape()).schema()],
        }
