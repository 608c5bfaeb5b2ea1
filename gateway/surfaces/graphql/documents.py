"""Documents made ready to run: parsed, counted, validated once, and kept.

What is kept is bounded by the estimated size of the parsed documents, and only valid documents
are, so a caller cannot fill the cache with rubbish or learn from it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ParamSpec, TypeVar

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    ValueNode,
    parse,
    specified_rules,
    validate,
)
from graphql.language.visitor import SKIP, VisitorAction
from graphql.utilities import validate_input_literal
from graphql.validation import (
    ASTValidationRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    ValuesOfCorrectTypeRule,
)

from gateway.model.problem import Issue, problem
from gateway.surfaces.graphql.errors import (
    RequestRefusedError,
    error_entry,
    limit_refusal,
    syntax_refusal,
    validation_entry,
)
from gateway.surfaces.graphql.guards import Exceeded, inspect_document
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.shapes import LazyShape, Vocabulary
from gateway.surfaces.graphql.values import literal_issues

P = ParamSpec("P")
T = TypeVar("T")

_BYTES_A_TOKEN = 700
_BYTES_A_DOCUMENT = 2000
"""What a parsed document takes in memory, measured (see tests/unit/graphql/test_documents.py)."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may run: its tree, its operations, whether it asks for the schema, and what
    logs may tell of it."""

    tree: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    introspects: bool
    size: int
    shape: LazyShape


class Documents:
    """Prepares documents for one schema and keeps the recent ones."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self._limits = limits
        self._rules = _rules(limits)
        self._kept: OrderedDict[bytes, Document] = OrderedDict()
        self._kept_bytes = 0

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names that the schema knows."""
        return Vocabulary.of(self.schema)

    @property
    def kept_bytes(self) -> int:
        """The estimated size of the documents that are kept."""
        return self._kept_bytes

    def prepare(self, source: str, may_introspect: Callable[[], bool]) -> Document:
        """The document of ``source``, ready to run.

        ``may_introspect`` is asked only where it matters: for a document that asks for the
        schema, and before names of the schema are suggested for a mistyped one.

        Raises:
            RequestRefusedError: the text does not parse, breaks a limit or a rule of GraphQL, or
                asks for the schema where the caller may not.
        """
        raw = source.encode()
        if len(raw) > self._limits.source_bytes:
            raise limit_refusal([Exceeded("source_bytes", len(raw), self._limits.source_bytes)])
        key = hashlib.sha256(raw).digest()
        found = self._kept.get(key)
        if found is None:
            found = self._validated(source, may_introspect)
            self._keep(key, found)
        else:
            self._kept.move_to_end(key)
            _with_shape(found.shape, _refuse_introspection, found.introspects, may_introspect)
        return found

    def _validated(self, source: str, may_introspect: Callable[[], bool]) -> Document:
        tree = self._parsed(source)
        shape = LazyShape(tree, lambda: self.vocabulary)
        introspects = _with_shape(shape, self._checked, tree, may_introspect)
        operations = [
            node for node in tree.definitions if isinstance(node, OperationDefinitionNode)
        ]
        size = _BYTES_A_DOCUMENT + _BYTES_A_TOKEN * tree.token_count + 2 * len(source)
        return Document(tree, tuple(operations), introspects, size, shape)

    def _checked(self, tree: DocumentNode, may_introspect: Callable[[], bool]) -> bool:
        """Hold a tree to the limits and rules; whether it asks for the schema."""
        finding = inspect_document(tree, self._limits)
        if finding.exceeded:
            raise limit_refusal(finding.exceeded)
        _refuse_introspection(finding.introspects, may_introspect)
        errors = self._errors(tree, hide_suggestions=not may_introspect())
        if errors:
            raise self._refusal(errors)
        return finding.introspects

    def _parsed(self, source: str) -> DocumentNode:
        limits = self._limits
        try:
            return parse(source, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            for name, maximum in (("tokens", limits.tokens), ("comments", limits.comments)):
                if f"more than {maximum} {name}" in error.message:
                    raise limit_refusal([Exceeded(name, maximum + 1, maximum)]) from None
            raise syntax_refusal(error) from None

    def _errors(self, tree: DocumentNode, *, hide_suggestions: bool) -> list[GraphQLError]:
        return validate(
            self.schema,
            tree,
            self._rules,
            max_errors=self._limits.validation_errors,
            hide_suggestions=hide_suggestions,
        )

    def _refusal(self, errors: list[GraphQLError]) -> RequestRefusedError:
        told = [error for error in errors if not error.message.endswith("Validation aborted.")]
        if not told:  # the only rule that gives up is that of overlapping fields
            budget = self._limits.overlap_budget
            return limit_refusal([Exceeded("overlap_budget", budget + 1, budget)])
        entries = [validation_entry(error) for error in told[: self._limits.validation_errors]]
        return RequestRefusedError(422, entries)

    def _keep(self, key: bytes, document: Document) -> None:
        self._kept[key] = document
        self._kept_bytes += document.size
        while self._kept_bytes > self._limits.cache_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= dropped.size


def _with_shape(shape: LazyShape, check: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Call ``check``; where it refuses the document, the refusal knows its shape."""
    try:
        return check(*given, **named)
    except RequestRefusedError as refused:
        refused.shape = shape
        raise


def _refuse_introspection(introspects: bool, may_introspect: Callable[[], bool]) -> None:
    if introspects and not may_introspect():
        detail = (
            "The schema is not open to this caller: the document asks for __schema or __type. "
            "Leave them out, or read the published schema file."
        )
        issue = Issue("/query", "GRAPHQL_VALIDATION_FAILED", detail)
        told = problem("GRAPHQL_VALIDATION_FAILED", detail, issues=(issue,))
        raise RequestRefusedError(told.status, [error_entry(told)])


def _rules(limits: Limits) -> list[type[ASTValidationRule]]:
    """GraphQL's rules, two of them in forms of our own."""

    class BoundedOverlap(OverlappingFieldsCanBeMergedRule):
        """The rule with a smaller budget: graphql-core's own lets 4 KB cost a second."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.overlap_budget

    own: dict[type[ASTValidationRule], type[ASTValidationRule]] = {
        OverlappingFieldsCanBeMergedRule: BoundedOverlap,
        ValuesOfCorrectTypeRule: QuietLiterals,
    }
    return [own.get(rule, rule) for rule in specified_rules]


class QuietLiterals(ValuesOfCorrectTypeRule):
    """The rule that literals fit their types, with messages that do not quote the literal."""

    def is_valid_value_node(
        self, node: ValueNode, input_type: GraphQLInputType | None
    ) -> VisitorAction:
        """Report every issue of a literal; graphql-core decides whether there is any."""
        if input_type is None:
            return SKIP
        refused: list[GraphQLError] = []
        validate_input_literal(node, input_type, lambda error, _path: refused.append(error))
        if refused:
            issues = list(literal_issues(node, input_type, ""))
            said = [f"{issue.path or 'it'} {issue.message}" for issue in issues]
            for message in said or [f"it must be a value of {input_type}"]:
                self.report_error(GraphQLError(f"In this literal, {message}", node))
        return SKIP
