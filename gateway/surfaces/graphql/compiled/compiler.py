"""The compiler: from a validated operation to closures over its selection set.

Fields are collected once, with graphql-core's own functions, so that fragments, aliases, merging
and ``@skip`` and ``@include`` are what GraphQL says they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    Executor,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    default_field_resolver,
    default_type_resolver,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from gateway.surfaces.graphql.compiled.arguments import Arguments, arguments_of
from gateway.surfaces.graphql.compiled.completing import (
    Completer,
    Member,
    complete_leaf,
    complete_list,
    complete_object,
    complete_typename,
    plain_type,
    with_ids,
)
from gateway.surfaces.graphql.compiled.irregular import (
    Never,
    UnsupportedError,
    is_coroutine,
)
from gateway.surfaces.graphql.compiled.keeping import keep_whole, keeps_all
from gateway.surfaces.graphql.compiled.leaves import Convert
from gateway.surfaces.graphql.compiled.request import Request
from gateway.surfaces.graphql.compiled.writing import WRITTEN_ID
from gateway.surfaces.graphql.schema.resolvers import ContractCaller, FieldReader, IdReader

_TYPENAME = "__typename"


Call = Callable[[Request, VariableValues, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class CompiledRoot:
    """A root field: its response name, what gives its arguments, what calls its resolver with them
    (None for ``__typename``, which needs no call), what completes the outcome.

    ``is_required`` is true where the answer has no data at all if this field has none. ``nodes``
    are the places in the document where it stands.
    """

    key: str
    arguments: Arguments
    call: Call | None
    complete: Convert
    is_required: bool = False
    nodes: Sequence[FieldNode] = ()


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """One form of an operation: its definition, its root fields, whether one waits for the other
    (or there is but one), and how many fields it has in all, as a measure of its size."""

    definition: OperationDefinitionNode
    roots: tuple[CompiledRoot, ...]
    is_in_turn: bool
    fields: int


def compile_operation(
    schema: GraphQLSchema,
    tree: DocumentNode,
    operation: OperationDefinitionNode,
    conditions: Mapping[str, bool],
) -> CompiledOperation:
    """Compile an operation of the valid document ``tree``.

    ``conditions`` are the values of the variables that its ``@skip`` and ``@include`` use.

    Raises:
        UnsupportedError: it asks for something that is not compiled: the schema itself, an abstract
            type, a field with a resolver of its own below the root, several root fields at once
            where one failing would cancel the others.
    """
    root_type = schema.get_root_type(operation.operation)
    if root_type is None:
        raise UnsupportedError("no root type")
    compiler = _Compiler(schema, tree, operation, conditions)
    roots = tuple(compiler.roots(root_type))
    is_in_turn = operation.operation is OperationType.MUTATION or len(roots) == 1
    if not is_in_turn and any(root.is_required for root in roots):
        raise UnsupportedError("a failing field would cancel the others")
    return CompiledOperation(operation, roots, is_in_turn, compiler.fields)


class _Compiler:
    """Compiles one operation. ``fields`` counts those that were compiled."""

    def __init__(
        self,
        schema: GraphQLSchema,
        tree: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: Mapping[str, bool],
    ) -> None:
        self.fields = 0
        self._schema = schema
        self._operation = operation
        self._values = VariableValues({}, dict(conditions))
        self._fragments = {
            node.name.value: FragmentDetails(node)
            for node in tree.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._executor = self._idle_executor()

    def roots(self, root_type: GraphQLObjectType) -> list[CompiledRoot]:
        """The root fields, in the order of the answer."""
        collected = collect_fields(
            self._schema, self._fragments, self._values, root_type, self._operation, True
        ).grouped_field_set
        return [self._root(root_type, key, details) for key, details in collected.items()]

    def _root(
        self, root_type: GraphQLObjectType, key: str, details: FieldDetailsList
    ) -> CompiledRoot:
        self.fields += 1
        node = details[0].node
        name = node.name.value
        if name == _TYPENAME:
            told = complete_typename(root_type.name)
            return CompiledRoot(key, _no_arguments, None, told.finish)
        field = self._field(root_type, name)
        return CompiledRoot(
            key,
            arguments_of(field, node),
            self._call(root_type, key, field, details),
            self._finish(field, details),
            is_non_null_type(field.type),
            [item.node for item in details],
        )

    def _finish(self, field: GraphQLField, details: FieldDetailsList) -> Convert:
        """What completes the outcome of a root field."""
        completer = self._completer(field.type, details)
        if isinstance(field.resolve, ContractCaller):
            contract = field.resolve.contract
            if keeps_all(completer, contract.output, contract.types):
                return keep_whole(completer.finish)
        return completer.finish

    def _call(
        self, root_type: GraphQLObjectType, key: str, field: GraphQLField, details: FieldDetailsList
    ) -> Call:
        """What calls a resolver with graphql-core's info: most of that is the same each time."""
        resolve = field.resolve or default_field_resolver
        if isinstance(resolve, ContractCaller):
            call_contract: Callable[..., Any] = resolve.call
            return lambda request, _, given: call_contract(request.context, key, given)
        operation = self._operation
        name = details[0].node.name.value
        nodes = [item.node for item in details]
        path = Path(None, key, root_type.name)
        fragments = {name: item.definition for name, item in self._fragments.items()}
        before = (name, nodes, field.type, root_type, path, self._schema, fragments)
        after = (is_coroutine, None, self._executor.async_helpers)

        def call(request: Request, values: VariableValues, arguments: dict[str, Any]) -> Any:
            source = request.root_value
            of_request = (source, operation, values, request.context)
            info = tuple.__new__(GraphQLResolveInfo, before + of_request + after)
            return resolve(source, info, **arguments)

        return call

    def _completer(self, declared: GraphQLOutputType, details: FieldDetailsList) -> Completer:
        is_nullable = not is_non_null_type(declared)
        inner = declared if is_nullable else declared.of_type  # type: ignore[union-attr]  # not nullable
        if is_list_type(inner):
            return complete_list(self._completer(inner.of_type, details), is_nullable=is_nullable)
        if is_leaf_type(inner):
            return complete_leaf(inner, is_nullable=is_nullable)
        if is_object_type(inner) and inner.is_type_of is None:
            return self._object(inner, details, is_nullable=is_nullable)
        raise UnsupportedError(f"values of type {inner}")

    def _object(
        self, parent: GraphQLObjectType, details: FieldDetailsList, *, is_nullable: bool
    ) -> Completer:
        collected = collect_subfields(
            self._schema, self._fragments, self._values, self._operation, parent, details, True
        ).grouped_field_set
        members = [self._member(parent, key, inner) for key, inner in collected.items()]
        completer = complete_object(members, is_nullable=is_nullable)
        ids = [
            (key, resolve.of)
            for key, inner in collected.items()
            if isinstance(resolve := self._resolver(parent, inner), IdReader)
        ]
        return with_ids(completer, ids) if ids else completer

    def _resolver(self, parent: GraphQLObjectType, details: FieldDetailsList) -> object:
        field = parent.fields.get(details[0].node.name.value)
        return field.resolve if field is not None else None

    def _member(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Member:
        self.fields += 1
        name = details[0].node.name.value
        if name == _TYPENAME:
            return Member(key, None, Never, complete_typename(parent.name))
        field = self._field(parent, name)
        if isinstance(field.resolve, IdReader):  # made once the other fields are there
            return Member(key, None, Never, Completer(_nothing, WRITTEN_ID))
        if field.args:  # graphql-core may find one that does not fit
            raise UnsupportedError(f"the arguments of {parent.name}.{name}")
        if field.resolve is None:
            read = name
        elif isinstance(field.resolve, FieldReader):
            read = field.resolve.name
        else:
            raise UnsupportedError(f"the resolver of {parent.name}.{name}")
        return Member(key, read, plain_type(field.type), self._completer(field.type, details))

    def _field(self, parent: GraphQLObjectType, name: str) -> GraphQLField:
        field: GraphQLField | None = parent.fields.get(name)
        if field is None:
            raise UnsupportedError(f"the field {name} of {parent.name}")
        return field

    def _idle_executor(self) -> Executor[Any]:
        """An executor that runs nothing: resolvers are given its helpers for awaiting."""
        return Executor(
            self._schema,
            {},
            {},
            None,
            None,
            self._operation,
            self._values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=is_coroutine,
        )


def _nothing(_value: object) -> None:
    return None


def _no_arguments(_values: VariableValues) -> dict[str, Any]:
    return {}
