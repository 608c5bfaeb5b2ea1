"""The values of variables, coerced by closures made once for each input type.

They are strict: a value that is exactly as its type is written is taken, or as an item of a list
alone, and a variable that has anything else goes to graphql-core, which coerces it or says what is
wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import (
    VariableValues,
    VariableValueSource,
    get_variable_values,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from gateway.surfaces.graphql.compiled.irregular import (
    PLAIN,
    REQUIRED,
    IrregularError,
    UnsupportedError,
    exact_type,
    is_shareable,
    usable_default,
)
from gateway.surfaces.graphql.compiled.leaves import Convert, as_written

_new = tuple.__new__
"""Makes a named tuple in half the time that its own constructor takes."""


class InputCoercers:
    """The coercers of one schema's input types, each made when it is first needed.

    Their number is bounded by that of the schema's types.
    """

    def __init__(self) -> None:
        self._of_objects: dict[str, Convert] = {}
        self._under_way: set[str] = set()

    def of(self, declared: GraphQLInputType) -> Convert:
        """The coercer of a type.

        Raises:
            UnsupportedError: the type contains itself (its values may be nested too deeply, which
                graphql-core counts), is a oneOf, or makes Python objects of its values.
        """
        if is_non_null_type(declared):
            return self._of(declared.of_type, is_nullable=False)
        return self._of(declared, is_nullable=True)

    def _of(self, declared: GraphQLInputType, *, is_nullable: bool) -> Convert:
        if is_list_type(declared):
            return _list(self.of(declared.of_type), is_nullable=is_nullable)
        if is_input_object_type(declared):
            return _nullable(self._object(declared)) if is_nullable else self._object(declared)
        if not is_leaf_type(declared):
            raise UnsupportedError(f"the input type {declared}")
        return _leaf(declared, is_nullable=is_nullable)

    def _object(self, declared: GraphQLInputObjectType) -> Convert:
        found = self._of_objects.get(declared.name)
        if found is None:
            is_usual = declared.out_type is GraphQLInputObjectType.out_type
            if declared.name in self._under_way or declared.is_one_of or not is_usual:
                raise UnsupportedError(f"the input type {declared.name}")
            self._under_way.add(declared.name)
            try:
                found = self._of_objects[declared.name] = self._object_of_fields(declared)
            finally:
                self._under_way.discard(declared.name)
        return found

    def _object_of_fields(self, declared: GraphQLInputObjectType) -> Convert:
        members = [
            (
                name,
                field.out_name or name,
                exact_type(field.type),
                self.of(field.type),
                _absent(field),
            )
            for name, field in declared.fields.items()
        ]

        def coerce(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise IrregularError
            given, defaults = {}, 0
            for name, out_name, exact, coerce_member, absent in members:
                member = value.get(name, Undefined)
                if type(member) is exact:
                    given[out_name] = member
                elif member is not Undefined:
                    given[out_name] = coerce_member(member)
                elif absent is REQUIRED:
                    raise IrregularError
                elif absent is not Undefined:
                    given[out_name] = absent
                    defaults += 1
            if len(given) != len(value) + defaults:  # there are fields that the type has not
                raise IrregularError
            return given

        return coerce


def left_to_core(_value: object) -> None:
    """Stands for the coercer of a type that has none.

    Raises:
        UnsupportedError: whatever the value is.
    """
    raise UnsupportedError("a type of values that graphql-core looks at")


def _absent(field: GraphQLInputField) -> object:
    if is_required_input_field(field):
        return REQUIRED
    return usable_default(_default_of(field))


def _default_of(declared: GraphQLInputField | GraphQLVariableSignature) -> object:
    try:
        return coerce_default_value(declared)
    except TypeError:  # a default that does not fit: graphql-core words that
        return REQUIRED


def _nullable(coerce: Convert) -> Convert:
    return lambda value: None if value is None else coerce(value)


def _list(coerce_item: Convert, *, is_nullable: bool) -> Convert:
    def coerce(value: Any) -> list[Any]:
        if type(value) is list:
            return [coerce_item(item) for item in value]
        if type(value) not in PLAIN:
            raise IrregularError
        return [coerce_item(value)]  # a single value is a list of one

    return _nullable(coerce) if is_nullable else coerce


def _leaf(declared: GraphQLLeafType, *, is_nullable: bool) -> Convert:
    take: Convert = declared.coerce_input_value
    if is_enum_type(declared):  # or else it compares what it refuses with all its names
        take = partial(declared.coerce_input_value, hide_suggestions=True)

    def by_type(value: Any) -> Any:
        if value is None:
            if is_nullable:
                return None
            raise IrregularError
        coerced = take(value)
        if coerced is Undefined:
            raise IrregularError
        return coerced

    if is_enum_type(declared):
        return _enum(declared, by_type)
    return as_written(declared.name, by_type, is_nullable=is_nullable)


def _enum(declared: GraphQLEnumType, by_type: Convert) -> Convert:
    """Names whose values requests may share are looked up at once."""
    coerced = {name: declared.coerce_input_value(name) for name in declared.values}
    values = {name: value for name, value in coerced.items() if is_shareable(value)}

    def coerce(value: Any) -> Any:
        found = values.get(value, Undefined)
        return by_type(value) if found is Undefined else found

    return coerce


class VariableCoercer:
    """Coerces the variables of one operation.

    Raises:
        UnsupportedError: a variable whose type is none of values.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        definitions: Sequence[VariableDefinitionNode],
        coercers: InputCoercers,
    ) -> None:
        self._schema = schema
        self._variables = [_variable(schema, node, coercers) for node in definitions]

    def values(
        self, given: Mapping[str, Any], max_errors: int, check: Callable[[], None]
    ) -> VariableValues | list[GraphQLError]:
        """The values of all variables, or graphql-core's errors, at most ``max_errors`` of them.

        graphql-core is asked of those alone that are not as usual; ``check`` is called before,
        unless their types alone are not supported.

        Raises:
            Exception: what ``check`` raises.
        """
        sources, coerced = {}, {}
        unusual: list[VariableDefinitionNode] = []
        is_doubtful = False
        for name, signature, exact, coerce, absent, node in self._variables:
            value = given.get(name, Undefined)
            sources[name] = _new(VariableValueSource, (signature, value))
            try:
                if type(value) is exact:
                    coerced[name] = value
                elif value is not Undefined:
                    coerced[name] = coerce(value)
                elif absent is REQUIRED:
                    raise IrregularError
                elif absent is not Undefined:
                    coerced[name] = absent
            except UnsupportedError:
                unusual.append(node)
            except Exception:  # whatever is the matter, graphql-core says whether it is wrong
                unusual.append(node)
                is_doubtful = True
        values = _new(VariableValues, (sources, coerced))
        if not unusual:
            return values
        if is_doubtful:
            check()
        return self._with_others(values, unusual, given, max_errors)

    def _with_others(
        self,
        values: VariableValues,
        nodes: Sequence[VariableDefinitionNode],
        given: Mapping[str, Any],
        max_errors: int,
    ) -> VariableValues | list[GraphQLError]:
        found = get_variable_values(
            self._schema, nodes, dict(given), max_errors=max_errors, hide_suggestions=True
        )
        if isinstance(found, list):
            return found
        values.coerced.update(found.coerced)
        return values


_Variable = tuple[str, GraphQLVariableSignature, type, Convert, object, VariableDefinitionNode]


def _variable(
    schema: GraphQLSchema, node: VariableDefinitionNode, coercers: InputCoercers
) -> _Variable:
    signature = get_variable_signature(schema, node)
    if isinstance(signature, GraphQLError):
        raise UnsupportedError(signature.message)
    absent: object = Undefined
    if signature.default is not None:
        absent = usable_default(_default_of(signature))
    elif is_non_null_type(signature.type):
        absent = REQUIRED
    declared = signature.type
    try:
        coerce = coercers.of(declared)
    except UnsupportedError:
        coerce = left_to_core
    return signature.name, signature, exact_type(declared), coerce, absent, node
