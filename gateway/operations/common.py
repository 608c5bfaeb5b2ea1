"""What several operations need: who acts, which page, and stored values as a caller sees them."""

from functools import partial

from gateway.events import payload_treatment
from gateway.model.entry import Entry
from gateway.model.execution import Execution, PlanRecord
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import ErasedError
from gateway.model.plan import Plan
from gateway.model.ports import Page, Records
from gateway.model.problem import Issue, invalid, refuse
from gateway.model.sealing import reveal
from gateway.model.text import UNSEEN
from gateway.pipeline import Admitted
from gateway.policy import mask_value
from gateway.runtime import Loop, open_plan

SEALED_FOR_GOOD = (
    "Sealed values of this execution cannot be opened with the keys of this data folder. Restore "
    "the keys from a backup."
)

ERASED_FOR_GOOD = (
    "Personal data of this execution was erased, so that it cannot be opened any more."
)

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


def acting(admitted: Admitted, field: str) -> str:
    """The subject who acts: always the authenticated principal.

    Raises:
        ProblemError: FORBIDDEN if the input's ``field`` names somebody else.
    """
    subject = admitted.principal.subject
    named = admitted.value.get(field)
    if named is not None and named != subject:
        told = f"`{field}` must be the caller: {subject!r}. Nobody can act in another's name."
        raise refuse("FORBIDDEN", told, issues=(Issue(f"/input/{field}", "NOT_CALLER", told),))
    return subject


def said(text: str | None) -> str:
    """What somebody can read of a text: without invisible characters, and blanks around it."""
    printed = "".join(char for char in text or "" if char.isprintable())
    return UNSEEN.sub("", printed).strip()


def require_own_workspace(admitted: Admitted) -> None:
    """Refuse an input that names a workspace other than the token's.

    Raises:
        ProblemError: NOT_FOUND, for other workspaces are not there at all.
    """
    named = admitted.value.get("workspaceId")
    if named is not None and named != admitted.principal.workspace:
        raise refuse("NOT_FOUND", "There is no such workspace for you. Use your token's own.")


def opened(loop: Loop, execution: Execution, record: PlanRecord) -> Plan:
    """A stored plan with its PII opened.

    Raises:
        ProblemError: ERASED where its data was erased, PRECONDITION_FAILED if the keys of this
            data folder do not open it.
    """
    try:
        return open_plan(loop.sealer, execution.workspace, record.plan)
    except ErasedError as error:
        raise refuse("ERASED", ERASED_FOR_GOOD) from error
    except ValueError as error:
        raise refuse("PRECONDITION_FAILED", SEALED_FOR_GOOD) from error


def all_entries(records: Records, execution_id: str) -> list[Entry]:
    """Every entry of an execution, however many there are."""
    found: list[Entry] = []
    while page := records.entries(execution_id, found[-1].seq if found else 0):
        found.extend(page)
    return found


def page_of(admitted: Admitted) -> Page:
    """The page that the input asks for.

    Raises:
        ProblemError: VALIDATION_FAILED for a limit or an offset out of range.
    """
    limit = admitted.value.get("limit")
    offset = admitted.value.get("offset") or 0
    limit = DEFAULT_LIMIT if limit is None else limit
    issues = []
    if not 1 <= limit <= MAX_LIMIT:
        told = f"Ask for 1 to {MAX_LIMIT} items at a time."
        issues.append(Issue("/input/limit", "OUT_OF_RANGE", told))
    if offset < 0:
        issues.append(Issue("/input/offset", "OUT_OF_RANGE", "The offset is 0 or more."))
    if issues:
        raise invalid(issues)
    return Page(limit, offset)


def upper(status: str | None) -> str | None:
    """A stored value of an enum as GraphQL writes it."""
    return None if status is None else status.upper()


def lower(status: str | None) -> str | None:
    """An enum value of GraphQL as it is stored."""
    return None if status is None else status.lower()


def as_seen(
    loop: Loop, admitted: Admitted, value: JsonValue, execution_id: str | None = None
) -> JsonValue:
    """A stored value with its PII as policy lets this principal see it, which is noted.

    ``execution_id`` is the execution that the value is of.
    """
    principal = admitted.principal
    treat = partial(payload_treatment, loop.policies, loop.registry, principal)
    watched = admitted.shown.watching(treat, execution_id)
    return reveal(loop.sealer, principal.workspace, value, watched, mask_value)


def present(body: JsonObject) -> JsonObject:
    """The members of an answer that are not null."""
    return {key: value for key, value in body.items() if value is not None}
