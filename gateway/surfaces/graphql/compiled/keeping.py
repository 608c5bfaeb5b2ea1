"""Selections of everything: what is whole by its contract answers them as it is.

Types of a schema are made of the types of contracts, so a value that was held to its contract has
nothing that its type would not take.
"""

from collections.abc import Mapping
from typing import Any

from gateway.model.contract import NamedType, ObjectType
from gateway.model.types import TypeRef
from gateway.model.whole import Whole
from gateway.surfaces.graphql.compiled.completing import Completer
from gateway.surfaces.graphql.compiled.leaves import Convert


def keeps_all(
    completer: Completer, fields: Mapping[str, TypeRef], types: Mapping[str, NamedType]
) -> bool:
    """Whether what is completed keeps all ``fields`` of an object, and of those within it, under
    their names and in their order; ``types`` are those that its contract names."""
    if completer.written is None or [name for name, _ in completer.members] != list(fields):
        return False
    for name, inner in completer.members:
        named = types.get(fields[name].named)
        if isinstance(named, ObjectType) and not keeps_all(inner, named.fields, types):
            return False
    return True


def keep_whole(otherwise: Convert) -> Convert:
    """What gives a whole value back as it is, and completes any other by ``otherwise``."""

    def complete(value: Any) -> Any:
        return value if type(value) is Whole else otherwise(value)

    return complete
