"""The arguments of a root field, prepared as far as the document alone tells them."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.utilities.coerce_input_value import coerce_input_literal

from gateway.surfaces.graphql.compiled.irregular import (
    REQUIRED,
    IrregularError,
    UnsupportedError,
    is_shareable,
)

Arguments = Callable[[VariableValues], dict[str, Any]]
_Value = Callable[[Mapping[str, Any]], Any]
"""Gives a value, made anew where it can be changed, from the coerced variables."""


def arguments_of(field: GraphQLField, node: FieldNode) -> Arguments:
    """What gives the arguments of ``node`` for the values of variables.

    Where a value is missing, null or otherwise not as usual, graphql-core gives them or says what
    is wrong.
    """

    def by_core(values: VariableValues) -> dict[str, Any]:
        return get_argument_values(field, node, values, None, hide_suggestions=True)

    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    try:
        members = [
            (declared.out_name or name, _name(given[name]), _value(given[name], declared.type))
            for name, declared in field.args.items()
            if _is_given(declared, name, given)
        ]
    except UnsupportedError:
        return by_core

    def arguments(values: VariableValues) -> dict[str, Any]:
        coerced, found = values.coerced, {}
        try:
            for name, variable, value in members:
                plain = coerced.get(variable)
                found[name] = value(coerced) if plain is None else plain
        except IrregularError:
            return by_core(values)
        return found

    return arguments if members else lambda _values: {}


def _name(node: ValueNode) -> str:
    """The name of a variable; no variable has the empty one."""
    return node.name.value if isinstance(node, VariableNode) else ""


def _is_given(
    declared: GraphQLArgument | GraphQLInputField, name: str, given: Mapping[str, ValueNode]
) -> bool:
    """Whether there is a value for it; defaults are left to graphql-core."""
    has_default = declared.default is not None or declared.default_value is not Undefined
    if name not in given and (has_default or is_non_null_type(declared.type)):
        raise UnsupportedError(f"the default of {name}")
    return name in given


def _value(node: ValueNode, declared: GraphQLInputType) -> _Value:
    if isinstance(node, VariableNode):
        return _variable(node.name.value, is_nullable=not is_non_null_type(declared))
    inner = declared.of_type if is_non_null_type(declared) else declared
    if isinstance(node, ListValueNode) and is_list_type(inner):
        return _list([_value(item, inner.of_type) for item in node.values])
    if isinstance(node, ObjectValueNode) and is_input_object_type(inner):
        return _object(node, inner)
    return _constant(node, declared)


def _variable(name: str, *, is_nullable: bool) -> _Value:
    def value(coerced: Mapping[str, Any]) -> Any:
        found = coerced.get(name, REQUIRED)
        if found is REQUIRED or (found is None and not is_nullable):
            raise IrregularError
        return found

    return value


def _list(items: list[_Value]) -> _Value:
    return lambda coerced: [item(coerced) for item in items]


def _object(node: ObjectValueNode, declared: GraphQLInputObjectType) -> _Value:
    is_usual = declared.out_type is GraphQLInputObjectType.out_type and not declared.is_one_of
    given = {field.name.value: field.value for field in node.fields}
    if not is_usual or not given.keys() <= declared.fields.keys():
        raise UnsupportedError(f"a literal of {declared.name}")
    members = [
        (field.out_name or name, _value(given[name], field.type))
        for name, field in declared.fields.items()
        if _is_given(field, name, given)
    ]
    return lambda coerced: {name: value(coerced) for name, value in members}


def _constant(node: ValueNode, declared: GraphQLInputType) -> _Value:
    if isinstance(node, ListValueNode | ObjectValueNode):  # variables may stand in it
        raise UnsupportedError("a literal of a scalar with parts")
    found = coerce_input_literal(node, declared)
    if not is_shareable(found):  # it does not fit, or requests must not share it
        raise UnsupportedError("a literal that is not a simple one")
    return lambda _coerced: found
