"""The parameters of a GraphQL request, from a POST body or from a query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from gateway.model.json import JsonObject, JsonValue
from gateway.model.problem import Issue, invalid, refuse
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.strict_json import parse_json

LONGEST_ID = 256
"""How long the id of a document may be, in characters."""

_MOST_PARAMETERS = 20

_USUAL = frozenset({"query", "variables", "operationName"})


@dataclass(frozen=True, slots=True)
class DocumentName:
    """A document by name: ``documentId``, or the hash of Apollo's ``extensions.persistedQuery``,
    for which ``is_hash`` is true. ``path`` is where it stands in the request."""

    id: str
    is_hash: bool
    path: str


@dataclass(slots=True)  # not frozen: that would triple what it takes to make one
class Parameters:
    """What a request asks to run: the text of a document, its name, or both.

    ``operation_name`` is None where the request names none; ``wants_cost`` is true where its
    ``extensions`` ask with ``{"cost": true}`` to be told the cost.
    """

    query: str | None
    variables: JsonObject = field(default_factory=dict)
    operation_name: str | None = None
    document: DocumentName | None = None
    wants_cost: bool = False


def from_body(body: bytes, limits: Limits) -> Parameters:
    """The parameters in the body of a POST.

    Raises:
        ProblemError: BAD_REQUEST for a body that is not strict JSON, VALIDATION_FAILED with every
            parameter that is not what GraphQL over HTTP asks for.
    """
    value = parse_json(body, "body", "", limits)
    if isinstance(value, list):
        message = "batches are not served; send one JSON object for each request"
        raise invalid([Issue("", "WRONG_TYPE", message)])
    if not isinstance(value, dict):
        message = "the body is not a JSON object; send one with the member query"
        raise invalid([Issue("", "WRONG_TYPE", message)])
    return parameters_of(value)


def from_query_string(query_string: bytes, limits: Limits) -> Parameters:
    """The parameters in the query string of a GET; objects in it are JSON.

    Raises:
        ProblemError: as ``from_body``.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_PARAMETERS,
            errors="strict",
        )
    except ValueError:
        raise _bad_query("is not percent-encoded UTF-8 with few parameters") from None
    given: dict[str, JsonValue] = dict(pairs)
    if len(given) != len(pairs):
        raise _bad_query("has a parameter twice")
    for name in ("variables", "extensions"):
        text = given.pop(name, "")
        if text:
            given[name] = parse_json(text, name, f"/{name}", limits)
    return parameters_of(given)


def _bad_query(what: str) -> Exception:
    detail = f"The query string {what}. Send query, variables and operationName once each."
    return refuse("BAD_REQUEST", detail, issues=(Issue("uri", "BAD_REQUEST", detail),))


def parameters_of(given: Mapping[str, JsonValue]) -> Parameters:
    """The parameters among the members of a request.

    Raises:
        ProblemError: VALIDATION_FAILED with every parameter that is not as it must be.
    """
    return _usual(given) or _checked(given)


def _usual(given: Mapping[str, JsonValue]) -> Parameters | None:
    """The parameters where they are a text, and perhaps variables and a name, as most are."""
    if not given.keys() <= _USUAL:
        return None
    query, name = given.get("query"), given.get("operationName")
    variables = given.get("variables", {})
    if type(query) is not str or type(variables) is not dict:
        return None
    if name is not None and type(name) is not str:
        return None
    return Parameters(query, variables, name or None)


def _checked(given: Mapping[str, JsonValue]) -> Parameters:
    names, issues = _names(given)
    query = given.get("query")
    if not isinstance(query, str) and (query is not None or not (names or issues)):
        issues.insert(0, _query_issue(given))
    for name, wanted, words in (
        ("variables", dict, "an object"),
        ("operationName", str, "a string"),
        ("extensions", dict, "an object"),
    ):
        value = given.get(name)
        if value is not None and not isinstance(value, wanted):
            message = f"{name} is not {words}; send {words} or leave it out"
            issues.append(Issue(f"/{name}", "WRONG_TYPE", message))
    if issues:
        raise invalid(issues)
    return Parameters(
        query=query or (None if names else ""),  # a name with an empty text is a name alone
        variables=given.get("variables") or {},
        operation_name=given.get("operationName") or None,
        document=names[0] if names else None,
        wants_cost=(given.get("extensions") or {}).get("cost") is True,
    )


def _names(given: Mapping[str, JsonValue]) -> tuple[list[DocumentName], list[Issue]]:
    """By what names a request means a document, and what is wrong with them."""
    extensions = given.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    found: list[tuple[str, JsonValue, bool]] = []
    if given.get("documentId") is not None:
        found.append(("/documentId", given["documentId"], False))
    if persisted is not None:
        at = "/extensions/persistedQuery"
        version = persisted.get("version") if isinstance(persisted, dict) else None
        if not isinstance(persisted, dict) or version != 1 or isinstance(version, bool):
            message = "persistedQuery is not an object of version 1; send one, or leave it out"
            return [], [Issue(at, "NOT_ALLOWED", message)]
        found.append((f"{at}/sha256Hash", persisted.get("sha256Hash"), True))
    names, issues = [], []
    for path, value, is_hash in found:
        if isinstance(value, str) and 0 < len(value) <= LONGEST_ID:
            names.append(DocumentName(value, is_hash, path))
        else:
            message = f"the id is not a string of 1 to {LONGEST_ID} characters; send one"
            issues.append(Issue(path, "WRONG_TYPE", message))
    if len(names) > 1:
        message = "the document has two names; send documentId or persistedQuery, not both"
        issues.append(Issue("/documentId", "NOT_ALLOWED", message))
    return names, issues


def _query_issue(given: Mapping[str, JsonValue]) -> Issue:
    if given.get("query") is None:
        message = "query is missing; send the GraphQL document as a string, or its documentId"
        return Issue("/query", "REQUIRED", message)
    return Issue("/query", "WRONG_TYPE", "query is not a string; send the GraphQL document as one")
