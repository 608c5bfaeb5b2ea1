"""Which contracts are lists, as far as their shapes tell, and the GraphQL names for connections.

A list gets a second root field, its connection, which reads it by cursors (``docs/relay.md``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from gateway.model.contract import ObjectType, OperationContract
from gateway.model.types import TypeRef

_ITEMS = "items"
_CURSOR = "cursor"


CONNECTION = "Connection"
"""What the name of a list's root field gets behind it for the connection."""

CONNECTION_FIELDS = frozenset({"edges", "pageInfo", "totalCount"})
"""The fields that a connection has by itself; the others are those of the list's output."""


def connection_types(prefix: str) -> tuple[str, str, str]:
    """The types of a connection, its edges and its input, by what the list's own begin with."""
    return f"{prefix}{CONNECTION}", f"{prefix}Edge", f"{prefix}{CONNECTION}Input"


@dataclass(frozen=True, slots=True)
class CountedList:
    """A list that is read from an offset on, and says how many items there are in all.

    ``items`` is the output field that holds a page, ``paging`` are the input fields that choose it,
    ``told`` the output fields of which a connection has its own form.
    """

    items: str

    paging: ClassVar = frozenset({"limit", "offset"})

    @property
    def told(self) -> frozenset[str]:
        return frozenset({self.items, "total"})


@dataclass(frozen=True, slots=True)
class ContinuedList:
    """A list that is read on behind a cursor of its own, to an end that nobody knows before.

    ``goes_on`` is the output field that holds the cursor to go on behind. At the end it is absent
    if its name is ``next``, and the cursor that was sent if it is ``cursor``. ``is_each_marked``
    says that each item has such a cursor too, as ``cursor``. The rest is as for a ``CountedList``.
    """

    items: str
    goes_on: str
    is_each_marked: bool

    paging: ClassVar = frozenset({"limit", "after"})

    @property
    def told(self) -> frozenset[str]:
        return frozenset({self.items})


Listing: TypeAlias = CountedList | ContinuedList


def listing_of(contract: OperationContract) -> Listing | None:
    """How a contract is a list; None where it is none, or none of a shape that is known.

    A list is a query with an optional ``limit`` and one list of objects in its output: ``items``,
    or else the only one. Either it has ``offset`` and ``total`` too, or ``after`` and one of
    ``next`` and ``cursor``.
    """
    if contract.is_command or not _is(contract.input, "limit", "Int"):
        return None
    items = _items(contract)
    if items is None:
        return None
    if _is(contract.input, "offset", "Int") and _is(contract.output, "total", "Int", True):
        return CountedList(items)
    if not _is(contract.input, "after", "String"):
        return None
    ends = [name for name in ("next", _CURSOR) if _is(contract.output, name, "String")]
    return ContinuedList(items, ends[0], _is_each_marked(contract, items)) if ends else None


def _is(fields: Mapping[str, TypeRef], name: str, scalar: str, required: bool = False) -> bool:
    return fields.get(name) == TypeRef(required, scalar)


def _items(contract: OperationContract) -> str | None:
    found = [name for name, ref in contract.output.items() if _is_list(contract, ref)]
    if _ITEMS in found:
        return _ITEMS
    return found[0] if len(found) == 1 else None


def _is_list(contract: OperationContract, ref: TypeRef) -> bool:
    is_flat = ref.items is not None and ref.items.items is None
    return is_flat and isinstance(contract.types.get(ref.named), ObjectType)


def _is_each_marked(contract: OperationContract, items: str) -> bool:
    item = contract.types[contract.output[items].named]
    return isinstance(item, ObjectType) and _is(item.fields, _CURSOR, "String", True)
