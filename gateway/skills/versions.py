"""Versions and ranges of them, by Semantic Versioning 2.0.0."""

import re

from gateway.contracts.names import VERSION, VersionOrder, version_order

_BUILD = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION = re.compile(VERSION + _BUILD)
_MAX_LENGTH = 128


def precedence(version: str) -> VersionOrder | None:
    """A key that sorts versions by precedence (section 11), or None for what is no version.

    A pre-release comes before its release; build metadata does not count.
    """
    if len(version) > _MAX_LENGTH or not _VERSION.fullmatch(version):
        return None
    return version_order(version.partition("+")[0])


def is_below(version: str, bound: str | None) -> bool:
    """True if ``version`` comes before ``bound``; both are versions, no bound bounds nothing."""
    left, right = precedence(version), precedence(bound) if bound is not None else None
    return left is not None and right is not None and left < right
