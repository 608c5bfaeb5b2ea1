"""Drafts: what a contract file says, read and held to the form of its kind, not yet linked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.contracts.findings import Findings
from gateway.contracts.format import KINDS
from gateway.contracts.shapes import Choice
from gateway.contracts.yaml_source import Node, read_yaml


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that was read.

    ``read`` holds the top-level fields that could be read, ``broken`` names those with issues or
    missing: checks that need them stay silent, so that one slip is told once.
    """

    source: str
    kind: str
    node: Node
    read: dict[str, Any]
    broken: frozenset[str]

    def sound(self, *names: str) -> bool:
        """True if none of these top-level fields has an issue of its own."""
        return self.broken.isdisjoint(names)

    @property
    def ref(self) -> str:
        """``key@version``, empty where either cannot be read."""
        key, version = self.read.get("key"), self.read.get("version")
        return f"{key}@{version}" if key and version else ""

    @property
    def domain(self) -> str:
        """The domain, empty where it cannot be read."""
        return str(self.read.get("domain", ""))


def read_draft(path: Path, source: str, findings: Findings) -> Draft | None:
    """The draft of a file, None where it is no contract at all; ``source`` names it in issues."""
    node = read_yaml(path, source, findings)
    return None if node is None else draft_of(node, source, findings)


def draft_of(node: Node, source: str, findings: Findings) -> Draft | None:
    """The draft of a document."""
    if not isinstance(node.value, dict):
        message = f"a contract file is a mapping, this is {node.kind}; begin with 'kind:'"
        findings.add(node.at, "CONTRACT_VALUE_INVALID", message)
        return None
    if "kind" not in node.value:
        message = f"'kind' is missing; add one of {', '.join(KINDS)}"
        findings.add(node.at, "CONTRACT_FIELD_MISSING", message)
        return None
    kind = Choice(list(KINDS)).read(node.value["kind"], findings)
    if kind is None:
        return None
    read, broken = KINDS[kind].parts(node, findings)
    return Draft(source, kind, node, read or {}, broken)
