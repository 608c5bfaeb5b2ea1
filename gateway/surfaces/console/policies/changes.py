"""Changesets: the list, one of them with all that is known of it, and what may be done with it."""

from starlette.responses import Response

from gateway.model.json import JsonObject
from gateway.model.problem import problem, refuse
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.policies.actions import ACTIONS, REVISE, input_of, offered
from gateway.surfaces.console.policies.impact import TONES, drawn
from gateway.surfaces.console.policies.listing import SIZE, ask, given, offset_of, paging, told
from gateway.surfaces.console.policies.sentences import sentence_of
from gateway.surfaces.console.visits import Page, Visit, shown_after

STATES = ("DRAFT", "CHECKED", "ANALYZED", "APPROVED", "ACTIVATED", "REJECTED", "WITHDRAWN")
"""The states of a changeset, in their order."""

_DONE = {
    "drafted": "Proposed. The checks below say what they found.",
    "revised": "Revised. Analysis and approval begin anew.",
    "restoring": "Proposed: when it is approved and activated, the earlier revision is back.",
}
"""What is said on the page to which a form elsewhere leads."""

_OPEN = STATES[:4]
_AS_TEXT = ("TEXT", "ADDED")
_SHOWN = 30_000
"""How much of the text of a file is shown, in characters."""


async def _changes(visit: Visit) -> Response:
    """The changesets, newest first."""
    which = given(visit, "status")
    found = await told(visit, "PolicyChanges", {**which, "limit": SIZE, "offset": offset_of(visit)})
    items = [{**item, "offered": _waits_for(item)} for item in found.items]
    return visit.render(
        "policies/changes.html",
        found.status,
        refusal=found.problem,
        items=items,
        pages=paging(visit, found.total),
        states=STATES,
        which=which,
    )


def _waits_for(item: JsonObject) -> list[str]:
    """What the viewer may do to bring a changeset on."""
    return [one.button for one in offered(item) if one.name in ("approve", "activate", "analyze")]


async def _change(visit: Visit) -> Response:
    """One changeset."""
    return await _shown(visit, notice=_DONE.get(visit.asked("done"), ""))


async def _do(visit: Visit) -> Response:
    """Do what a form asks for, and say on the page what came of it."""
    action = ACTIONS.get(visit.form.get("do", ""))
    if action is None:
        raise refuse("BAD_REQUEST", "The form does not say what to do. Open the page again.")
    try:
        asked = input_of(action, _id(visit), visit.form, visit.viewer.subject)
        await ask(visit, action.operation, asked)
    except ValueError:
        wrong = problem("VALIDATION_FAILED", "The days are no number. Leave them out for all.")
        return await _shown(visit, refusal=wrong.to_json())
    except AskedError as error:
        return await _shown(visit, refusal=error.problem)
    return await shown_after(visit, action.done, _shown(visit, notice=action.done))


async def _confirm(visit: Visit) -> Response:
    """What an action will do, and the form that does it."""
    changeset = await read(visit, _id(visit))
    action = ACTIONS.get(visit.request.path_params["action"])
    if action is None or action not in offered(changeset):
        raise refuse(
            "CONFLICT", "You cannot do this now: open the change and see what may be done with it."
        )
    return visit.render("policies/confirm.html", change=_told(changeset), action=action)


async def _shown(visit: Visit, notice: str = "", refusal: JsonObject | None = None) -> Response:
    """The page of a changeset, with what came of a form."""
    changeset = await read(visit, _id(visit))
    analysis = await _part(visit, "policyChangesetAnalysisGet", "PolicyAnalysis")
    shadow = await _part(visit, "policyChangesetShadowGet", "PolicyShadow")
    report = (analysis or {}).get("report")
    return visit.render(
        "policies/change.html",
        (refusal or {}).get("status", 200),
        change=_told(changeset),
        actions=offered(changeset),
        may_revise=REVISE in changeset["allowedActions"],
        is_open=changeset["status"] in _OPEN,
        analysis=analysis,
        impact=drawn(report) if report else None,
        tones=TONES,
        shadow=shadow,
        notice=notice,
        refusal=refusal,
    )


async def read(visit: Visit, changeset_id: str) -> JsonObject:
    """A changeset as the API tells it.

    Raises:
        AskedError: it is not there for the viewer.
    """
    found = await ask(visit, "PolicyChange", {"changesetId": changeset_id})
    changeset: JsonObject = found["changeset"]
    return changeset


async def _part(visit: Visit, field: str, operation: str) -> JsonObject | None:
    """A part of the page that may be refused alone."""
    if not visit.may(field):
        return None
    return (await told(visit, operation, {"changesetId": _id(visit)})).output


def _told(changeset: JsonObject) -> JsonObject:
    """The changeset with the sentences of its rows, and with what files without rows say in it:
    nobody vouches for what they cannot read."""
    texts = {edit["file"]: edit["text"] for edit in changeset["edits"] if edit["text"]}
    diff = with_sentences(changeset["diff"])
    for file in diff:
        if file["change"] in _AS_TEXT and file["file"] in texts:
            text = texts[file["file"]]
            file |= {"text": text[:_SHOWN], "rest": len(text[_SHOWN:])}
    return {**changeset, "diff": diff}


def with_sentences(diff: list[JsonObject]) -> list[JsonObject]:
    """The differences of files, each row with the sentences before and after."""
    for file in diff:
        for row in file["rows"]:
            for side in ("before", "after"):
                text = row[side]
                row[f"{side}_sentence"] = sentence_of(file["file"], text) if text else None
    return diff


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


PAGES = (
    Page("/console/policies/changes", _changes),
    Page("/console/policies/changes/{id}", _change, _do),
    Page("/console/policies/changes/{id}/confirm/{action}", _confirm),
)
"""The pages of changesets."""
