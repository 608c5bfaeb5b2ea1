"""Reading small YAML files of people by hand, so that each mistake is told at its place.

Anchors and aliases are refused: a few lines of them can stand for more than a memory holds.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

import yaml

from gateway.model.json import JsonObject, JsonValue

Members = dict[str, tuple[yaml.Node, yaml.Node]]
"""The members of a mapping: by name the nodes of key and value."""

_MAX_DEPTH = 32
_MAX_NUMBER = 100  # characters; reading a number of base 60 takes the square of its length
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")}
_SURROGATE = re.compile("[\ud800-\udfff]")
_E = TypeVar("_E", bound=StrEnum)


class NodeError(ValueError):
    """Something that cannot be read; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, node: yaml.Node | None = None) -> None:
        super().__init__(message)
        mark = node.start_mark if node is not None else None
        self.line, self.column = (mark.line + 1, mark.column + 1) if mark else (1, 1)


class _Loader(yaml.SafeLoader):
    """Composes nodes without aliases, and not deeper than anybody writes them."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refused("aliases are not read here")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._refused(f"it is nested more than {_MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, yaml.ScalarNode) and _SURROGATE.search(node.value):
            problem = "an escape stands for half a character"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return node

    def _refused(self, problem: str) -> yaml.MarkedYAMLError:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
        return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def listed(text: str, what: str) -> list[yaml.Node]:
    """The items of a file that must be a list of ``what``.

    Raises:
        NodeError: it is none, or no YAML.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        refused = NodeError(f"the file is not YAML: {error.problem}")
        if error.problem_mark:
            refused.line = error.problem_mark.line + 1
            refused.column = error.problem_mark.column + 1
        raise refused from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise NodeError("the file is not YAML that can be read") from error
    if not isinstance(root, yaml.SequenceNode):
        raise NodeError(f"the file must be a list of {what}")
    return list(root.value)


def mapping(node: yaml.Node, kind: str, allowed: Collection[str] = ()) -> Members:
    """The members of a mapping; ``kind`` is what messages call it, ``allowed`` its names, if they
    are not free.

    Raises:
        NodeError: it is no mapping, or a member is unknown or stands there twice.
    """
    if not isinstance(node, yaml.MappingNode):
        raise NodeError(f"{kind!r} must be a mapping", node)
    members: Members = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise NodeError(f"a name in {kind!r} must be a text", key)
        if allowed and key.value not in allowed:
            raise NodeError(f"{kind!r} has {', '.join(allowed)}, not {key.value!r}", key)
        if key.value in members:
            raise NodeError(f"{key.value!r} stands there twice", key)
        members[key.value] = (key, value)
    return members


def text_of(members: Members, name: str, default: str = "") -> str:
    """A member that is a text, and not empty.

    Raises:
        NodeError: it is none.
    """
    if name not in members:
        return default
    value = plain(members[name][1])
    if not isinstance(value, str) or not value:
        raise NodeError(f"{name!r} must be a text", members[name][1])
    return value


def choice_of(members: Members, name: str, choices: type[_E]) -> _E:
    """A member that is one of some words.

    Raises:
        NodeError: it is none of them.
    """
    node = members[name][1]
    try:
        return choices(str(node.value))
    except ValueError:
        said = ", ".join(choices)
        raise NodeError(f"{name!r} must be one of {said}", node) from None


def names_of(members: Members, name: str) -> frozenset[str]:
    """A member that is a list of texts.

    Raises:
        NodeError: it is none.
    """
    if name not in members:
        return frozenset()
    value = plain(members[name][1])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise NodeError(f"{name!r} must be a list of texts", members[name][1])
    return frozenset(value)


def object_of(members: Members, name: str) -> JsonObject:
    """A member that is a mapping of anything.

    Raises:
        NodeError: it is none.
    """
    if name not in members:
        return {}
    value = plain(members[name][1])
    if not isinstance(value, dict):
        raise NodeError(f"{name!r} must be a mapping", members[name][1])
    return value


def plain(node: yaml.Node) -> JsonValue:
    """The JSON value of a node; a date stays the text that it was written as.

    Raises:
        NodeError: it has none.
    """
    if isinstance(node, yaml.MappingNode):
        return {name: plain(value) for name, (_, value) in mapping(node, "mapping").items()}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    if node.tag not in _PLAIN:
        return node.value
    if len(node.value) > _MAX_NUMBER:
        raise NodeError(f"a number has at most {_MAX_NUMBER} characters", node)
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (ValueError, LookupError) as error:  # a tag of its own may stand before any text
        kind = node.tag.rpartition(":")[2]
        raise NodeError(f"{node.value!r} is no {kind}", node) from error
