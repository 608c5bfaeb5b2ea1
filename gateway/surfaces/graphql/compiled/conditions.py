"""Which variables decide what of an operation is answered: those of its ``@skip`` and ``@include``.

A document may hold several operations, each with variables of its own under the same names, so only
what the operation itself reaches counts.
"""

from collections.abc import Iterator

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    VariableNode,
)

CONDITIONS = frozenset({"skip", "include"})
"""The directives that decide whether a selection is answered (GraphQL, section 3.13)."""


def condition_variables(tree: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The variables that conditions of ``operation`` use, in the order in which it declares them.

    They are true, false or, where they have a default, null.
    """
    used = {
        argument.value.name.value
        for node in directives_reached(tree, operation)
        if node.name.value in CONDITIONS
        for argument in node.arguments or ()
        if isinstance(argument.value, VariableNode)
    }
    return tuple(
        node.variable.name.value
        for node in operation.variable_definitions or ()
        if node.variable.name.value in used and _is_boolean(node.type)
    )


def directives_reached(
    tree: DocumentNode, operation: OperationDefinitionNode
) -> Iterator[DirectiveNode]:
    """The directives of an operation and of all that it selects, each fragment's once."""
    yield from operation.directives or ()
    for definition in operation.variable_definitions or ():
        yield from definition.directives or ()
    fragments = {
        node.name.value: node
        for node in tree.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    todo: list[SelectionSetNode] = [operation.selection_set]
    while todo:
        for node in todo.pop().selections:
            yield from node.directives or ()
            if isinstance(node, FragmentSpreadNode):
                fragment = fragments.pop(node.name.value, None)
                if fragment is not None:  # else it was reached before
                    yield from fragment.directives or ()
                    todo.append(fragment.selection_set)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                todo.append(node.selection_set)


def _is_boolean(node: TypeNode) -> bool:
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    return isinstance(inner, NamedTypeNode) and inner.name.value == "Boolean"
