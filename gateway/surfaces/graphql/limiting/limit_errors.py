"""The refusals of documents that break limits: each limit has a code of its own."""

from collections.abc import Sequence

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, Problem, problem
from gateway.surfaces.graphql.errors import RequestRefusedError, error_entry
from gateway.surfaces.graphql.limiting.guards import CEILING, Exceeded
from gateway.surfaces.graphql.shapes import LazyShape

_TOLD = {
    "source_bytes": ("SOURCE_LIMIT_EXCEEDED", "bytes of source text"),
    "tokens": ("TOKEN_LIMIT_EXCEEDED", "tokens"),
    "comments": ("COMMENT_LIMIT_EXCEEDED", "comments"),
    "depth": ("DEPTH_LIMIT_EXCEEDED", "levels of fields"),
    "introspection_depth": (
        "INTROSPECTION_DEPTH_LIMIT_EXCEEDED",
        "levels of introspection fields",
    ),
    "introspections": ("INTROSPECTION_LIMIT_EXCEEDED", "fields __schema and __type"),
    "introspection_cost": (
        "INTROSPECTION_COST_LIMIT_EXCEEDED",
        "introspection fields once lists are expanded",
    ),
    "aliases": ("ALIAS_LIMIT_EXCEEDED", "aliases"),
    "directives": ("DIRECTIVE_LIMIT_EXCEEDED", "directives"),
    "root_fields": ("ROOT_FIELD_LIMIT_EXCEEDED", "root fields"),
    "fields": ("FIELD_LIMIT_EXCEEDED", "fields once its fragments are expanded"),
    "operations": ("OPERATION_LIMIT_EXCEEDED", "operations"),
    "fragments": ("FRAGMENT_LIMIT_EXCEEDED", "fragments"),
    "variables": ("VARIABLE_LIMIT_EXCEEDED", "variable definitions in one operation"),
    "overlap_budget": (
        "OVERLAP_LIMIT_EXCEEDED",
        "comparisons between fields of the same response name",
    ),
    "cost": ("COST_LIMIT_EXCEEDED", "units of cost"),
    "list_size": ("LIST_LIMIT_EXCEEDED", "items in a list that is asked for by limit or first"),
}
"""The code of each limit, and what it counts."""


def limit_refusal(
    exceeded: Sequence[Exceeded], shape: LazyShape | None = None
) -> RequestRefusedError:
    """The refusal of a document that breaks limits: one entry for each of them.

    ``shape`` is what logs may tell of it, where that is known.
    """
    problems = [_limit_problem(item) for item in exceeded]
    return RequestRefusedError(problems[0].status, [error_entry(told) for told in problems], shape)


def _limit_problem(exceeded: Exceeded) -> Problem:
    code, words = _TOLD[exceeded.limit]
    at_least = "at least " if exceeded.value >= CEILING else ""
    counted = (
        f" and has {at_least}{exceeded.value}" if exceeded.value > exceeded.maximum + 1 else ""
    )
    detail = (
        f"The document may have {exceeded.maximum} {words}{counted}. "
        "Ask for less, or split it into several requests."
    )
    members: JsonObject = {"limit": exceeded.limit, "maximum": exceeded.maximum}
    issue = Issue("/query", code, detail)
    return problem(code, detail, issues=(issue,), extra={**members, "value": exceeded.value})
