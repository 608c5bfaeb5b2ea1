"""The type notation of contracts: GraphQL's own (``ID!``, ``[String!]!``)."""

import re
from dataclasses import dataclass

SCALARS: frozenset[str] = frozenset(
    {
        *("String", "Int", "Float", "Boolean", "ID", "JSON", "JSONObject"),
        *("Date", "DateTime", "Time", "TimeZone", "Locale", "CountryCode", "Currency"),
        *("EmailAddress", "PhoneNumber", "URL", "NonEmptyString", "Latitude", "Longitude"),
    }
)
"""The scalars that a contract may use."""

FREE_SCALARS = frozenset({"JSON", "JSONObject"})
"""Those of them whose values may be objects and lists of any form."""

NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_LIST_DEPTH = 4


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A reference to a type: ``name`` for a named type, or ``items`` for a list of them."""

    required: bool
    name: str = ""
    items: "TypeRef | None" = None

    @property
    def named(self) -> str:
        """The innermost named type."""
        return self.items.named if self.items else self.name

    def __str__(self) -> str:
        inner = f"[{self.items}]" if self.items else self.name
        return inner + ("!" if self.required else "")


def parse_type(text: str) -> TypeRef:
    """The type that ``text`` writes in GraphQL notation.

    Raises:
        ValueError: ``text`` is not a type; the message says what is wrong with it.
    """
    return _parse(text.strip(), 0)


def _parse(text: str, depth: int) -> TypeRef:
    required = text.endswith("!")
    inner = text[:-1].strip() if required else text
    if inner.startswith("[") and inner.endswith("]"):
        if depth == _MAX_LIST_DEPTH:
            raise ValueError(f"lists are nested more than {_MAX_LIST_DEPTH} deep")
        return TypeRef(required, items=_parse(inner[1:-1].strip(), depth + 1))
    if not NAME_PATTERN.fullmatch(inner):
        raise ValueError(
            f"{text!r} is not a type in GraphQL notation, such as 'ID!' or '[String!]'"
        )
    return TypeRef(required, name=inner)
