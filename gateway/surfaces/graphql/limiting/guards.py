"""Bounds on a parsed document, counted before validation spends time on it.

Everything is counted in one pass over each definition, then summed over fragment spreads in
topological order with each fragment's sums kept, so the work is linear in the document however
often fragments multiply. Cycles of fragments count as nothing: validation refuses them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.surfaces.graphql.limiting.fragments import innermost_first
from gateway.surfaces.graphql.limits import Limits

INTROSPECTION = frozenset({"__schema", "__type"})
"""The fields that ask for the schema itself."""
CEILING = 1_000_000
"""Sums stop here: doubling fragments would otherwise make numbers of endless length."""


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A bound that a document breaks; ``limit`` is its name in ``Limits``."""

    limit: str
    value: int
    maximum: int


@dataclass(frozen=True, slots=True)
class _Spread:
    """A fragment spread: how many fields stand above it, and among what it stands."""

    name: str
    above: int
    at_root: bool
    introspects: bool


@dataclass(slots=True)
class _Tally:
    """What a definition holds; once summed, with the fragments that it spreads."""

    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    depth: int = 0
    introspection_depth: int = 0
    introspections: int = 0
    spreads: list[_Spread] = field(default_factory=list)

    def see(self, node: FieldNode, depth: int, *, introspects: bool) -> None:
        """Count a field that stands at ``depth`` (1 for a root field)."""
        self.fields += 1
        self.aliases += node.alias is not None
        self.root_fields += depth == 1
        self.introspections += node.name.value in INTROSPECTION
        if introspects:
            self.introspection_depth = max(self.introspection_depth, depth)
        else:
            self.depth = max(self.depth, depth)

    def add(self, spread: _Spread, inner: "_Tally") -> None:
        """Count a spread fragment's sums as part of this definition."""
        self.fields = min(self.fields + inner.fields, CEILING)
        self.aliases = min(self.aliases + inner.aliases, CEILING)
        self.directives = min(self.directives + inner.directives, CEILING)
        self.introspections = min(self.introspections + inner.introspections, CEILING)
        if spread.at_root:
            self.root_fields = min(self.root_fields + inner.root_fields, CEILING)
        deepest = spread.above + inner.introspection_depth
        if spread.introspects:
            deepest = max(deepest, spread.above + inner.depth)
        else:
            self.depth = max(self.depth, spread.above + inner.depth)
        if inner.introspections or spread.introspects:
            self.introspection_depth = max(self.introspection_depth, deepest)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the guards say of a document: the broken bounds, and whether it asks for the schema."""

    exceeded: tuple[Exceeded, ...]
    introspects: bool


def inspect_document(document: DocumentNode, limits: Limits) -> Finding:
    """Count ``document`` against ``limits``."""
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    exceeded = list(_over(limits, operations=len(operations), fragments=len(fragments)))
    if exceeded:
        return Finding(tuple(exceeded), introspects=False)
    sums = _fragment_sums(fragments)
    introspects = any(tally.introspections for tally in sums.values())
    for operation in operations:
        tally = _summed(_tally_of_operation(operation), sums)
        introspects = introspects or tally.introspections > 0
        exceeded += _broken(operation, tally, limits)
    return Finding(tuple(dict.fromkeys(exceeded)), introspects)


def _broken(
    operation: OperationDefinitionNode, tally: _Tally, limits: Limits
) -> Iterator[Exceeded]:
    return _over(
        limits,
        depth=tally.depth,
        introspection_depth=tally.introspection_depth,
        introspections=tally.introspections,
        aliases=tally.aliases,
        directives=tally.directives,
        root_fields=tally.root_fields,
        fields=tally.fields,
        variables=len(operation.variable_definitions or ()),
    )


def _over(limits: Limits, **values: int) -> Iterator[Exceeded]:
    for name, value in values.items():
        maximum: int = getattr(limits, name)
        if value > maximum:
            yield Exceeded(name, value, maximum)


def _tally_of_operation(operation: OperationDefinitionNode) -> _Tally:
    tally = _tally(operation.selection_set)
    tally.directives += len(operation.directives or ())
    for definition in operation.variable_definitions or ():
        tally.directives += len(definition.directives or ())
    return tally


def _tally(selections: SelectionSetNode) -> _Tally:
    """Count one definition; its spreads are noted, not followed."""
    tally = _Tally()
    todo = [(selections, 1, False)]
    while todo:
        current, depth, inside = todo.pop()
        for node in current.selections:
            tally.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                introspects = inside or node.name.value in INTROSPECTION
                tally.see(node, depth, introspects=introspects)
                if node.selection_set:
                    todo.append((node.selection_set, depth + 1, introspects))
            elif isinstance(node, InlineFragmentNode):
                todo.append((node.selection_set, depth, inside))
            elif isinstance(node, FragmentSpreadNode):
                spread = _Spread(node.name.value, depth - 1, depth == 1, inside)
                tally.spreads.append(spread)
    return tally


def _fragment_sums(fragments: Mapping[str, FragmentDefinitionNode]) -> dict[str, _Tally]:
    """The sums of every fragment, each made once, after those that it spreads."""
    own = {name: _tally(node.selection_set) for name, node in fragments.items()}
    for name, node in fragments.items():
        own[name].directives += len(node.directives or ())
    sums: dict[str, _Tally] = {}
    spreads = {name: [spread.name for spread in tally.spreads] for name, tally in own.items()}
    for name in innermost_first(spreads):
        sums[name] = _summed(own[name], sums)
    return sums


def _summed(tally: _Tally, sums: Mapping[str, _Tally]) -> _Tally:
    for spread in tally.spreads:
        inner = sums.get(spread.name)
        if inner is not None:  # unknown or circular: validation refuses the document
            tally.add(spread, inner)
    return tally
