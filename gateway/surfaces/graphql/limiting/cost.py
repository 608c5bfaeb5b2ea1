"""What an operation costs, worked out before anything of it runs.

Every field is 1, a root field the weight of its contract. What stands below a list counts as often
as the list may be long: as ``limit`` or ``first`` of the contract's input asks, or else as an
assumed length. Lists inside of lists always have an assumed length, since nobody can ask for it.

An operation is walked once, without recursion, with each fragment's sums kept; what is left open is
only how long the asked-for lists are. So a document that is kept costs next to nothing to weigh
again with other variables. Fields that two selections share count twice.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from gateway.model.json import JsonObject
from gateway.surfaces.graphql.limiting.fragments import innermost_first
from gateway.surfaces.graphql.limiting.guards import CEILING, INTROSPECTION, Exceeded
from gateway.surfaces.graphql.limiting.list_sizes import (
    asked_size,
    defaults_of,
    longest_in_schema,
    schema_lengths,
)
from gateway.surfaces.graphql.limiting.weights import ASSUMED, EACH, PAGE, WEIGHT
from gateway.surfaces.graphql.limits import Limits

NESTED = 10
"""How long a list inside of a list is taken for."""

_ONE_TYPE = frozenset({"queryType", "mutationType", "subscriptionType", "__type"})
"""Fields that lead to a type which may be the largest of all."""

_TYPE_OF = frozenset({"__Field", "__InputValue"})
"""Below the fields of these a type is one of very many again."""

_WITHOUT_SIZE = frozenset({"JSON", "JSONObject"})
_RENAMED = 20
"""Scalars whose values are of any size, and what a field of one weighs under an alias: each has the
answer hold the same value once more."""

_SCHEMA_LIST = 2
_SCHEMA_OBJECT = 1
"""What a list of the schema takes beside its objects, and each of these beside its fields: counted
in fields, as measured."""


@dataclass(slots=True)
class Price:
    """What a part of a document costs.

    ``fixed`` stands outside of all lists, ``each`` is to be multiplied with the length of the list
    that this part stands below, ``pages`` says the same of each root field within, and ``schema``
    counts what is asked of the schema itself.
    """

    fixed: float = 0
    each: float = 0
    schema: float = 0
    pages: dict[int, "_Page"] = field(default_factory=dict)
    """By the identity of the root field's node: nodes are equal where they read alike."""

    def add(self, amount: float, where: "_Place") -> None:
        """Count an amount where it stands."""
        amount = min(amount * where.factor, CEILING)
        if where.in_schema:
            self.schema = min(self.schema + amount, CEILING)
        elif not where.in_list:
            self.fixed = min(self.fixed + amount, CEILING)
        elif where.root is None:
            self.each = min(self.each + amount, CEILING)
        else:
            self._add_page(_Page(where.root, where.assumed, amount))

    def add_spread(self, inner: "Price", where: "_Place") -> None:
        """Count a fragment where it is spread."""
        self.add(inner.fixed, where)
        listed = where.below(NESTED) if where.in_list else where.listed()
        self.add(inner.each, listed)
        self.schema = min(self.schema + inner.schema * where.factor, CEILING)
        for page in inner.pages.values():
            self._add_page(page)

    def _add_page(self, more: "_Page") -> None:
        page = self.pages.setdefault(id(more.root), _Page(more.root, more.assumed))
        page.amount = min(page.amount + more.amount, CEILING)


@dataclass(slots=True)
class _Page:
    """What an item of a root field's list costs, and how many there are where nobody asks."""

    root: FieldNode
    assumed: int
    amount: float = 0


class Cost(NamedTuple):
    """What an operation costs, and the longest list that it asks for."""

    total: int
    longest: int


def cost_of(price: Price, operation: OperationDefinitionNode, variables: JsonObject) -> Cost:
    """The cost of an operation with these variables."""
    if not price.pages:
        return Cost(int(min(price.fixed, CEILING)), 0)
    total, longest = price.fixed, 0
    defaults = defaults_of(operation)
    for page in price.pages.values():
        asked = asked_size(page.root, variables, defaults)
        longest = max(longest, asked or 0)
        total += page.amount * (page.assumed if asked is None else asked)
    return Cost(int(min(total, CEILING)), longest)


def exceeded_by(cost: Cost, limits: Limits) -> list[Exceeded]:
    """The limits that an operation of this cost breaks."""
    if cost.total <= limits.cost and cost.longest <= limits.list_size:
        return []
    values = (
        ("list_size", cost.longest, limits.list_size),
        ("cost", cost.total, limits.cost),
    )
    return [Exceeded(*one) for one in values if one[1] > one[2]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a selection stands: how often, below which root field, in a list or not; whether it is
    of the schema itself, and there of a type that may be the largest."""

    root: FieldNode | None = None
    assumed: int = PAGE
    factor: float = 1
    in_list: bool = False
    in_schema: bool = False
    is_largest: bool = False

    def listed(self) -> "_Place":
        return replace(self, in_list=True)

    def below(self, size: float) -> "_Place":
        return replace(self, factor=min(self.factor * size, CEILING))


_Known = dict[tuple[str, bool], Price]
"""What fragments cost by their names, and by whether they stand where a type may be the largest."""


class Prices:
    """Weighs operations of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._lengths = schema_lengths(schema)
        self._longest = self._lengths | longest_in_schema(schema)
        roots = (schema.query_type, schema.mutation_type)
        self._roots = frozenset(root.name for root in roots if root is not None)

    def of(self, tree: DocumentNode) -> dict[int, Price]:
        """What each operation of a valid document costs, by the identity of its node."""
        fragments = {
            node.name.value: node
            for node in tree.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        known: _Known = {}
        spreads = {name: _spreads(node.selection_set) for name, node in fragments.items()}
        for name in innermost_first(spreads):
            fragment = fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            for is_largest in (False, True) if _is_of_schema(parent) else (False,):
                start = _Place(is_largest=is_largest)
                known[name, is_largest] = self._walk(fragment.selection_set, parent, known, start)
        return {
            id(node): self._walk(
                node.selection_set, self._schema.get_root_type(node.operation), known
            )
            for node in tree.definitions
            if isinstance(node, OperationDefinitionNode)
        }

    def _walk(
        self,
        selections: SelectionSetNode,
        parent: GraphQLNamedType | None,
        known: _Known,
        start: _Place = _Place(),
    ) -> Price:
        price = Price()
        todo = [(selections, parent, start)]
        while todo:
            current, kind, place = todo.pop()
            for node in current.selections:
                if isinstance(node, FieldNode):
                    found = self._field(node, kind, place, price)
                    if found is not None and node.selection_set is not None:
                        todo.append((node.selection_set, *found))
                elif isinstance(node, InlineFragmentNode):
                    on = node.type_condition
                    inner = self._schema.get_type(on.name.value) if on else kind
                    todo.append((node.selection_set, inner, place))
                elif isinstance(node, FragmentSpreadNode):
                    spread = known.get((node.name.value, place.is_largest))
                    if spread is not None:
                        price.add_spread(spread, place)
        return price

    def _field(
        self, node: FieldNode, parent: GraphQLNamedType | None, place: _Place, price: Price
    ) -> tuple[GraphQLNamedType, _Place] | None:
        """Count a field; what its selections stand below, unless it has none."""
        name = node.name.value
        if parent is None:
            return None
        declared = self._declared(parent, name)
        if declared is None:
            return None
        inner = place
        if name in INTROSPECTION:
            inner = _Place(in_schema=True)
        elif parent.name in self._roots:
            inner = _Place(root=node, assumed=declared.extensions.get(ASSUMED, PAGE))
        weighs = inner.listed() if EACH in declared.extensions else place
        price.add(_weight(node, declared), weighs)
        kind: Any = declared.type
        is_of_schema, is_list = name in INTROSPECTION or _is_of_schema(parent), False
        while isinstance(kind, GraphQLNonNull | GraphQLList):
            if isinstance(kind, GraphQLList):
                is_list = True
                if not is_of_schema:
                    inner = inner.below(NESTED) if inner.in_list else inner.listed()
            kind = kind.of_type
        if is_of_schema and node.selection_set is not None:
            inner = self._in_schema((parent.name, name), inner)
            price.add(_SCHEMA_LIST if is_list else 0, place)
            price.add(_SCHEMA_OBJECT, inner)
        return kind, inner

    def _in_schema(self, which: tuple[str, str], place: _Place) -> _Place:
        """Where the objects stand that a field of the schema gives."""
        lengths = self._longest if place.is_largest else self._lengths
        inner = place.below(lengths[which]) if which in lengths else place
        parent, name = which
        if name in _ONE_TYPE:
            return replace(inner, is_largest=True)
        return replace(inner, is_largest=False) if parent in _TYPE_OF else inner

    def _declared(self, parent: GraphQLNamedType, name: str) -> GraphQLField | None:
        return self._schema.get_field(parent, name)  # type: ignore[arg-type]  # composite: it is valid


def _weight(node: FieldNode, declared: GraphQLField) -> int:
    """What a field weighs by itself."""
    is_renamed = node.alias is not None and node.alias.value != node.name.value
    if is_renamed and get_named_type(declared.type).name in _WITHOUT_SIZE:
        return _RENAMED
    weight: int = declared.extensions.get(WEIGHT, 1)
    return weight


def _is_of_schema(kind: GraphQLNamedType | None) -> bool:
    """Whether a type is one of those that describe the schema."""
    return kind is not None and kind.name.startswith("__")


def _spreads(selections: SelectionSetNode) -> set[str]:
    found: set[str] = set()
    todo = [selections]
    while todo:
        for node in todo.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                found.add(node.name.value)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                todo.append(node.selection_set)
    return found
