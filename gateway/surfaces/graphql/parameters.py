"""The parameters of a GraphQL request, from a POST body or from a query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from gateway.model.json import JsonObject, JsonValue
from gateway.model.problem import Issue, invalid, refuse
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.strict_json import parse_json

_MOST_PARAMETERS = 20


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request asks to run; ``operation_name`` is None where it names none."""

    query: str
    variables: JsonObject = field(default_factory=dict)
    operation_name: str | None = None


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
    issues = []
    if not isinstance(given.get("query"), str):
        issues.append(_query_issue(given))
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
        query=given["query"],
        variables=given.get("variables") or {},
        operation_name=given.get("operationName") or None,
    )


def _query_issue(given: Mapping[str, JsonValue]) -> Issue:
    if given.get("query") is None:
        message = "query is missing; send the GraphQL document as a string"
        return Issue("/query", "REQUIRED", message)
    return Issue("/query", "WRONG_TYPE", "query is not a string; send the GraphQL document as one")
