"""Decisions that people send from the inbox, and what came of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, problem
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.inbox import queues
from gateway.surfaces.console.inbox.requests import Request, read_field, requests_of
from gateway.surfaces.console.visits import Visit

MOST = 50
"""How many requests may be decided at once."""

Named = tuple[str, str]
"""The ids of an execution and a step."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one decision: ``said`` in a sentence, ``request`` as it stands now."""

    request: Request | None
    execution_id: str
    done: bool
    said: str


def told_of(outcomes: Sequence[Outcome]) -> str:
    """What came of decisions, in one line."""
    return " ".join(
        f"{one.request.gist if one.request else one.execution_id}: {one.said}" for one in outcomes
    )


def named_of(visit: Visit) -> list[Named]:
    """The requests that a form names.

    Raises:
        ProblemError: BAD_REQUEST where it names none, too many, or something else.
    """
    found = dict.fromkeys(tuple(one.split(".")) for one in visit.form.all("request"))
    named = [(one[0], one[1]) for one in found if len(one) == 2 and all(one)]
    if len(named) != len(found) or not 1 <= len(named) <= MOST:
        told = f"Choose 1 to {MOST} requests in the inbox, then decide them."
        raise ProblemError(problem("BAD_REQUEST", told))
    return named


async def decide(visit: Visit, named: Sequence[Named], *, approve: bool) -> list[Outcome]:
    """Approve or reject requests with the note of the form; each stands by itself. One that was
    asked anew since the form was made is left alone: nobody has read it.

    Raises:
        AskedError: the API refuses all of them, as for a rejection without a note.
    """
    note = visit.form.get("note", "").strip()
    noted = {"approve": approve, **({"note": note} if note else {})}
    decisions = [{**_place(visit, one), **noted} for one in named]
    asked = {"decisions": decisions, "decidedBy": visit.viewer.subject}
    data = await visit.api.ask("Decide", input=asked)
    results = data["controlPlaneApprovalDecide"]["results"]
    return [await _outcome(visit, result, approve=approve) for result in results]


async def break_glass(visit: Visit, named: Named) -> list[Outcome]:
    """Let one step go without its approvers, unless it was asked anew since the form was made.

    Raises:
        AskedError: the API refuses it.
    """
    by = {"invokedBy": visit.viewer.subject, "reason": visit.form.get("note", "").strip()}
    await visit.api.ask("BreakGlass", input={**_place(visit, named), **by})
    done = {"executionId": named[0], "stepId": named[1], "status": "APPROVED", "decided": True}
    return [await _outcome(visit, done, approve=True)]


def _place(visit: Visit, named: Named) -> JsonObject:
    """The step of a request, and which of its requests the form shows."""
    place = {"executionId": named[0], "stepId": named[1]}
    read = visit.form.get(read_field(*named))
    return {**place, **({"approvalId": read} if read else {})}


async def _outcome(visit: Visit, result: JsonObject, *, approve: bool) -> Outcome:
    execution_id, status = result["executionId"], result["status"]
    item, request = await _looked_up(visit, result)
    if not result["decided"]:
        return Outcome(request, execution_id, False, why_not(result["problem"], item))
    if status == "PENDING":
        more = f"{item['quorum'] - item['approvals']} more" if item else "others"
        return Outcome(request, execution_id, True, f"Counted; {more} must approve.")
    said = "Approved; the run goes on." if approve else "Rejected; the run ends."
    return Outcome(request, execution_id, True, said)


async def _looked_up(visit: Visit, result: JsonObject) -> tuple[JsonObject | None, Request | None]:
    """The request that was decided; none where the API does not say it now, for what it refuses
    by now must not be taken for a refusal of the decision."""
    try:
        which = (result["executionId"], result["stepId"], result["status"])
        item = await _standing(visit, *which)
        return item, (await requests_of(visit, [item]))[0] if item else None
    except AskedError:
        return None, None


async def _standing(
    visit: Visit, execution_id: str, step_id: str, status: str | None
) -> JsonObject | None:
    """The request as it stands now: an approval may have been used by the time that we look."""
    if status is None:
        return None
    for one in (status, "USED") if status == "APPROVED" else (status,):
        if item := await queues.one(visit, execution_id, step_id, one):
            return item
    return None


def why_not(told: JsonObject, item: JsonObject | None) -> str:
    """Why a decision was not taken: who was faster, or what became of the request meanwhile."""
    status = item["status"] if item else None
    if item is None or status == "PENDING":
        return str(told["detail"])
    if status == "VOID":
        return f"The request became void meanwhile. {item.get('note') or ''}".strip()
    if status == "EXPIRED":
        return "The request has expired, so nobody can decide it any more."
    if status == "REJECTED":
        why = item.get("note") or "no reason is told"
        return f"{item.get('rejectedBy') or 'Somebody'} rejected it meanwhile: {why}"
    if item.get("overridden"):
        return f"{item['overridden']['by']} let it go without its approvers meanwhile."
    people = " and ".join(vote["by"] for vote in item["votes"]) or "A standing grant"
    return f"{people} approved it already."
