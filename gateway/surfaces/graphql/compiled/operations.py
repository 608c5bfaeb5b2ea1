"""The compiled operations of one schema, bounded, and how a request is answered by them."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues

from gateway.surfaces.graphql.compiled.coercing import InputCoercers, VariableCoercer
from gateway.surfaces.graphql.compiled.compiler import CompiledOperation, compile_operation
from gateway.surfaces.graphql.compiled.conditions import (
    CONDITIONS,
    condition_variables,
    directives_reached,
)
from gateway.surfaces.graphql.compiled.irregular import UnsupportedError
from gateway.surfaces.graphql.compiled.replaying import Core
from gateway.surfaces.graphql.compiled.request import Request
from gateway.surfaces.graphql.compiled.running import run_at_once, run_in_turn
from gateway.surfaces.graphql.kept import KeptBySize

_BYTES_A_FIELD = 3400
_BYTES_A_TOKEN = 320
_BYTES_AN_OPERATION = 4000
"""What a compiled operation takes in memory, measured (tests/unit/graphql/test_compiled.py). It is
the variables and literals that take something for each token."""


class ValidDocument(Protocol):
    """A document that was validated, and is named by a digest of its text."""

    @property
    def digest(self) -> bytes:
        """The digest."""
        ...

    @property
    def tree(self) -> DocumentNode:
        """Its tree."""
        ...

    @property
    def size(self) -> int:
        """What the tree takes in memory, estimated, in bytes."""
        ...


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of an operation before a request: how its variables are coerced (None where it
    is not compiled at all), and the names of those that its ``@skip`` and ``@include`` use. One
    without such variables has a single form, which is here."""

    variables: VariableCoercer | None = None
    conditions: tuple[str, ...] = ()
    form: CompiledOperation | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    """An operation compiled for certain conditions; None where that cannot be done."""

    compiled: CompiledOperation | None


_Key = tuple[bytes, str | None]


class CompiledOperations:
    """Answers requests for valid operations of ``schema`` by their compiled forms.

    Forms are kept by the document's digest, the operation's name and the values of the variables
    in its conditions; all of them together, with the documents that they keep alive, take at most
    ``most_bytes``, and the least recently used go. Whoever fills that with rubbish pays a
    compilation for each form, which is less than the validation that a new document costs.
    """

    def __init__(self, schema: GraphQLSchema, most_bytes: int) -> None:
        self.plans: KeptBySize[_Plan] = KeptBySize(most_bytes // 2)
        self.forms: KeptBySize[_Form] = KeptBySize(most_bytes // 2)
        self._schema = schema
        self._coercers = InputCoercers()
        self._core = Core(schema)

    @property
    def interpreted(self) -> int:
        """How many answers graphql-core gave."""
        return self._core.runs

    def execute(
        self, document: ValidDocument, definition: OperationDefinitionNode, request: Request
    ) -> Awaitable[ExecutionResult]:
        """What graphql-core's ``execute`` answers for the operation ``definition`` of ``document``.

        Each resolver of a root field is called as often as there, and in the same order.

        Raises:
            Exception: what the request's ``check`` raises.
        """
        key = document.digest, definition.name.value if definition.name else None
        plan = self.plans.get(key) or self._planned(key, document, definition)
        if plan.variables is None:
            request.check()
            return self._core.run(document.tree, definition, request, {})
        values = plan.variables.values(
            request.variables, request.max_coercion_errors, request.check
        )
        if isinstance(values, list):
            return _refused(values)
        compiled = plan.form
        if plan.conditions:
            compiled = self._form(key, plan, document, definition, values)
        if compiled is None:
            return self._core.run(document.tree, definition, request, {}, values)
        run = run_in_turn if compiled.is_in_turn else run_at_once
        return run(compiled, document.tree, self._core, request, values)

    def _planned(
        self, key: _Key, document: ValidDocument, definition: OperationDefinitionNode
    ) -> _Plan:
        try:
            plan = self._plan(document, definition)
        except UnsupportedError:
            plan = _Plan()
        return self.plans.put(key, plan, _size(document, plan.form))

    def _plan(self, document: ValidDocument, definition: OperationDefinitionNode) -> _Plan:
        if any(self._schema.get_directive(name) for name in ("defer", "stream")):
            raise UnsupportedError("a schema that graphql-core itself refuses to run")
        reached = directives_reached(document.tree, definition)
        if any(node.name.value not in CONDITIONS for node in reached):
            raise UnsupportedError("directives")
        conditions = condition_variables(document.tree, definition)
        nodes = definition.variable_definitions or ()
        variables = VariableCoercer(self._schema, nodes, self._coercers)
        form = None if conditions else self._compiled(document, definition, {})
        return _Plan(variables, conditions, form)

    def _form(
        self,
        key: _Key,
        plan: _Plan,
        document: ValidDocument,
        definition: OperationDefinitionNode,
        values: VariableValues,
    ) -> CompiledOperation | None:
        conditions = [values.coerced.get(name) for name in plan.conditions]
        form_key = (*key, *conditions)
        form = self.forms.get(form_key)
        if form is None:
            known = dict(zip(plan.conditions, conditions, strict=True))
            form = _Form(self._compiled(document, definition, known))
            self.forms.put(form_key, form, _size(document, form.compiled))
        return form.compiled

    def _compiled(
        self,
        document: ValidDocument,
        definition: OperationDefinitionNode,
        conditions: Mapping[str, object],
    ) -> CompiledOperation | None:
        known = {name: value for name, value in conditions.items() if isinstance(value, bool)}
        if len(known) < len(conditions):  # graphql-core says what a missing condition means
            return None
        try:
            return compile_operation(self._schema, document.tree, definition, known)
        except (UnsupportedError, GraphQLError, RecursionError):
            return None


def coerced(
    schema: GraphQLSchema, definition: OperationDefinitionNode, request: Request
) -> VariableValues | list[GraphQLError]:
    """The values of the variables of an operation that runs on a schema once, or graphql-core's
    errors.

    Raises:
        Exception: what the request's ``check`` raises.
    """
    variables = VariableCoercer(schema, definition.variable_definitions or (), InputCoercers())
    return variables.values(request.variables, request.max_coercion_errors, request.check)


async def _refused(errors: list[GraphQLError]) -> ExecutionResult:
    return ExecutionResult(None, errors)


def _size(document: ValidDocument, compiled: CompiledOperation | None) -> int:
    fields = compiled.fields if compiled else 0
    own = _BYTES_AN_OPERATION + _BYTES_A_FIELD * fields
    return document.size + own + _BYTES_A_TOKEN * document.tree.token_count
