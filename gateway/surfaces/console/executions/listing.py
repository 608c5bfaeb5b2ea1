"""The list of executions: all of the workspace, or the viewer's own where they see no others."""

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from gateway.model.execution import ExecutionStatus
from gateway.surfaces.console.visits import Page, Visit

PATH = "/console/executions"

PAGE = 50
"""How many executions stand on a page."""

STATUSES = tuple(status.value.upper() for status in ExecutionStatus)
"""What the list can be narrowed to."""


async def _serve(visit: Visit) -> Response:
    if wanted := visit.asked("id"):
        return RedirectResponse(f"{PATH}/{quote(wanted, safe='')}", 303)
    status, start = visit.asked("status").upper(), visit.counted("from")
    which = {"status": status} if status in STATUSES else {}
    sees_all = visit.may("controlPlaneExecutionList")
    operation = "Executions" if sees_all else "OwnExecutions"
    data = await visit.api.ask(operation, input={"limit": PAGE, "offset": start, **which})
    (found,) = data.values()
    return visit.render(
        "executions/list.html",
        found=found,
        sees_all=sees_all,
        start=start,
        end=start + len(found["items"]),
        page=PAGE,
        statuses=STATUSES,
        wanted=which.get("status", ""),
    )


PAGES = (Page(PATH, _serve),)
"""The list."""
