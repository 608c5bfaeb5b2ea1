"""Whether trusted documents would run: each parsed, counted and validated as a request's is."""

from collections.abc import Iterable, Iterator

from graphql import GraphQLSchema, OperationDefinitionNode, get_location, parse
from graphql.error import GraphQLError

from gateway.model.json import JsonObject
from gateway.model.problem import Issue
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.limiting.cost import cost_of, exceeded_by
from gateway.surfaces.graphql.limiting.limit_errors import limit_refusal
from gateway.surfaces.graphql.limiting.list_sizes import least_variables
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.operations.documents import Documents
from gateway.surfaces.graphql.schema.sight import Sight
from gateway.surfaces.graphql.trusted.manifests import Entry
from gateway.surfaces.graphql.trusted.store import TrustedDocument


def broken_documents(
    documents: Iterable[TrustedDocument], schema: GraphQLSchema, limits: Limits
) -> Iterator[tuple[TrustedDocument, list[Issue]]]:
    """The documents that would be refused, with the reasons at each place of registration.

    Whoever may read the schema may run a document that asks for it, so that is no reason here. One
    that costs too much is told where no variables make it cheap enough.
    """
    prepared = Documents(schema, limits)
    for document in documents:
        faults = list(_faults(document, prepared, limits))
        if faults:
            yield document, [_issue(entry, fault) for entry in document.entries for fault in faults]


def _faults(document: TrustedDocument, prepared: Documents, limits: Limits) -> Iterator[JsonObject]:
    """Why requests with a document would be refused, as such requests are told."""
    schema = prepared.schema
    try:
        found = prepared.prepare(document.text, lambda: Sight(schema, is_open=True))
    except RequestRefusedError as refused:
        yield from refused.errors
        return
    for operation in found.operations:
        least = least_variables(operation, schema)
        exceeded = exceeded_by(cost_of(found.prices[id(operation)], operation, least), limits)
        if exceeded:
            for error in limit_refusal(exceeded).errors:
                yield {**error, "locations": _start_of(operation)}


def _start_of(operation: OperationDefinitionNode) -> list[JsonObject]:
    if operation.loc is None:
        return []
    start = get_location(operation.loc.source, operation.loc.start)
    return [{"line": start.line, "column": start.column}]


def _issue(entry: Entry, error: JsonObject) -> Issue:
    """An entry of a refusal at the place where its document is registered."""
    told = error["extensions"]["problem"]
    places = error.get("locations") or []
    place = f":{places[0]['line']}:{places[0]['column']}" if places else ""
    return Issue(f"{entry.at}{place}", told["code"], told["detail"])


def operation_names(document: TrustedDocument, limits: Limits) -> list[str]:
    """The names of a document's operations; none where it breaks limits or cannot be parsed."""
    if len(document.text.encode()) > limits.source_bytes:
        return []
    try:
        tree = parse(document.text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
    except GraphQLError:
        return []
    return [
        node.name.value
        for node in tree.definitions
        if isinstance(node, OperationDefinitionNode) and node.name
    ]
