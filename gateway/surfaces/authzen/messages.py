"""Messages of the Authorization API 1.0 (OpenID AuthZEN), read strictly and written.

What a message must have is named by the sections of that specification: entities in 5, the access
evaluation in 6, evaluations with defaults in 7, searches in 8. Members that it does not know are
ignored (10.1.1), and null stands for an absent optional member.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.problem import Issue, ProblemError, refuse

_PARTS = ("subject", "action", "resource", "context")
_ENTITIES = ("subject", "resource")
_TEXTS = {"subject": ("type", "id"), "resource": ("type", "id"), "action": ("name",)}
_SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")


@dataclass(frozen=True, slots=True)
class Batch:
    """Several evaluations, each completed with the defaults.

    One that could not be read is empty, which is never permitted; ``faults`` says what is wrong
    with it, by its position. ``semantic`` is as the specification spells it.
    """

    evaluations: list[JsonObject]
    semantic: str = _SEMANTICS[0]
    faults: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a search's results is asked for; ``token`` is empty for the first."""

    token: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search: what for, with which entities, and the page if one was asked for."""

    kind: str
    parts: JsonObject
    page: PageRequest | None


def read_evaluation(body: JsonValue) -> JsonObject:
    """A single access evaluation (section 6.1).

    Raises:
        ProblemError: BAD_REQUEST with every finding.
    """
    told = _object(body)
    return _whole(_read_part(name, told.get(name)) for name in _PARTS)


def read_evaluations(body: JsonValue) -> Batch | None:
    """Several access evaluations (section 7.1); None where the request is a single one.

    What an item leaves out it takes from the request as a whole, without mixing members of the two
    (section 7.1.1). A default that is not complete only matters to the items that take it.

    Raises:
        ProblemError: BAD_REQUEST for what concerns the request as a whole.
    """
    told = _object(body)
    items = told.get("evaluations")
    if items is None or items == []:
        return None
    issues = list(_batch_faults(told))
    if issues:
        raise _malformed(issues)
    batch = Batch([], (told.get("options") or {}).get("evaluations_semantic") or _SEMANTICS[0])
    defaults = {name: _read_part(name, told.get(name)) for name in _PARTS}
    for index, item in enumerate(items):
        try:
            own = _object(item)
            parts = [
                defaults[name] if own.get(name) is None else _read_part(name, own[name])
                for name in _PARTS
            ]
            batch.evaluations.append(_whole(parts))
        except ProblemError as error:
            batch.evaluations.append({})
            batch.faults[index] = _sentence(error.problem.issues)
    return batch


def read_search(kind: str, body: JsonValue) -> Search:
    """A search for ``kind``: subject, resource or action (sections 8.4 to 8.6).

    Raises:
        ProblemError: BAD_REQUEST with every finding.
    """
    told = _object(body)
    page = told.get("page")
    names = [name for name in _PARTS if name != kind or kind in _ENTITIES]
    found = [_read_part(name, told.get(name), is_sought=name == kind) for name in names]
    parts = _whole([*found, _Part("page", None, tuple(_page_faults(page)))])
    if page is None:
        return Search(kind, parts, None)
    return Search(kind, parts, PageRequest(page.get("token") or "", page.get("limit")))


def decision_body(result: JsonObject, fault: str | None = None) -> JsonObject:
    """A decision (section 5.5); why it is not permitted is told in its context."""
    if result["decision"]:
        return {"decision": True}
    if result["code"] == "INVALID":
        error = {"status": 400, "message": fault or result["message"]}
        return {"decision": False, "context": {"error": error}}
    context = {"code": result["code"], "reason": result["message"]}
    if "verdict" in result:
        context["verdict"] = result["verdict"].lower()
    context |= {name: result[name] for name in ("approverRole", "quorum") if name in result}
    return {"decision": False, "context": context}


def decisions_body(results: list[JsonObject], batch: Batch) -> JsonObject:
    """The decisions of a batch, in its order (section 7.2)."""
    return {
        "evaluations": [
            decision_body(result, batch.faults.get(index)) for index, result in enumerate(results)
        ]
    }


def search_body(
    results: list[JsonObject], next_token: str, asked: PageRequest | None
) -> JsonObject:
    """The results of a search; the page is told where there are more, or where one was asked for
    (section 8.3)."""
    if not next_token and asked is None:
        return {"results": results}
    return {"page": {"next_token": next_token, "count": len(results)}, "results": results}


def _object(body: JsonValue) -> JsonObject:
    if not isinstance(body, dict):
        raise _malformed([_wrong("", "an object")])
    return body


def _batch_faults(told: JsonObject) -> Iterator[Issue]:
    """What is wrong with a request for several evaluations as a whole."""
    if not isinstance(told["evaluations"], list):
        yield _wrong("/evaluations", "a list of objects")
    for name in (*_PARTS, "options"):
        if told.get(name) is not None and not isinstance(told[name], dict):
            yield _wrong(pointer(name), "an object")
    options = told.get("options")
    semantic = options.get("evaluations_semantic") if isinstance(options, dict) else None
    if semantic is not None and semantic not in _SEMANTICS:
        yield _wrong("/options/evaluations_semantic", f"one of {', '.join(_SEMANTICS)}")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a question with the members that the specification knows, None where it is
    absent; and what is wrong with it."""

    name: str
    value: JsonObject | None
    issues: tuple[Issue, ...] = ()


def _read_part(name: str, value: JsonValue, *, is_sought: bool = False) -> _Part:
    """Read a part. What is searched for needs no id, and one that it has is ignored."""
    if value is None:
        is_needed = name != "context"
        return _Part(name, None, (_missing(pointer(name)),) if is_needed else ())
    if not isinstance(value, dict):
        return _Part(name, None, (_wrong(pointer(name), "an object"),))
    if name == "context":
        return _Part(name, value)
    issues: list[Issue] = []
    found: JsonObject = {}
    for member in _TEXTS[name]:
        text = value.get(member)
        if member == "id" and is_sought:
            continue
        if isinstance(text, str):
            found[member] = text
        else:
            path = pointer(name, member)
            issues.append(_missing(path) if text is None else _wrong(path, "a string"))
    properties = value.get("properties")
    if isinstance(properties, dict):
        found["properties"] = properties
    elif properties is not None:
        issues.append(_wrong(pointer(name, "properties"), "an object"))
    return _Part(name, found, tuple(issues))


def _whole(parts: Iterable[_Part]) -> JsonObject:
    """A question of its parts.

    Raises:
        ProblemError: BAD_REQUEST with every finding.
    """
    issues: list[Issue] = []
    found: JsonObject = {}
    for part in parts:
        issues += part.issues
        if part.value is not None:
            found[part.name] = part.value
    if issues:
        raise _malformed(issues)
    return found


def _page_faults(page: JsonValue) -> Iterator[Issue]:
    if page is None:
        return
    if not isinstance(page, dict):
        yield _wrong("/page", "an object")
        return
    limit, token = page.get("limit"), page.get("token")
    if limit is not None and (type(limit) is not int or limit < 0):
        yield _wrong("/page/limit", "an integer from 0 on")
    if token is not None and not isinstance(token, str):
        yield _wrong("/page/token", "a string")
    if page.get("properties") is not None and not isinstance(page["properties"], dict):
        yield _wrong("/page/properties", "an object")


def _missing(path: str) -> Issue:
    return Issue(path, "REQUIRED", "is required")


def _wrong(path: str, expected: str) -> Issue:
    return Issue(path, "WRONG_TYPE", f"must be {expected}")


def _sentence(issues: Iterable[Issue]) -> str:
    return "; ".join(f"{issue.path or 'the evaluation'} {issue.message}" for issue in issues) + "."


def _malformed(issues: list[Issue]) -> ProblemError:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    detail = f"{first.path or 'The body'} {first.message}{more}. Correct the request."
    return refuse("BAD_REQUEST", detail, issues=tuple(issues))
