"""The rules as sentences, and one of them with its place and its history."""

from urllib.parse import urlencode

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.console.policies.activations import Arrivals, arrivals
from gateway.surfaces.console.policies.listing import (
    SIZE,
    ask,
    given,
    offset_of,
    paging,
    told,
)
from gateway.surfaces.console.policies.rows import RULE_FILES, RuleRow, row_of
from gateway.surfaces.console.policies.sentences import gathered, sentence_about, sentence_of
from gateway.surfaces.console.visits import Page, Visit

EFFECTS = {
    "Access": ("allow", "deny"),
    "Verdict": ("autonomous", "assist", "blocked"),
    "Personal data": ("raw", "partial", "mask", "hash", "full", "drop"),
}
"""What rules lead to, by their kind."""

KINDS = {"ACCESS": "Access", "VERDICT": "Verdict", "PII": "Personal data"}
"""The kinds of rules, as the API calls them and as people do."""

_RECENT = 3
"""How many activations the list looks back for what changed."""

_LOOKS = 30
"""How many activations the page of one rule looks back."""

_LOOKED_THROUGH = 2_000
"""How many rows are looked through for the one at a place."""


async def _rules(visit: Visit) -> Response:
    """The rules, narrowed by the address's parameters."""
    which = given(visit, "model", "subject", "contract", "workspace", "effect", "text")
    found = await told(visit, "PolicyRules", {**which, "limit": SIZE, "offset": offset_of(visit)})
    recent = await arrivals(visit, _RECENT) if found.items else None
    return visit.render(
        "policies/rules.html",
        found.status,
        refusal=found.problem,
        groups=_groups(found.items, recent),
        pages=paging(visit, found.total),
        which=which,
        kinds=KINDS,
        effects=EFFECTS,
        roles=await role_names(visit),
    )


def _groups(items: list[JsonObject], recent: Arrivals | None) -> list[JsonObject]:
    """Rules that say the same of several subjects, as one sentence with their places."""
    rows = [row_of(item["file"], item["text"]) for item in items]
    groups = []
    for places in gathered(rows):
        first = rows[places[0]]
        known: list[RuleRow] = [row for index in places if (row := rows[index]) is not None]
        shown = [_with_place(items[index], recent) for index in places]
        sentence = sentence_about(known) if first else None
        groups.append({"sentence": sentence, "items": shown})
    return groups


def _with_place(item: JsonObject, recent: Arrivals | None) -> JsonObject:
    changed = recent.of(item["file"], item["text"]) if recent else None
    return {**item, "changed": changed}


def rule_address(rule: JsonObject) -> str:
    """The page of a row that the API told with its file, line and text."""
    place = {name: rule[name] for name in ("file", "line", "text")}
    return f"/console/policies/rule?{urlencode(place)}"


async def role_names(visit: Visit) -> list[str]:
    """The roles that the policies name, to choose from."""
    if not visit.may("policyRoleList"):
        return []
    found = await told(visit, "PolicyRoles", {"limit": 200})
    return [role["role"] for role in found.items]


async def _rule(visit: Visit) -> Response:
    """The rule or the assignment at ``?file=&line=``.

    Raises:
        ProblemError: NOT_FOUND, where the viewer sees none there.
    """
    found = await _at(visit, visit.asked("file"), visit.asked("line"))
    row = row_of(found["file"], found["text"])
    since = await arrivals(visit, _LOOKS)
    return visit.render(
        "policies/rule.html",
        item=found,
        sentence=sentence_of(found["file"], found["text"]),
        row=row,
        changed=since.of(found["file"], found["text"]),
        earliest=since.earliest,
    )


async def _at(visit: Visit, file: str, line: str) -> JsonObject:
    """The row at a place; ``?text=`` narrows where it is looked for."""
    if file in RULE_FILES and line.isascii() and line.isdigit():
        for operation, which in _listings(file, visit.asked("text")):
            for offset in range(0, _LOOKED_THROUGH, 200):
                output = await ask(visit, operation, {**which, "limit": 200, "offset": offset})
                for item in output["items"]:
                    if (item["file"], str(item["line"])) == (file, line):
                        return dict(item)
                if offset + 200 >= output["total"]:
                    break
    raise refuse("NOT_FOUND", "No rule that you see stands there now. Look for it in the list.")


def _listings(file: str, text: str) -> list[tuple[str, JsonObject]]:
    """Where the rows of a file are listed."""
    narrowed = {"text": text} if text else {}
    rules = ("PolicyRules", {"model": file.removesuffix(".csv").upper(), **narrowed})
    return [rules, ("PolicyAssignments", {})] if file == "access.csv" else [rules]


PAGES = (Page("/console/policies", _rules), Page("/console/policies/rule", _rule))
"""The pages of the rules."""
