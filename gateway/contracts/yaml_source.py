"""Reading YAML as data with positions, and nothing else of YAML.

Contract files use the plain core of YAML: mappings, lists and scalars. Anchors, aliases, tags,
merge keys and several documents are refused, because each lets a file say something other than
what a reviewer reads. Scalars follow the core schema of YAML 1.2 (section 10.3.2), decimal numbers
alone: ``no``, ``on`` and dates are strings, only ``true`` and ``false`` are booleans.
"""

import math
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from gateway.contracts.findings import Findings
from gateway.model.json import MAX_SAFE_INTEGER, JsonValue

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64

Scalar: TypeAlias = str | int | float | bool | None
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML value and where it stands: ``at`` is ``file:line:column``, counted from 1.

    ``keys`` says where each key of a mapping stands.
    """

    at: str
    value: "Scalar | list[Node] | dict[str, Node]"
    keys: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> JsonValue:
        """The value as JSON."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def place(self, *path: str | int) -> str:
        """Where the value under ``path`` stands, or its nearest parent that exists."""
        node = self
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                node = node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            else:
                break
        return node.at

    def key_place(self, *path: str) -> str:
        """Where the key of the last member of ``path`` stands, or its nearest parent."""
        node: Node = self
        for part in path[:-1]:
            if not isinstance(node.value, dict) or part not in node.value:
                return node.at
            node = node.value[part]
        return node.keys.get(path[-1], node.at)

    @property
    def kind(self) -> str:
        """What this value is, in words."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        words = {str: "text", bool: "a boolean", int: "a number", float: "a number"}
        return words.get(type(self.value), "nothing")


class _RefusedError(Exception):
    def __init__(self, at: str, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


def read_yaml(path: Path, name: str, findings: Findings) -> Node | None:
    """The one document in ``path``, or None when it was refused; ``name`` is used in issues."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
            message = "this is no regular file; write the contract into one"
            findings.add(f"{name}:1:1", "CONTRACT_UNREADABLE", message)
            return None
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"the file cannot be read ({error.strerror}); check its permissions"
        findings.add(f"{name}:1:1", "CONTRACT_UNREADABLE", message)
        return None
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB; split it into smaller files"
        findings.add(f"{name}:1:1", "CONTRACT_UNREADABLE", message)
        return None
    return parse_yaml(content, name, findings)


def parse_yaml(content: bytes, name: str, findings: Findings) -> Node | None:
    """The one document in ``content``, or None when it was refused; ``name`` is used in issues."""
    before = len(findings)
    try:
        text = content.decode("utf-8-sig")
        node = _Composer(text, name, findings).document()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "the file is not UTF-8 from here on; save it as UTF-8"
        findings.add(f"{name}:{line}:1", "CONTRACT_UNREADABLE", message)
        return None
    except _RefusedError as refused:
        findings.add(refused.at, "CONTRACT_SYNTAX", refused.message)
        return None
    except yaml.YAMLError as error:
        findings.add(*_syntax(error, content, name))
        return None
    return node if len(findings) == before else None


def _syntax(error: yaml.YAMLError, content: bytes, name: str) -> tuple[str, str, str]:
    """Place, code and message of what PyYAML could not read."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
    if mark is not None:
        at = f"{name}:{mark.line + 1}:{mark.column + 1}"
    else:
        position = getattr(error, "position", None) or 0
        at = f"{name}:{content.count(bytes((10,)), 0, position) + 1}:1"
    return at, "CONTRACT_SYNTAX", f"this is not readable as YAML: {said}; mend the line named here"


class _Composer:
    """Builds nodes from the parser's events."""

    def __init__(self, text: str, name: str, findings: Findings) -> None:
        self._name = name
        self._findings = findings
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))

    def document(self) -> Node:
        """The one document of the stream.

        Raises:
            _RefusedError: the stream holds no document, several, or something that is not allowed.
        """
        next(self._events)  # the stream's start
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            raise _RefusedError(
                f"{self._name}:1:1", "the file is empty; write a contract or remove it"
            )
        node = self._node(next(self._events), 1)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            message = "a second document begins here; write one contract in each file"
            raise _RefusedError(self._at(after), message)
        return node

    def _at(self, event: Any) -> str:
        return f"{self._name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"

    def _node(self, event: Any, depth: int) -> Node:
        at = self._at(event)
        if depth > MAX_DEPTH:
            raise _RefusedError(at, f"values are nested more than {MAX_DEPTH} deep; flatten them")
        self._only_plain_yaml(event, at)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(at, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(at, [self._node(item, depth + 1) for item in self._until_end()])
        if isinstance(event, yaml.ScalarEvent):
            return Node(at, self._scalar(event, at))
        return Node(at, None)  # an alias, already reported

    def _only_plain_yaml(self, event: Any, at: str) -> None:
        if isinstance(event, yaml.AliasEvent):
            message = f"the alias *{event.anchor} is not allowed; write the value itself"
            self._findings.add(at, "CONTRACT_SYNTAX", message)
        elif event.anchor is not None:
            message = f"the anchor &{event.anchor} is not allowed; remove it"
            self._findings.add(at, "CONTRACT_SYNTAX", message)
        elif event.tag is not None:
            message = f"the tag {event.tag} is not allowed; write the plain value"
            self._findings.add(at, "CONTRACT_SYNTAX", message)

    def _until_end(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                return
            yield event

    def _mapping(self, at: str, depth: int) -> Node:
        members: dict[str, Node] = {}
        keys: dict[str, str] = {}
        for event in self._until_end():
            key_at = self._at(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _RefusedError(key_at, "a key must be plain text; write a name here")
            self._only_plain_yaml(event, key_at)
            key = self._text(event.value, key_at)
            node = self._node(next(self._events), depth + 1)
            if key in members:
                message = f"the key {key!r} is here twice (first at {keys[key]}); keep one of them"
                self._findings.add(key_at, "CONTRACT_SYNTAX", message)
                continue
            members[key], keys[key] = node, key_at
        return Node(at, members, keys)

    def _scalar(self, event: Any, at: str) -> Scalar:
        text: str = event.value
        if not event.implicit[0]:  # quoted or a block: always text
            return self._text(text, at)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _NOT_A_NUMBER.fullmatch(text):
            raise _RefusedError(
                at, f"{text} is not a number that JSON can hold; write a finite number"
            )
        if _INTEGER.fullmatch(text) and len(text) > 17:
            raise _RefusedError(at, "this number is too large to be kept exactly; put it in quotes")
        if _INTEGER.fullmatch(text):
            return self._whole(int(text), at)
        if _FLOAT.fullmatch(text):
            return self._finite(float(text), at)
        return self._text(text, at)

    def _text(self, text: str, at: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _RefusedError(at, "this text is not valid Unicode (a lone surrogate)") from None
        return text

    def _whole(self, number: int, at: str) -> int:
        if abs(number) > MAX_SAFE_INTEGER:
            raise _RefusedError(at, "this number is too large to be kept exactly; put it in quotes")
        return number

    def _finite(self, number: float, at: str) -> float:
        if not math.isfinite(number):
            raise _RefusedError(at, "this number is beyond a double; write a smaller one")
        return number
