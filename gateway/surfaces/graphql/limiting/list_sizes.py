"""How long lists are taken for before they are there: as asked, or as the schema's own are."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    type_from_ast,
)

from gateway.model.json import JsonObject, JsonValue
from gateway.surfaces.graphql.limiting.guards import CEILING

_SIZES = ("limit", "first")
_SLICING = ("first", "last")

_ITEMS = frozenset({"ids", "representations"})
"""Arguments each item of which is loaded; no field of a contract has them."""


def asked_size(
    root: FieldNode, variables: JsonObject, defaults: Mapping[str, ValueNode]
) -> int | None:
    """How many items a root field asks for: by ``limit`` or ``first`` of its input, or by ``first``
    or ``last`` of its own, as connections have them. The largest where several do, None where none
    does: a number below 1 is none, for a contract may take it for no bound at all. What is loaded
    by a list of ids is as long as that."""
    found: list[int | None] = []
    for argument in root.arguments or ():
        value: Any = _valued(argument.value, variables, defaults)
        if argument.name.value in _ITEMS:
            return _length(value)
        if argument.name.value == "input":
            found += (_whole(_valued(_member(value, one), variables, defaults)) for one in _SIZES)
        elif argument.name.value in _SLICING:
            found.append(_whole(value))
    return max((size for size in found if size is not None and size > 0), default=None)


def _length(value: Any) -> int:
    """How many items a list has; a single value is taken for a list of one."""
    items = value.values if isinstance(value, ListValueNode) else value
    return len(items) if isinstance(items, list | tuple) else 1


def _valued(value: Any, variables: JsonObject, defaults: Mapping[str, ValueNode]) -> Any:
    """The value of a node: a variable's where it is one."""
    if not isinstance(value, VariableNode):
        return value
    name = value.name.value
    return variables[name] if name in variables else defaults.get(name)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, ObjectValueNode):
        return next((one.value for one in value.fields if one.name.value == name), None)
    return value.get(name) if isinstance(value, dict) else None


def _whole(value: Any) -> int | None:
    """A whole number as JSON or a literal has it; what else stands there is refused elsewhere."""
    if isinstance(value, IntValueNode):
        return int(value.value) if len(value.value) < len(str(CEILING)) + 4 else CEILING
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return min(value, CEILING) if isinstance(value, int) and not isinstance(value, bool) else None


def defaults_of(operation: OperationDefinitionNode) -> dict[str, ValueNode]:
    """The default values of an operation's variables."""
    return {
        one.variable.name.value: one.default_value
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }


def least_variables(operation: OperationDefinitionNode, schema: GraphQLSchema) -> JsonObject:
    """Variables with which an operation asks for the shortest lists: of one item each.

    No list of ours may be asked for without an item, and nobody else wants such a one.
    """
    found: JsonObject = {}
    for one in operation.variable_definitions or ():
        kind = get_named_type(type_from_ast(schema, one.type))
        value: JsonValue = 1
        if is_input_object_type(kind):
            value = {name: 1 for name in _SIZES if name in kind.fields}
        found[one.variable.name.value] = value
    return found


def schema_lengths(schema: GraphQLSchema) -> dict[tuple[str, str], float]:
    """How many values a field of introspection has on average.

    ``ofType`` is taken for there in every second case, or else the query of tools, which asks for
    it nine levels deep, would seem to cost far more than it does.
    """
    kinds = list(schema.type_map.values())
    outputs = [
        len(kind.fields) for kind in kinds if is_object_type(kind) or is_interface_type(kind)
    ]
    possible = [len(schema.get_possible_types(kind)) for kind in kinds if is_abstract_type(kind)]
    interfaces = [len(kind.interfaces) for kind in kinds if is_object_type(kind)]
    inputs = [len(kind.fields) for kind in kinds if is_input_object_type(kind)]
    values = [len(kind.values) for kind in kinds if is_enum_type(kind)]
    arguments = [
        len(field.args) for kind in kinds for field in getattr(kind, "fields", {}).values()
        if hasattr(field, "args")
    ]  # fmt: skip
    return {
        ("__Schema", "types"): len(kinds),
        ("__Schema", "directives"): len(schema.directives),
        ("__Type", "fields"): sum(outputs) / len(kinds),
        ("__Type", "inputFields"): sum(inputs) / len(kinds),
        ("__Type", "enumValues"): sum(values) / len(kinds),
        ("__Type", "possibleTypes"): sum(possible) / len(kinds),
        ("__Type", "interfaces"): sum(interfaces) / len(kinds),
        ("__Type", "ofType"): 0.5,
        ("__Field", "args"): sum(arguments) / max(len(arguments), 1),
        ("__Directive", "args"): 2,
        ("__Directive", "locations"): 1,
    }


def longest_in_schema(schema: GraphQLSchema) -> dict[tuple[str, str], float]:
    """How many values a field of introspection has where it has most."""
    kinds = list(schema.type_map.values())
    outputs = [kind for kind in kinds if is_object_type(kind) or is_interface_type(kind)]
    inputs = [kind for kind in kinds if is_input_object_type(kind)]
    fields = [field for kind in outputs for field in kind.fields.values()]
    possible = [schema.get_possible_types(kind) for kind in kinds if is_abstract_type(kind)]
    return {
        ("__Type", "fields"): max((len(kind.fields) for kind in outputs), default=0),
        ("__Type", "inputFields"): max((len(kind.fields) for kind in inputs), default=0),
        ("__Type", "enumValues"): max(len(one.values) for one in kinds if is_enum_type(one)),
        ("__Type", "possibleTypes"): max(map(len, possible), default=0),
        ("__Type", "interfaces"): max((len(kind.interfaces) for kind in outputs), default=0),
        ("__Field", "args"): max((len(field.args) for field in fields), default=0),
    }
