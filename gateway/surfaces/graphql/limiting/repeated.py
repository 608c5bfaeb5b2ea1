"""Variables that a document uses several times, each of which is another copy of what was sent.

A variable may stand in a list in the document as often as that has tokens, and whoever reads the
arguments reads it as often: 240 KB sent once would be 200 MB in one input. So what variables bring
counts wherever it is used, and may not be more than a body can bring.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, problem
from gateway.surfaces.graphql.encoding import encode
from gateway.surfaces.graphql.errors import RequestRefusedError, error_entry
from gateway.surfaces.graphql.limiting.list_sizes import defaults_of
from gateway.surfaces.graphql.shapes import LazyShape

Uses = Mapping[str, int]
"""How often an operation uses each variable that it uses more than once."""


def repeated_in(tree: DocumentNode) -> Mapping[int, Uses]:
    """The variables that each operation of a valid document repeats, by the identity of its node;
    nothing of one that repeats none. Fragments are looked at once: what several spreads of one ask
    for is the same."""
    fragments = {
        node.name.value: node
        for node in tree.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    found = {}
    for node in tree.definitions:
        if isinstance(node, OperationDefinitionNode) and node.variable_definitions:
            counted = Counter(_used(node.selection_set, fragments))
            repeated = {name: count for name, count in counted.items() if count > 1}
            if repeated:
                found[id(node)] = repeated
    return found


def refuse_copies(
    uses: Uses,
    operation: OperationDefinitionNode,
    variables: JsonObject,
    most: int,
    shape: LazyShape,
) -> None:
    """Hold what an operation makes of its variables to ``most`` bytes.

    ``shape`` is what logs may tell of its document.

    Raises:
        RequestRefusedError: PAYLOAD_TOO_LARGE.
    """
    defaults = defaults_of(operation)

    def size_of(name: str) -> int:
        return len(encode(variables[name])) if name in variables else _written(defaults.get(name))

    if sum(count * size_of(name) for name, count in uses.items()) > most:
        detail = (
            f"The variables make more than {most} bytes where each counts as often as the document "
            "uses it. Use them less often, or send less in one request."
        )
        issue = Issue("/variables", "PAYLOAD_TOO_LARGE", detail)
        told = problem("PAYLOAD_TOO_LARGE", detail, issues=(issue,))
        raise RequestRefusedError(told.status, [error_entry(told)], shape)


def _written(default: ValueNode | None) -> int:
    """How long the text of a default value is."""
    return default.loc.end - default.loc.start if default is not None and default.loc else 0


def _used(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The names of variables wherever arguments of fields have them, without recursion."""
    todo: list[Node] = [selections]
    spread: set[str] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
        elif isinstance(node, ListValueNode):
            todo.extend(node.values)
        elif isinstance(node, ObjectValueNode):
            todo.extend(one.value for one in node.fields)
        elif isinstance(node, SelectionSetNode):
            todo.extend(node.selections)
        elif isinstance(node, FragmentSpreadNode):
            if node.name.value in fragments and node.name.value not in spread:
                spread.add(node.name.value)
                todo.append(fragments[node.name.value].selection_set)
        else:
            if isinstance(node, FieldNode):
                todo.extend(one.value for one in node.arguments or ())
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                todo.append(inner)
