"""What a subject may do, who may call a contract, and the access review."""

from collections.abc import Callable

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.surfaces.console.policies.listing import (
    SIZE,
    Told,
    ask,
    given,
    offset_of,
    paging,
    told,
)
from gateway.surfaces.console.policies.rules import role_names
from gateway.surfaces.console.policies.sentences import sentence_of
from gateway.surfaces.console.rendering import HEADERS
from gateway.surfaces.console.visits import Page, Visit

TYPES = ("HUMAN", "SERVICE", "AGENT", "TOOL", "ANONYMOUS")
"""What principals are."""

REVIEWED = 500
"""How many subjects a part of an access review holds."""

_NOTHING = Told(None)


async def _access(visit: Visit) -> Response:
    """The two questions, and the answer to one of them."""
    subject, contract = visit.asked("subject"), visit.asked("contract")
    permissions = await _permissions(visit) if subject else _NOTHING
    access = await _who_may(visit) if contract and not subject else _NOTHING
    shown = permissions if subject else access
    return visit.render(
        "policies/access.html",
        shown.status,
        refusal=shown.problem,
        permissions=permissions,
        access=access,
        pages=paging(visit, shown.total),
        roles=await role_names(visit),
        types=TYPES,
    )


async def _permissions(visit: Visit) -> Told:
    """What ``?subject=`` may do, with the roles that it is said to have."""
    which = given(visit, "subject", "type", "workspace")
    if visit.asked("roles"):
        which["roles"] = listed(visit.asked("roles"))
    if visit.asked("allowed"):
        which["allowed"] = visit.asked("allowed") == "yes"
    page = {"limit": SIZE, "offset": offset_of(visit)}
    found = await told(visit, "PolicyPermissions", {**which, **page})
    return _with_sentences(found, lambda item: [item.get("rule"), *_rules_of(item)])


def _rules_of(item: JsonObject) -> list[JsonObject]:
    return [each["rule"] for each in item.get("hangsOn", [])]


async def _who_may(visit: Visit) -> Told:
    """Who may call ``?contract=``."""
    which = given(visit, "contract", "workspace", "kind")
    page = {"limit": SIZE, "offset": offset_of(visit)}
    found = await told(visit, "PolicyAccess", {**which, **page})
    return _with_sentences(found, lambda item: [way["rule"] for way in item["entrances"]])


def _with_sentences(found: Told, rules_of: Callable[[JsonObject], list[JsonObject | None]]) -> Told:
    """The same, each rule with its sentence."""
    for item in found.items:
        for rule in rules_of(item):
            if rule:
                rule["sentence"] = sentence_of(rule["file"], rule["text"])
    return found


def listed(text: str) -> list[str]:
    """Names that are written one after the other, with commas or blanks between them."""
    return text.replace(",", " ").split()


async def _review(visit: Visit) -> Response:
    """A part of the access review: told, or with ``?format=`` as a file."""
    shape = visit.asked("format")
    asked: JsonObject = {"limit": REVIEWED, "offset": offset_of(visit)}
    asked |= {"format": shape or "CSV", **given(visit, "revision", "workspace")}
    if not shape:
        found = await told(visit, "PolicyReview", asked)
        pages = paging(visit, (found.output or {}).get("subjects", 0), REVIEWED)
        return visit.render(
            "policies/review.html",
            found.status,
            refusal=found.problem,
            review=found.output,
            pages=pages,
        )
    review = await ask(visit, "PolicyReview", asked)
    return _file(review, offset_of(visit))


def _file(review: JsonObject, offset: int) -> Response:
    """The review to be saved; its name says the revision and where it begins."""
    is_csv = review["format"] == "CSV"
    revision = review["policyVersion"].removeprefix("sha256:")[:12]
    name = f"access-review-{revision}-{offset}.{'csv' if is_csv else 'json'}"
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    kind = "text/csv" if is_csv else "application/json"
    return Response("".join(review["parts"]), headers=headers, media_type=kind)


PAGES = (
    Page("/console/policies/access", _access),
    Page("/console/policies/access/review", _review),
)
"""The pages about who may do what."""
