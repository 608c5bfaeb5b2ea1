"""Documents made ready to run: parsed, counted, validated once, and kept.

What is kept is bounded by the estimated size of the parsed documents, and only valid documents
are, so a caller cannot fill the cache with rubbish or learn from it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakSet

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_introspection_query,
    parse,
    validate,
)

from gateway.model.problem import Issue, problem
from gateway.surfaces.graphql.compiled import CompiledOperations
from gateway.surfaces.graphql.errors import (
    RequestRefusedError,
    error_entry,
    syntax_refusal,
    validation_entry,
)
from gateway.surfaces.graphql.kept import KeptBySize
from gateway.surfaces.graphql.limiting.cost import Price, Prices
from gateway.surfaces.graphql.limiting.guards import Exceeded, inspect_document
from gateway.surfaces.graphql.limiting.limit_errors import limit_refusal
from gateway.surfaces.graphql.limiting.repeated import Uses, repeated_in
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.operations.rules import rules_within
from gateway.surfaces.graphql.operations.schema_answers import SchemaAnswers
from gateway.surfaces.graphql.operations.source_text import SourceText
from gateway.surfaces.graphql.schema.sight import Seen, Sight, Views
from gateway.surfaces.graphql.shapes import LazyShape, Vocabulary

_FULL_INTROSPECTION = get_introspection_query(
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)

_BYTES_A_TOKEN = 700
_BYTES_A_DOCUMENT = 2000
"""What a parsed document takes in memory, measured (see tests/unit/graphql/test_documents.py)."""

_MOST_FITS = 64
_BYTES_A_FIT = 150
"""How many views a document remembers to fit, and what each takes."""

Fits = WeakSet[GraphQLSchema]


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may run: the digest of its text, its tree, its operations and what runs
    them, whether it asks for the schema, what logs may tell of it, what its operations cost and
    which variables they repeat, by the identity of their nodes, and where answers about the schema
    are kept.

    ``fits`` are the views of the schema for which one that asks for it was found to be valid.
    """

    digest: bytes
    tree: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    compiled: CompiledOperations
    introspects: bool
    size: int
    shape: LazyShape
    prices: Mapping[int, Price]
    repeated: Mapping[int, Uses]
    schema_answers: SchemaAnswers
    fits: Fits


class Documents:
    """Prepares documents for one schema and keeps the recent ones."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.views = Views(schema)
        self._limits = limits
        self._rules = rules_within(limits)
        self._prices = Prices(schema)
        self._answers = SchemaAnswers(limits.kept_answer_bytes)
        self._recent = _Shelf(schema, limits.cache_bytes, limits.compiled_bytes)
        self._trusted = _Shelf(schema, limits.trusted_bytes, limits.trusted_bytes)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names that the schema knows."""
        return Vocabulary.of(self.schema)

    @property
    def kept_bytes(self) -> int:
        """The estimated size of the documents that are kept."""
        return self._recent.documents.bytes + self._trusted.documents.bytes

    def prepare(self, source: str, seen: Seen, *, is_trusted: bool = False) -> Document:
        """The document of ``source``, ready to run.

        ``seen`` is asked only where it matters: a document that asks for the schema must be one
        of the schema that its caller sees, and that alone is told of where one is not valid. One
        that ``is_trusted`` is kept apart, where those that anybody can send do not push it out.

        Raises:
            RequestRefusedError: the text does not parse, breaks a limit or a rule of GraphQL, or
                asks for the schema where the caller may not.
        """
        shelf = self._trusted if is_trusted else self._recent
        found = shelf.documents.get(source)
        if found is None:
            found = self._validated(source, seen, shelf.compiled)
            shelf.documents.put(source, found, found.size)
        elif found.introspects:
            with _telling(found.shape):
                self._check_introspection(found.tree, seen(), found.fits)
        return found

    def _validated(self, source: str, seen: Seen, compiled: CompiledOperations) -> Document:
        raw = source.encode()
        if len(raw) > self._limits.source_bytes:
            raise limit_refusal([Exceeded("source_bytes", len(raw), self._limits.source_bytes)])
        tree = self._parsed(source)
        shape = LazyShape(tree, lambda: self.vocabulary)
        fits: Fits = WeakSet()
        with _telling(shape):
            introspects = self._checked(tree, seen, fits)
            prices = self._priced(tree)
        operations = tuple(
            node for node in tree.definitions if isinstance(node, OperationDefinitionNode)
        )
        size = _BYTES_A_DOCUMENT + _BYTES_A_TOKEN * tree.token_count + 2 * len(source)
        if introspects:
            size += _MOST_FITS * _BYTES_A_FIT
        digest = hashlib.sha256(raw).digest()
        return Document(
            *(digest, tree, operations, compiled, introspects, size, shape, prices),
            *(repeated_in(tree), self._answers, fits),
        )

    def _checked(self, tree: DocumentNode, seen: Seen, fits: Fits) -> bool:
        """Hold a tree to the limits and rules; whether it asks for the schema."""
        finding = inspect_document(tree, self._limits)
        if finding.exceeded:
            raise limit_refusal(finding.exceeded)
        if finding.introspects:
            self._check_introspection(tree, seen(), fits)
        self._refuse_invalid(self.schema, tree, seen)
        return finding.introspects

    def _check_introspection(self, tree: DocumentNode, sight: Sight, fits: Fits) -> None:
        """Hold a tree that asks for the schema to the one that its caller sees, once for each."""
        if not sight.is_open:
            raise _closed()
        if sight.schema is self.schema or sight.schema in fits:
            return
        self._refuse_invalid(sight.schema, tree, lambda: sight)
        if len(fits) >= _MOST_FITS:
            fits.pop()
        fits.add(sight.schema)

    def _refuse_invalid(self, schema: GraphQLSchema, tree: DocumentNode, seen: Seen) -> None:
        """Validate a tree; what is wrong is sought once more, on what the caller sees, to be told.
        Comparisons that were too many once are not made again."""
        errors = self._errors(schema, tree, most=1)
        if not errors:
            return
        raise self._refusal(tree, seen()) if _told(errors) else self._overlap_refusal()

    def _priced(self, tree: DocumentNode) -> Mapping[int, Price]:
        """What operations cost, none of which may ask for much more of the schema than tools do."""
        prices = self._prices.of(tree)
        asked = round(max((price.schema for price in prices.values()), default=0))
        if asked > 0 and asked > self._schema_budget:
            raise limit_refusal([Exceeded("introspection_cost", asked, self._schema_budget)])
        return prices

    @cached_property
    def _schema_budget(self) -> int:
        """The cost of the query that tools send for the schema, and some more."""
        (price,) = self._prices.of(parse(_FULL_INTROSPECTION)).values()
        return round(price.schema * 1.25)

    def _parsed(self, source: str) -> DocumentNode:
        limits, text = self._limits, SourceText(source)
        try:
            return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            for name, maximum in (("tokens", limits.tokens), ("comments", limits.comments)):
                if f"more than {maximum} {name}" in error.message:
                    raise limit_refusal([Exceeded(name, maximum + 1, maximum)]) from None
            raise syntax_refusal(error) from None

    def _errors(
        self, schema: GraphQLSchema, tree: DocumentNode, most: int, *, suggests: bool = False
    ) -> list[GraphQLError]:
        return validate(schema, tree, self._rules, most, hide_suggestions=not suggests)

    def _refusal(self, tree: DocumentNode, sight: Sight) -> RequestRefusedError:
        """What is wrong with a tree, told of nothing but the schema that its caller sees."""
        most = self._limits.validation_errors
        errors = self._errors(sight.schema, tree, most, suggests=sight.is_open)
        told = _told(errors)
        if not told:
            return self._overlap_refusal()
        return RequestRefusedError(422, [validation_entry(error) for error in told[:most]])

    def _overlap_refusal(self) -> RequestRefusedError:
        """The only rule that gives up is that of overlapping fields."""
        budget = self._limits.overlap_budget
        return limit_refusal([Exceeded("overlap_budget", budget + 1, budget)])


def _told(errors: list[GraphQLError]) -> list[GraphQLError]:
    """What is wrong with a document, without the word that validation was given up."""
    return [error for error in errors if not error.message.endswith("Validation aborted.")]


class _Shelf:
    """Documents and their compiled operations, each within so many bytes."""

    def __init__(self, schema: GraphQLSchema, most: int, most_compiled: int) -> None:
        self.documents: KeptBySize[Document] = KeptBySize(most)
        self.compiled = CompiledOperations(schema, most_compiled)


@contextmanager
def _telling(shape: LazyShape) -> Iterator[None]:
    """Whoever refuses the document within knows its shape."""
    try:
        yield
    except RequestRefusedError as refused:
        refused.shape = shape
        raise


def _closed() -> RequestRefusedError:
    detail = (
        "The schema is not open to this caller: the document asks for __schema or __type. "
        "Leave them out, send a token, or read the published schema file."
    )
    issue = Issue("/query", "GRAPHQL_VALIDATION_FAILED", detail)
    told = problem("GRAPHQL_VALIDATION_FAILED", detail, issues=(issue,))
    return RequestRefusedError(told.status, [error_entry(told)])
