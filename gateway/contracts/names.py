"""Names: keys, versions and references of contracts, and the GraphQL names made from them."""

import re

_SEGMENT = r"[a-z][A-Za-z0-9]*"
_KEBAB = r"[a-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"

KEY = rf"{_SEGMENT}(?:\.{_SEGMENT})+"
"""Keys of operations and events: dotted lowerCamel segments, at least two."""

CAPABILITY_KEY = rf"{_KEBAB}(?:\.{_KEBAB})*"
"""Keys of capabilities: as keys, with dashes inside a segment."""

VERSION = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?"
"""Semantic Versioning 2.0.0 without build metadata, which has no order."""

REFERENCE = rf"{KEY}@{VERSION}"
CAPABILITY_REFERENCE = rf"{CAPABILITY_KEY}@{VERSION}"
DOMAIN = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
ERROR_CODE = r"[A-Z][A-Z0-9_]*"
FIELD_NAME = r"[A-Za-z][A-Za-z0-9_]*"
TYPE_NAME = r"[A-Z][A-Za-z0-9_]*"
ENUM_VALUE = r"(?!true$|false$|null$|__)[A-Za-z_][A-Za-z0-9_]*"
"""Values of an enum: names of GraphQL that it does not keep for itself."""

RESERVED_TYPES = frozenset({"Query", "Mutation", "Subscription", "Node", "PageInfo"})
"""Type names that GraphQL's roots take, Relay's interface, and the pages of connections."""

_WORDS = re.compile(r"[.\-]")

VersionOrder = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


def version_order(version: str) -> VersionOrder:
    """A key that sorts versions by precedence (Semantic Versioning 2.0.0, section 11)."""
    core, _, pre = version.partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    if not pre:
        return major, minor, patch, ((2, 0, ""),)
    parts = ((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split("."))
    return major, minor, patch, tuple(parts)


def major_of(version: str) -> int:
    """The major version."""
    return version_order(version)[0]


def _pascal(text: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in _WORDS.split(text))


def operation_type_prefix(key: str) -> str:
    """What an operation's GraphQL types begin with: ``support.refund.issue`` gives
    ``SupportRefundIssue`` (then ``Input`` or ``Output``)."""
    return _pascal(key)


def graphql_field_name(key: str) -> str:
    """The GraphQL field of a key: ``support.refund.issue`` gives ``supportRefundIssue``."""
    name = _pascal(key)
    return name[:1].lower() + name[1:]


def graphql_type_name(domain: str, name: str) -> str:
    """The GraphQL name of a nested type: its name with the domain's in front, unless it has it."""
    prefix = _pascal(domain)
    return name if name.startswith(prefix) else prefix + name
