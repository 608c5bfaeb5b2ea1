"""What was in force, what differs between two revisions, and the way back to one."""

from starlette.responses import RedirectResponse, Response

from gateway.model.json import JsonObject
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.policies.changes import with_sentences
from gateway.surfaces.console.policies.listing import SIZE, ask, offset_of, paging, told
from gateway.surfaces.console.visits import Page, Visit


async def _history(visit: Visit) -> Response:
    """Every time that a revision came into force, newest first."""
    found = await told(visit, "PolicyRevisions", {"limit": SIZE, "offset": offset_of(visit)})
    return visit.render(
        "policies/history.html",
        found.status,
        refusal=found.problem,
        items=found.items,
        pages=paging(visit, found.total),
        in_force=await _in_force(visit, found.items),
    )


async def _in_force(visit: Visit, items: list[JsonObject]) -> str | None:
    """The revision that decides now: the newest one."""
    if items and offset_of(visit) == 0:
        return str(items[0]["revision"])
    newest = await told(visit, "PolicyRevisions", {"limit": 1})
    return str(newest.items[0]["revision"]) if newest.items else None


async def _differences(visit: Visit) -> Response:
    """What differs from ``?from=`` to ``?to=``, or to what is in force."""
    between = {"from": visit.asked("from")}
    if visit.asked("to"):
        between["to"] = visit.asked("to")
    found = await told(visit, "PolicyDifferences", between)
    output = found.output or {"diff": []}
    return visit.render(
        "policies/differences.html",
        found.status,
        refusal=found.problem,
        between=output,
        diff=with_sentences(output["diff"]),
    )


async def _way_back(visit: Visit) -> Response:
    """What restoring ``?revision=`` would change, and the form that proposes it."""
    return await _restoring(visit, visit.asked("revision"))


async def _restore(visit: Visit) -> Response:
    """Propose the change that leads back."""
    revision = visit.form.get("revision", "")
    asked = {
        "revision": revision,
        "reason": visit.form.get("reason", "").strip(),
        "restoredBy": visit.viewer.subject,
    }
    try:
        made = await ask(visit, "PolicyRestore", asked)
    except AskedError as error:
        return await _restoring(visit, revision, error.problem)
    address = f"/console/policies/changes/{made['changesetId']}"
    return RedirectResponse(f"{address}?done=restoring", 303)


async def _restoring(visit: Visit, revision: str, refusal: JsonObject | None = None) -> Response:
    """The form with what would change: from what is in force to the revision."""
    newest = await told(visit, "PolicyRevisions", {"limit": 1})
    head = newest.items[0]["revision"] if newest.items else ""
    found = await told(visit, "PolicyDifferences", {"from": head, "to": revision})
    refused = refusal or newest.problem or found.problem
    return visit.render(
        "policies/restore.html",
        (refused or {}).get("status", 200),
        refusal=refused,
        revision=revision,
        reason=visit.form.get("reason", ""),
        diff=with_sentences((found.output or {"diff": []})["diff"]),
    )


PAGES = (
    Page("/console/policies/history", _history),
    Page("/console/policies/history/differences", _differences),
    Page("/console/policies/history/restore", _way_back, _restore),
)
"""The pages of the history."""
