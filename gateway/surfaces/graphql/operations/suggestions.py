"""Names that are suggested for unknown ones, found among a few.

graphql-core compares an unknown name with every type or field that there is, by the edits that lead
from one to the other: five unknown types of 200 bytes take half a second, and longer in larger
schemas. Here the names of nearly the same pairs of letters are found first, and they alone are
compared: whoever mistypes a name leaves most of these as they were, wherever the slips are.
"""

from collections.abc import Collection
from heapq import nlargest
from itertools import pairwise
from typing import Any

from graphql import FieldNode, GraphQLError, NamedTypeNode, is_object_type
from graphql.pyutils import did_you_mean, suggestion_list
from graphql.validation import FieldsOnCorrectTypeRule, KnownTypeNamesRule

_COMPARED = 20
"""How many names are compared with an unknown one."""


class SuggestedTypes(KnownTypeNamesRule):
    """The rule that types are known, which suggests of few."""

    def enter_named_type(self, node: NamedTypeNode, *place: Any) -> None:
        """Report a type that is not known."""
        if node.name.value not in self.existing_types_map and not self.context.hide_suggestions:
            self.type_names = alike(node.name.value, self.existing_types_map)
        super().enter_named_type(node, *place)


class SuggestedFields(FieldsOnCorrectTypeRule):
    """The rule that fields are known, which suggests of few."""

    def enter_field(self, node: FieldNode, *place: Any) -> None:
        """Report a field that its type does not have."""
        parent, name = self.context.get_parent_type(), node.name.value
        is_named = self.context.hide_suggestions or self.context.get_field_def() is not None
        if is_named or not is_object_type(parent):
            super().enter_field(node, *place)
            return
        told = did_you_mean(suggestion_list(name, alike(name, parent.fields)))
        message = f"Cannot query field '{name}' on type '{parent}'.{told}"
        self.report_error(GraphQLError(message, node))


def alike(name: str, names: Collection[str]) -> list[str]:
    """Those of ``names`` that have most pairs of letters in common with ``name`` and fewest beside
    them, in no order."""
    if len(names) <= _COMPARED:
        return list(names)
    sought = _pairs(name)

    def likeness(other: str) -> int:
        pairs = _pairs(other)
        return 2 * len(sought & pairs) - len(pairs)

    return nlargest(_COMPARED, names, likeness)


def _pairs(name: str) -> set[tuple[str, str]]:
    """The letters of a name, each with the one that follows it."""
    return set(pairwise(name.lower()))
