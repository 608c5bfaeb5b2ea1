"""Roles, and who is assigned which."""

from starlette.responses import Response

from gateway.surfaces.console.policies.listing import SIZE, given, offset_of, paging, told
from gateway.surfaces.console.policies.sentences import sentence_of
from gateway.surfaces.console.visits import Page, Visit


async def _roles(visit: Visit) -> Response:
    """The roles of a workspace, each with what it brings."""
    which = given(visit, "role", "workspace")
    found = await told(visit, "PolicyRoles", {**which, "limit": SIZE, "offset": offset_of(visit)})
    return visit.render(
        "policies/roles.html",
        found.status,
        refusal=found.problem,
        roles=found.items,
        pages=paging(visit, found.total),
        which=which,
    )


async def _assignments(visit: Visit) -> Response:
    """Who holds which role by assignment."""
    which = given(visit, "subject", "role", "workspace")
    found = await told(
        visit, "PolicyAssignments", {**which, "limit": SIZE, "offset": offset_of(visit)}
    )
    items = [{**item, "sentence": sentence_of(item["file"], item["text"])} for item in found.items]
    return visit.render(
        "policies/assignments.html",
        found.status,
        refusal=found.problem,
        items=items,
        pages=paging(visit, found.total),
        which=which,
    )


PAGES = (
    Page("/console/policies/roles", _roles),
    Page("/console/policies/assignments", _assignments),
)
"""The pages of roles and assignments."""
