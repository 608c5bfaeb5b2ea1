"""What is wrong with an input value, told without the value.

graphql-core decides whether a value fits its type, but its messages quote the value, which may
be personal data, and it takes long over lists of very many items. So this says where and why in the
gateway's own words, and passes quickly over items that are as their type is written.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    is_enum_type,
    is_input_object_type,
    is_input_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    is_scalar_type,
    is_specified_scalar_type,
    type_from_ast,
)
from graphql.utilities import validate_input_literal, validate_input_value

from gateway.model.json import JsonObject, JsonValue, pointer, shown_name
from gateway.model.problem import Issue
from gateway.surfaces.graphql.compiled import (
    InputCoercers,
    UnsupportedError,
    condition_variables,
    left_to_core,
)

_ENUM_VALUES_SHOWN = 12


def variable_issues(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: JsonObject
) -> Iterator[Issue]:
    """Every issue of ``variables`` under the operation's definitions, by JSON pointer."""
    return (issue for _, issue in _variable_issues(schema, operation, variables))


def first_unfit(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: JsonObject
) -> VariableDefinitionNode | None:
    """The definition of the first variable that has an issue."""
    return next((node for node, _ in _variable_issues(schema, operation, variables)), None)


def _variable_issues(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: JsonObject
) -> Iterator[tuple[VariableDefinitionNode, Issue]]:
    plainly = _Plainly()
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        declared = type_from_ast(schema, definition.type)
        path = "/variables" + pointer(name)
        if declared is None or not is_input_type(declared):
            continue
        if name in variables:
            for issue in value_issues(variables[name], declared, path, plainly):
                yield definition, issue
        elif is_non_null_type(declared) and definition.default_value is None:
            yield definition, _missing(path, f"the variable ${name} of type {declared}")


def null_condition_issues(
    tree: DocumentNode, operation: OperationDefinitionNode, variables: JsonObject
) -> list[Issue]:
    """Issues for variables with a default that are sent as null and decide a ``@skip`` or so.

    GraphQL lets such a variable stand where null is not allowed, and finds out only when it gets
    there: for a directive, after the command that the selection belongs to was performed.
    """
    if None not in variables.values():
        return []
    nulls = {
        definition.variable.name.value
        for definition in operation.variable_definitions or ()
        if definition.default_value and variables.get(definition.variable.name.value, ...) is None
    }
    return [
        Issue("/variables" + pointer(name), "REQUIRED", "must be true or false, not null")
        for name in condition_variables(tree, operation)
        if name in nulls
    ]


class _Plainly:
    """Finds values that are as their type is written, as nearly all are, without naming places."""

    def __init__(self) -> None:
        self._coercers = InputCoercers()
        self._known: dict[GraphQLInputType, Callable[[Any], Any]] = {}

    def unfit(self, items: Sequence[JsonValue], declared: GraphQLInputType) -> Iterator[int]:
        """The places of all other items of a list, each of which may yet be right."""
        if declared not in self._known:
            self._known[declared] = self._coercer(declared)
        coerce = self._known[declared]
        for at, item in enumerate(items):
            try:
                coerce(item)
            except Exception:  # whatever is the matter, it is looked for closely
                yield at

    def fits(self, value: JsonValue, declared: GraphQLInputType) -> bool:
        """Whether a value is so; one that is not may yet be right."""
        return next(self.unfit([value], declared), None) is None

    def _coercer(self, declared: GraphQLInputType) -> Callable[[Any], Any]:
        """What raises for whatever is not as the type is written, and for all where that is not
        quick to see."""
        try:
            return self._coercers.of(declared)
        except UnsupportedError:
            return left_to_core


def value_issues(
    value: JsonValue, declared: GraphQLInputType, path: str, plainly: _Plainly | None = None
) -> Iterator[Issue]:
    """Every issue of a JSON value under its type."""
    plainly = plainly or _Plainly()
    declared, required = _unwrapped(declared)
    if value is None:
        if required:
            yield _null(path, declared)
    elif is_list_type(declared):
        items = value if isinstance(value, list) else [value]
        for index in plainly.unfit(items, declared.of_type):
            at = path if items is not value else path + pointer(index)
            yield from value_issues(items[index], declared.of_type, at, plainly)
    elif not is_input_object_type(declared):
        if not (plainly.fits(value, declared) or _fits(validate_input_value, value, declared)):
            yield _wrong(path, declared)
    elif not isinstance(value, dict):
        yield _wrong(path, declared)
    else:
        yield from _field_issues(value, declared.fields, path)
        for name, inner in declared.fields.items():
            if name in value:
                yield from value_issues(value[name], inner.type, path + pointer(name), plainly)


def literal_issues(node: ValueNode, declared: GraphQLInputType, path: str) -> Iterator[Issue]:
    """Every issue of a literal in a document under its type; variables in it are taken to fit."""
    declared, required = _unwrapped(declared)
    if isinstance(node, VariableNode | NullValueNode):
        if required and isinstance(node, NullValueNode):
            yield _null(path, declared)
    elif is_list_type(declared):
        for item, at in _items(
            node, node.values if isinstance(node, ListValueNode) else None, path
        ):
            yield from literal_issues(item, declared.of_type, at)
    elif not is_input_object_type(declared):
        if not fits_literal(node, declared):
            yield _wrong(path, declared)
    elif not isinstance(node, ObjectValueNode):
        yield _wrong(path, declared)
    else:
        given = {field.name.value: field.value for field in node.fields}
        yield from _field_issues(given, declared.fields, path)
        for name, inner in declared.fields.items():
            if name in given:
                yield from literal_issues(given[name], inner.type, path + pointer(name))


def _unwrapped(declared: GraphQLInputType) -> tuple[GraphQLInputType, bool]:
    """The type without its exclamation mark, and whether it had one."""
    return (declared.of_type, True) if is_non_null_type(declared) else (declared, False)


def _items(single: Any, many: Sequence[Any] | None, path: str) -> Iterator[tuple[Any, str]]:
    """The items of a list with their paths; GraphQL takes a single value for a list of one."""
    if many is None:
        yield single, path
    else:
        yield from ((item, path + pointer(index)) for index, item in enumerate(many))


def _field_issues(
    given: Collection[str], fields: dict[str, GraphQLInputField], path: str
) -> Iterator[Issue]:
    for name, declared in fields.items():
        if name not in given and is_required_input_field(declared):
            yield _missing(path + pointer(name), f"the field {name} of type {declared.type}")
    for name in given:
        if name not in fields:
            message = "there is no such field; leave it out"
            yield Issue(path + pointer(shown_name(name)), "UNKNOWN_FIELD", message)


def fits_literal(node: ValueNode, declared: GraphQLInputType) -> bool:
    """Whether graphql-core takes a literal."""
    if isinstance(node, ListValueNode | ObjectValueNode) and _is_never_composed(declared):
        return False
    return _fits(validate_input_literal, node, declared)


def _is_never_composed(declared: GraphQLInputType) -> bool:
    """True for leaf types that take neither lists nor objects, which spares writing these out."""
    return is_enum_type(declared) or (
        is_scalar_type(declared) and is_specified_scalar_type(declared)
    )


class _MisfitError(Exception):
    """Stops graphql-core at the first fault: it writes the whole value out for each."""


def _fits(validate: Callable[..., None], value: Any, declared: GraphQLInputType) -> bool:
    """Whether graphql-core takes a value."""

    def stop(_error: GraphQLError, _path: object) -> None:
        raise _MisfitError

    try:
        validate(value, declared, stop, hide_suggestions=True)
    except _MisfitError:
        return False
    return True


def _missing(path: str, what: str) -> Issue:
    return Issue(path, "REQUIRED", f"{what} is missing; send a value")


def _null(path: str, declared: GraphQLInputType) -> Issue:
    return Issue(path, "REQUIRED", f"must be {_expected(declared)}, not null")


def _wrong(path: str, declared: GraphQLInputType) -> Issue:
    code = "NOT_ALLOWED" if is_enum_type(declared) else "WRONG_TYPE"
    return Issue(path, code, f"must be {_expected(declared)}")


_EXPECTED = {
    "Int": "a whole number of 32 bits (Int)",
    "Float": "a number (Float)",
    "String": "a string (String)",
    "Boolean": "true or false (Boolean)",
    "ID": "a string or a whole number (ID)",
}


def _expected(declared: GraphQLInputType | GraphQLNamedType) -> str:
    if is_enum_type(declared):
        shown = ", ".join(list(declared.values)[:_ENUM_VALUES_SHOWN])
        return f"a value of {declared.name} ({shown})"
    if is_list_type(declared):
        return f"a list ({declared})"
    if is_input_object_type(declared):
        return f"an object ({declared})"
    return _EXPECTED.get(str(declared), f"a value of {declared} within the limits")
