"""The pages of the inbox: what waits, what was decided, and the summary before many are sent."""

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.inbox import queues
from gateway.surfaces.console.inbox.decisions import (
    Outcome,
    break_glass,
    decide,
    named_of,
    told_of,
)
from gateway.surfaces.console.inbox.requests import APPROVE, REJECT, requests_of
from gateway.surfaces.console.inbox.sums import sums_of
from gateway.surfaces.console.visits import Page, Visit, shown_after

_INBOX = "/console/inbox"
_TABS = ("mine", "pending", "decided")


async def _serve(visit: Visit) -> Response:
    return await _inbox(visit)


async def _inbox(
    visit: Visit, outcomes: Sequence[Outcome] = (), refusal: JsonObject | None = None
) -> Response:
    """The inbox, with what came of the decisions that were just sent."""
    if not visit.may("controlPlaneApprovalList"):
        return visit.render("inbox/none.html")
    tab = visit.asked("show") if visit.asked("show") in _TABS else _TABS[0]
    queue = await _queue(visit, tab)
    return visit.render(
        "inbox/inbox.html",
        status=int(refusal["status"]) if refusal else 200,
        tab=tab,
        queue=queue,
        requests=await requests_of(visit, queue.items),
        outcomes=outcomes,
        refusal=refusal,
        decided=queues.DECIDED,
    )


async def _queue(visit: Visit, tab: str) -> queues.Queue:
    start = visit.counted("from")
    if tab == "decided":
        return await queues.decided(visit, visit.asked("status").upper(), start)
    return await queues.pending(visit, mine=tab == "mine", start=start)


async def _take(visit: Visit) -> Response:
    """Decide what the form names; where all of it is refused, the page says why."""
    named, action = named_of(visit), visit.form.get("action")
    if action not in ("approve", "reject", "break-glass"):
        raise refuse("BAD_REQUEST", "The form does not say what to do. Send it from the inbox.")
    try:
        if action == "break-glass":
            outcomes = await break_glass(visit, named[0])
        else:
            outcomes = await decide(visit, named, approve=action == "approve")
    except AskedError as error:
        return await _inbox(visit, refusal=error.problem)
    return await shown_after(visit, told_of(outcomes), _inbox(visit, outcomes))


async def _choose(_: Visit) -> Response:
    """Where the summary is opened without a choice: requests are chosen in the inbox."""
    return RedirectResponse(_INBOX, 303)


async def _review(visit: Visit) -> Response:
    """What would be decided, summed up, before it is sent."""
    items = [(*named, await queues.one(visit, *named, "PENDING")) for named in named_of(visit)]
    gone = [execution for execution, _, item in items if item is None]
    requests = await requests_of(visit, [item for *_, item in items if item is not None])
    return visit.render(
        "inbox/review.html",
        requests=requests,
        gone=gone,
        sums=sums_of(requests),
        can_approve=all(request.may(APPROVE) for request in requests),
        can_reject=all(request.may(REJECT) for request in requests),
    )


PAGES = (
    Page(_INBOX, _serve, _take),
    Page(f"{_INBOX}/review", _choose, _review),
)
"""The inbox, and the summary of many decisions."""
