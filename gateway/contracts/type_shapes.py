"""Shapes of the type notation and of the few values with a notation of their own."""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.contracts.findings import Findings
from gateway.contracts.names import ENUM_VALUE, ERROR_CODE, FIELD_NAME
from gateway.contracts.shapes import Many, Record, Table, Text, refuse_value
from gateway.contracts.yaml_source import Node
from gateway.model.json import JsonObject, JsonValue
from gateway.model.types import TypeRef, parse_type

TypeBody: TypeAlias = tuple[str, ...] | dict[str, TypeRef]
"""What a file says of a named type: an enum's values or a nested model's fields."""

MAX_TIMEOUT = 300.0
"""The longest that a handler may take, in seconds."""

_LONGEST_TYPE = 200

_TIMEOUT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s)")


@dataclass(frozen=True, slots=True)
class TypeText:
    """A type in GraphQL's notation."""

    def read(self, node: Node, findings: Findings) -> TypeRef | None:
        """The reference to the type."""
        if not isinstance(node.value, str):
            hint = " (in quotes, since a bare [ begins a list)" if node.kind == "a list" else ""
            refuse_value(node, findings, f"a type such as ID! or '[String!]'{hint}")
            return None
        if len(node.value) > _LONGEST_TYPE:
            message = f"this type is longer than {_LONGEST_TYPE} characters; shorten it"
            findings.add(node.at, "CONTRACT_VALUE_INVALID", message)
            return None
        try:
            return parse_type(node.value)
        except ValueError as error:
            findings.add(node.at, "CONTRACT_VALUE_INVALID", f"{error}; write such a type")
            return None

    def schema(self) -> JsonObject:
        """A string that looks like a type."""
        return {"type": "string", "pattern": rf"^(\[ ?){{0,4}}{FIELD_NAME} ?!?( ?\] ?!?){{0,4}}$"}


FIELDS = Table(
    Text("a field name: letters, digits and _, first a letter", FIELD_NAME, 80), TypeText()
)
"""The fields of an input, an output, a payload or a nested model."""

VALUES = Many(
    Text(
        "a value that GraphQL allows: letters, digits and _, not true, false or null",
        ENUM_VALUE,
        80,
    ),
    least=1,
)


@dataclass(frozen=True, slots=True)
class NamedTypeShape:
    """A named type: a list is an enum, a mapping is a nested model."""

    def read(self, node: Node, findings: Findings) -> TypeBody | None:
        """The values of the enum or the fields of the model."""
        if isinstance(node.value, list):
            return VALUES.read(node, findings)
        if isinstance(node.value, dict):
            return Table(FIELDS.key, FIELDS.value, least=1).read(node, findings)
        refuse_value(node, findings, "a list of values (an enum) or a mapping of fields (a model)")
        return None

    def schema(self) -> JsonObject:
        """An array of values or an object of fields."""
        return {"oneOf": [VALUES.schema(), {**FIELDS.schema(), "minProperties": 1}]}


@dataclass(frozen=True, slots=True)
class Duration:
    """A time-out: ``5s``, ``500ms`` or a number of seconds, above 0 and at most 300 s."""

    def read(self, node: Node, findings: Findings) -> float | None:
        """The duration in seconds."""
        seconds = self._seconds(node.value)
        if seconds is not None and 0 < seconds <= MAX_TIMEOUT:
            return seconds
        expected = f"a duration such as 5s or 500ms, above 0 and at most {MAX_TIMEOUT:.0f}s"
        findings.add(
            node.at, "CONTRACT_VALUE_INVALID", f"this is not a usable time-out; write {expected}"
        )
        return None

    def _seconds(self, value: Any) -> float | None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        match = _TIMEOUT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return None
        return float(match[1]) / (1000 if match[2] == "ms" else 1)

    def schema(self) -> JsonObject:
        """A duration text or a number."""
        return {
            "anyOf": [
                {"type": "string", "pattern": f"^{_TIMEOUT.pattern}$"},
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT},
            ]
        }


@dataclass(frozen=True, slots=True)
class StatusCodes:
    """A mapping of HTTP error statuses to error codes."""

    def read(self, node: Node, findings: Findings) -> dict[int, str] | None:
        """The error code of each status."""
        key = Text("an HTTP status from 400 to 599", "[45][0-9][0-9]")
        read = Table(key, Text("an error code such as ORDER_NOT_FOUND", ERROR_CODE)).read(
            node, findings
        )
        return None if read is None else {int(status): code for status, code in read.items()}

    def schema(self) -> JsonObject:
        """An object with statuses as its keys."""
        return {
            "type": "object",
            "propertyNames": {"pattern": "^[45][0-9][0-9]$"},
            "additionalProperties": {"type": "string", "pattern": f"^{ERROR_CODE}$"},
        }


@dataclass(frozen=True, slots=True)
class Json:
    """Any JSON value."""

    def read(self, node: Node, findings: Findings) -> JsonValue:
        """The value as it is."""
        return node.plain()

    def schema(self) -> JsonObject:
        """Anything."""
        return {}


@dataclass(frozen=True, slots=True)
class OneOf:
    """A record of which exactly one field is there."""

    record: Record

    def read(self, node: Node, findings: Findings) -> tuple[str, Any] | None:
        """The name of the field that is there, and its value."""
        before = len(findings)
        read = self.record.read(node, findings)
        if read is None or len(findings) > before:
            return None
        if len(read) != 1:
            one = " or ".join(self.record.fields)
            findings.add(node.at, "CONTRACT_HANDLER_INVALID", f"write exactly one of {one} here")
            return None
        return next(iter(read.items()))

    def schema(self) -> JsonObject:
        """An object with exactly one of the fields."""
        return {**self.record.schema(), "minProperties": 1, "maxProperties": 1}
