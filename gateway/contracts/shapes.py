"""Shapes: what a value in a contract file may be.

Each shape reads a YAML node into a plain value, noting every issue, and writes the JSON Schema that
tells an editor the same. The file format (``format.py``) is put together from them, so that loader
and editor cannot disagree.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.contracts.findings import Findings, nearest, suggestion
from gateway.contracts.yaml_source import Node
from gateway.model.json import JsonObject


class Shape(Protocol):
    """Something a value may be. ``read`` answers None when it noted an issue."""

    def read(self, node: Node, findings: Findings) -> Any:
        """The value of ``node``."""
        ...

    def schema(self) -> JsonObject:
        """The JSON Schema of such a value."""
        ...


def refuse_value(node: Node, findings: Findings, expected: str) -> None:
    """Note that ``node`` is not what is expected here."""
    findings.add(
        node.at,
        "CONTRACT_VALUE_INVALID",
        f"this is {node.kind}, not allowed here; write {expected}",
    )


@dataclass(frozen=True, slots=True)
class Text:
    """Text; ``expected`` says in words what ``pattern`` asks for."""

    expected: str = "a text that is not blank"
    pattern: str = ""
    max_length: int = 4000

    def read(self, node: Node, findings: Findings) -> str | None:
        """The text."""
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            refuse_value(node, findings, f"{self.expected}, in quotes")
            return None
        if not isinstance(node.value, str):
            refuse_value(node, findings, self.expected)
            return None
        text = node.value
        fits = re.fullmatch(self.pattern, text) if self.pattern else text.strip()
        if not fits or len(text) > self.max_length:
            message = f"this text does not fit here; write {self.expected}"
            if len(text) > self.max_length:
                message = f"this text is longer than {self.max_length} characters; shorten it"
            findings.add(node.at, "CONTRACT_VALUE_INVALID", message)
            return None
        return text

    def schema(self) -> JsonObject:
        """A string with the pattern."""
        pattern = f"^(?:{self.pattern})$" if self.pattern else r"\S"
        return {"type": "string", "pattern": pattern, "maxLength": self.max_length}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed set of words, or nothing (``null``) where that has a meaning."""

    values: Sequence[str]
    nullable: bool = False

    def read(self, node: Node, findings: Findings) -> str | None:
        """The word."""
        if node.value is None and self.nullable:
            return None
        if isinstance(node.value, str) and node.value in self.values:
            return node.value
        allowed = ", ".join([*self.values, *(["null"] if self.nullable else [])])
        if isinstance(node.value, str):
            hint = suggestion(node.value, self.values) or "; write one of them"
            message = f"{node.value[:60]!r} is not one of {allowed}{hint}"
            findings.add(node.at, "CONTRACT_VALUE_INVALID", message)
        else:
            refuse_value(node, findings, f"one of {allowed}")
        return None

    def schema(self) -> JsonObject:
        """An enumeration."""
        return {"enum": [*self.values, *([None] if self.nullable else [])]}


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""

    def read(self, node: Node, findings: Findings) -> bool | None:
        """The flag."""
        if isinstance(node.value, bool):
            return node.value
        refuse_value(node, findings, "true or false")
        return None

    def schema(self) -> JsonObject:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int

    def read(self, node: Node, findings: Findings) -> int | None:
        """The number."""
        number = node.value
        if isinstance(number, int) and not isinstance(number, bool):
            if self.least <= number <= self.most:
                return number
            message = f"{number} is out of range; write {self._expected}"
            findings.add(node.at, "CONTRACT_VALUE_INVALID", message)
            return None
        refuse_value(node, findings, self._expected)
        return None

    @property
    def _expected(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def schema(self) -> JsonObject:
        """An integer with its bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Many:
    """A list of different values of one shape."""

    item: Shape
    least: int = 0
    most: int = 1000

    def read(self, node: Node, findings: Findings) -> tuple[Any, ...] | None:
        """The values, those with issues left out."""
        if not isinstance(node.value, list):
            refuse_value(node, findings, "a list, such as [a, b]")
            return None
        if not self.least <= len(node.value) <= self.most:
            message = (
                f"this list needs {self.least} to {self.most} entries; it has {len(node.value)}"
            )
            findings.add(node.at, "CONTRACT_VALUE_INVALID", message)
        read: dict[Any, None] = {}
        for item in node.value[: self.most]:
            value = self.item.read(item, findings)
            if value is not None and value in read:
                message = f"{value!r} is here twice; keep it once"
                findings.add(item.at, "CONTRACT_DUPLICATE", message)
            elif value is not None:
                read[value] = None
        return tuple(read)

    def schema(self) -> JsonObject:
        """An array of unique items."""
        return {
            "type": "array",
            "items": self.item.schema(),
            "uniqueItems": True,
            "minItems": self.least,
            "maxItems": self.most,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys are chosen by the author."""

    key: Text
    value: Shape
    least: int = 0

    def read(self, node: Node, findings: Findings) -> dict[str, Any] | None:
        """The members, those with issues left out."""
        if not isinstance(node.value, dict):
            refuse_value(node, findings, "a mapping of names to values ({} where there are none)")
            return None
        if len(node.value) < self.least:
            findings.add(
                node.at, "CONTRACT_VALUE_INVALID", "this mapping is empty; name at least one"
            )
        read: dict[str, Any] = {}
        for key, member in node.value.items():
            name = self.key.read(Node(node.keys[key], key), findings)
            value = self.value.read(member, findings)
            if name is not None and value is not None:
                read[name] = value
        return read

    def schema(self) -> JsonObject:
        """An object with a pattern for its keys."""
        return {
            "type": "object",
            "propertyNames": self.key.schema(),
            "additionalProperties": self.value.schema(),
            "minProperties": self.least,
        }


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record, with a sentence that an editor shows."""

    shape: Shape
    about: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping whose keys the format fixes.

    ``unsupported`` holds keys that ContractSpec knows and this gateway does not honour yet, with
    what to do instead: they are refused, never ignored.
    """

    fields: Mapping[str, Field]
    unsupported: Mapping[str, str] = field(default_factory=dict)

    def read(self, node: Node, findings: Findings) -> dict[str, Any] | None:
        """The fields that are there, those with issues left out."""
        return self.parts(node, findings)[0]

    def parts(self, node: Node, findings: Findings) -> tuple[dict[str, Any] | None, frozenset[str]]:
        """The fields that are there, and the names of those that are missing or have issues."""
        if not isinstance(node.value, dict):
            refuse_value(node, findings, f"a mapping with {', '.join(self.fields)}")
            return None, frozenset(self.fields)
        read: dict[str, Any] = {}
        broken = set()
        for key, member in node.value.items():
            before = len(findings)
            if key in self.fields:
                read[key] = self.fields[key].shape.read(member, findings)
            else:
                self._refuse_key(key, node.keys[key], findings)
            if len(findings) > before:
                broken.add(key)
        for key, wanted in self.fields.items():
            if wanted.required and key not in node.value:
                findings.add(node.at, "CONTRACT_FIELD_MISSING", f"{key!r} is missing; add it here")
                broken.add(key)
        return {key: value for key, value in read.items() if value is not None}, frozenset(broken)

    def _refuse_key(self, key: str, at: str, findings: Findings) -> None:
        if key in self.unsupported:
            message = f"{key!r} is not honoured here yet; {self.unsupported[key]}"
            findings.add(at, "CONTRACT_FIELD_UNSUPPORTED", message)
        else:
            message = f"{key[:60]!r} is not a field here{nearest(key, list(self.fields))}"
            findings.add(at, "CONTRACT_FIELD_UNKNOWN", f"{message}; mend or remove it")

    def schema(self) -> JsonObject:
        """An object that allows these fields alone."""
        return {
            "type": "object",
            "properties": {
                key: {**wanted.shape.schema(), "description": wanted.about}
                for key, wanted in self.fields.items()
            },
            "required": [key for key, wanted in self.fields.items() if wanted.required],
            "additionalProperties": False,
        }
