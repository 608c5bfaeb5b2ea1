"""controlPlane.event.list"""

from gateway.events import as_seen, check_filter, read_page, select, start_of
from gateway.model.event import Announcement, Cursor, EventFilter
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.operations.common import page_of
from gateway.pipeline import Admitted
from gateway.runtime import Loop

SCAN = 2_048
"""How many entries of the journal one call looks at, at most."""

_CHUNK = 256


def list_all(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """A page of the workspace's events behind the cursor, as the caller may see them."""
    value, principal = admitted.value, admitted.principal
    which, after = EventFilter.from_json(value.get("filter") or {}), value.get("after")
    limit = page_of(admitted).limit
    check_filter(loop.registry, principal.workspace, which, after, "/input")
    selection = select(records, principal, which, own=False)
    if after is not None:
        start = start_of(records, after, selection.execution_id, "/input")
    else:  # what came before is in the archive
        start = Cursor(0 if selection.execution_id else records.archived_through(0))
    found: list[Announcement] = []
    place, looked_at, is_last = start, 0, False
    while len(found) < limit and looked_at < SCAN and not is_last:
        page = read_page(records, place, _CHUNK, selection.execution_id)
        found.extend(filter(selection.takes, page.found))
        place, looked_at, is_last = page.end, looked_at + _CHUNK, page.is_last
    if len(found) >= limit:
        found = found[:limit]
        place = found[-1].place
    elif is_last and not found:
        # That nothing was found is recorded behind the cursor: only so can it ever stand still.
        place = start
    return {
        "items": [
            as_seen(event, principal, loop.policies, loop.registry, loop.sealer, admitted.shown)
            for event in found
        ],
        "cursor": str(place),
    }
