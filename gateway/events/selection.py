"""Which events somebody asked for and may have."""

import re
from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.event import Announcement, Cursor, EventFilter
from gateway.model.execution import Execution
from gateway.model.json import pointer
from gateway.model.ports import Records
from gateway.model.principal import Principal
from gateway.model.problem import Issue, invalid, refuse

MAX_TYPES = 50
"""How many types a filter may name."""

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,199}\.\*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selection:
    """The events of ``workspace`` that somebody gets; None does not narrow.

    ``submitter`` narrows to the executions of that subject. ``types`` are event keys, ``prefixes``
    what a key may begin with instead; both None means every type.
    """

    workspace: str
    submitter: str | None = None
    execution_id: str | None = None
    run_id: str | None = None
    types: frozenset[str] | None = None
    prefixes: tuple[str, ...] = ()

    def takes(self, event: Announcement) -> bool:
        """True for an event that is asked for and may be given."""
        return (
            event.workspace == self.workspace
            and (self.submitter is None or event.submitter == self.submitter)
            and (self.execution_id is None or event.execution_id == self.execution_id)
            and (self.run_id is None or event.run_id == self.run_id)
            and self._takes_type(event.type)
        )

    def _takes_type(self, key: str) -> bool:
        if self.types is None:
            return True
        return key in self.types or key.startswith(self.prefixes)


def check_filter(
    registry: Registry, workspace: str, which: EventFilter, after: str | None, at: str = ""
) -> None:
    """Refuse types that the workspace has not got and a cursor that is none, all at once.

    ``at`` is the JSON pointer of whatever holds ``filter`` and ``after``.

    Raises:
        ProblemError: VALIDATION_FAILED.
    """
    issues = _type_issues(registry.of(workspace), which.types, f"{at}/filter/types")
    if after is not None:
        try:
            Cursor.parse(after)
        except ValueError:
            issues.append(_bad_cursor(at, "INVALID_FORMAT"))
    if issues:
        raise invalid(issues)


def start_of(records: Records, after: str, execution_id: str | None = None, at: str = "") -> Cursor:
    """The place that a checked cursor names, for all events or those of one execution, whose
    entries are here as long as it is.

    Raises:
        ProblemError: VALIDATION_FAILED for one that lies behind the end of the record, GONE where
            what follows on it is archived.
    """
    cursor = Cursor.parse(after)
    if cursor.position > records.last_position():
        raise invalid([_bad_cursor(at, "OUT_OF_RANGE")])
    if execution_id is None:
        require_kept(records, cursor)
    return cursor


def require_kept(records: Records, cursor: Cursor) -> None:
    """Refuse to go on behind a cursor where something may be left out: also of the entry within
    which it lies.

    Raises:
        ProblemError: GONE where what follows on it is archived.
    """
    kept_after = records.archived_through(cursor.behind)
    is_within = kept_after == cursor.position != cursor.behind
    if kept_after > cursor.position or (is_within and not is_here(records, cursor.position)):
        told = (
            f"The record is archived up to position {kept_after}, so that events behind this "
            f"cursor may not be here any more. Begin at {Cursor(kept_after)}, or without one, and "
            "read what came before from the archive."
        )
        raise refuse("GONE", told)


def require_execution_kept(records: Records, workspace: str, execution_id: str) -> None:
    """Refuse to go on with the events of an execution that is not here any more.

    Raises:
        ProblemError: GONE where it was archived.
    """
    if records.execution(workspace, execution_id) is None:
        told = (
            f"Execution {execution_id} was archived, so that its events behind this cursor are not "
            "here any more. Read them from the archive."
        )
        raise refuse("GONE", told)


def is_here(records: Records, position: int) -> bool:
    """Whether the entry at a position is in the record, and not archived."""
    found = records.entries_after(position - 1, 1)
    return bool(found) and found[0].position == position


def _bad_cursor(at: str, code: str) -> Issue:
    told = (
        "This is no cursor of this record. Send one exactly as it came with an event, or none at "
        "all to begin anew."
    )
    return Issue(f"{at}/after", code, told)


def _type_issues(registry: Registry, types: tuple[str, ...] | None, at: str) -> list[Issue]:
    if types is None:
        return []
    if not types:
        return [Issue(at, "OUT_OF_RANGE", "Name at least one type, or leave `types` out.")]
    if len(types) > MAX_TYPES:
        return [Issue(at, "TOO_MANY", f"Name at most {MAX_TYPES} types, or a prefix of them.")]
    known = {event.meta.key for event in registry.events.values()}
    told = "There is no such event. Name one in full, or several by a prefix such as 'support.*'."
    return [
        Issue(at + pointer(index), "NOT_ALLOWED", told)
        for index, name in enumerate(types)
        if name not in known and name != "*" and not _PREFIX.fullmatch(name)
    ]


def select(records: Records, principal: Principal, which: EventFilter, *, own: bool) -> Selection:
    """The events of a checked filter that the principal may have; ``own`` narrows them to the
    principal's own executions.

    Raises:
        ProblemError: NOT_FOUND for a workspace, execution or run that is not there for them.
    """
    if which.workspace is not None and which.workspace != principal.workspace:
        raise refuse("NOT_FOUND", "There is no such workspace for you. Use your token's own.")
    execution_id = which.execution_id
    if execution_id is not None:
        found = records.execution(principal.workspace, execution_id)
        _require(found, principal, own, f"execution {execution_id}")
    if which.run_id is not None:
        found = records.execution_of_run(which.run_id)
        run = _require(found, principal, own, f"run {which.run_id}")
        if execution_id not in (None, run.id):
            raise refuse("NOT_FOUND", f"Execution {execution_id} has no run {which.run_id}.")
        execution_id = run.id
    types, prefixes = _types(which.types)
    return Selection(
        workspace=principal.workspace,
        submitter=principal.subject if own else None,
        execution_id=execution_id,
        run_id=which.run_id,
        types=types,
        prefixes=prefixes,
    )


def _require(found: Execution | None, principal: Principal, own: bool, named: str) -> Execution:
    if (
        found is None
        or found.workspace != principal.workspace
        or (own and found.submitter.subject != principal.subject)
    ):
        raise refuse("NOT_FOUND", f"There is no {named} for you in this workspace.")
    return found


def _types(types: tuple[str, ...] | None) -> tuple[frozenset[str] | None, tuple[str, ...]]:
    if types is None or "*" in types:
        return None, ()
    prefixes = tuple(name.removesuffix("*") for name in types if name.endswith(".*"))
    return frozenset(types), prefixes
