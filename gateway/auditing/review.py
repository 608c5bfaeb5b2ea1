"""The review of a contract: who could call it in a span, who did, who approved, who saw."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.auditing.could import could
from gateway.auditing.doings import WITHOUT_CONTRACT, Doings
from gateway.auditing.search import MOST_LOOKED, require_kept, stretch_of, text_of
from gateway.auditing.span import LATEST, Span
from gateway.model.audit_history import AuditHistory, AuditRow, Narrowing, Stretch
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.policy import Activation
from gateway.model.ports import Page
from gateway.model.problem import refuse
from gateway.policy import PolicyRevision

PARTS = ("COULD", "DID", "APPROVED", "SAW")

MOST_REVISIONS = 50
"""How many revisions of one span are reviewed."""

_CHUNK = 500
_ACTIVATIONS = 200

RevisionOf: TypeAlias = Callable[[AuditHistory, str], PolicyRevision | None]
"""Gives a revision by its name, None for one whose content the record does not hold."""


@dataclass(frozen=True, slots=True)
class Review:
    """What is asked: of one contract (``key`` or ``key@version``) in one workspace and span.

    ``served`` is the contract as it is served now, None if it is not any more. ``parts`` are those
    wanted; with ``after`` it is one part, gone on with behind that place. ``rules`` and ``others``
    say whether the reader may read the rules, and who of another workspace changed policy.
    ``entries`` is False where the record of the workspace is not for the reader. ``requester_role``
    is what whoever has an action run must hold besides what the rules ask for.
    """

    workspace: str
    contract: str
    served: OperationContract | None
    span: Span
    subject: str | None = None
    parts: tuple[str, ...] = PARTS
    after: int | None = None
    limit: int = 50
    rules: bool = True
    others: bool = True
    entries: bool = True
    requester_role: str = ""


@dataclass(slots=True)
class _List:
    """A page of one list: it is full with the entry that brings it to its limit."""

    items: list[JsonObject] = field(default_factory=list)
    next: int | None = None
    is_full: bool = False

    def take(self, rows: Sequence[JsonObject], position: int, limit: int) -> None:
        """Rows of one entry; behind a full page they are only known to be there."""
        if not rows:
            return
        if self.is_full:
            self.next = self.next or int(self.items[-1]["cursor"])
            return
        self.items += rows
        self.is_full = len(self.items) >= limit

    def to_json(self) -> JsonObject:
        told: JsonObject = {"items": self.items}
        return told if self.next is None else {**told, "next": str(self.next)}


def review(history: AuditHistory, asked: Review, revision_of: RevisionOf) -> JsonObject:
    """The answer, as ``audit.contract.review`` gives it.

    Raises:
        ProblemError: NOT_FOUND for a contract that is not served and of which nothing is recorded.
    """
    told: JsonObject = {
        "contract": asked.served.ref if asked.served else asked.contract,
        "served": asked.served is not None,
        "workspace": asked.workspace,
        "recordWithheld": not asked.entries,
        "from": asked.span.since,
    }
    if asked.span.until != LATEST:
        told["to"] = asked.span.until
    begin = asked.after if asked.after is not None and "COULD" not in asked.parts else 0
    whole = stretch_of(history, asked.workspace, asked.span, begin)
    stretch = replace(whole, through=min(whole.through, whole.after + MOST_LOOKED))
    complete = stretch.through == whole.through
    decided = history.revisions(stretch) if asked.entries else []
    in_force = activations_in(history, asked.span, frozenset(decided))
    told["policyRevisions"] = [_in_force(history, asked, *one) for one in in_force]
    if "COULD" in asked.parts:
        told["could"] = _could(history, asked, stretch, in_force, revision_of)
    told |= _of_record(history, asked, stretch, complete=complete)
    if asked.after is None and asked.entries:
        told["notRecorded"] = history.without_seen(stretch)
    require_kept(history, whole)
    if asked.served is None and asked.after is None and not any(told.get("totals", {}).values()):
        raise refuse("NOT_FOUND", f"There is no contract {asked.contract[:100]} in this workspace.")
    return {**told, "complete": complete}


# --- which policy was in force


def activations_in(
    history: AuditHistory, span: Span, decided: frozenset[str]
) -> list[tuple[Activation, str | None]]:
    """The activations that were in force in a span, oldest first, each with when the next came.

    Where a clock went back their moments do not tell. So each revision that is known to have
    ``decided`` calls of the span is among them, as it came into force last.
    """
    newest_first: list[tuple[Activation, str | None]] = []
    until: str | None = None
    for one in _newest_first(history):
        newest_first.append((one, until))
        until = one.at
    meant = {one.number for one, until in newest_first if _is_within(one, until, span)}
    missing = set(decided) - {one.revision for one, _ in newest_first if one.number in meant}
    for one, _ in newest_first:
        if one.revision in missing:
            meant.add(one.number)
            missing.remove(one.revision)
    return [(one, until) for one, until in reversed(newest_first) if one.number in meant]


def _is_within(one: Activation, until: str | None, span: Span) -> bool:
    """Whether an activation was in force in a span, as the clock told it."""
    return one.at < span.until and (until is None or until > span.since)


def _newest_first(history: AuditHistory) -> Iterator[Activation]:
    """All activations once: one that comes between two pages moves the others down a place."""
    offset, last = 0, math.inf
    while True:
        page, total = history.policy_activations(Page(_ACTIVATIONS, offset))
        for one in page:
            if one.number < last:
                yield one
                last = one.number
        offset += len(page)
        if not page or offset >= total:
            return


def _in_force(
    history: AuditHistory, asked: Review, one: Activation, until: str | None
) -> JsonObject:
    told = {
        "number": one.number,
        "revision": one.revision,
        "previous": one.previous,
        "since": one.at,
        "until": until,
        "source": one.source,
        "changesetId": one.changeset_id,
        "activatedBy": (one.by or None) if _tells_who(history, asked, one) else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _tells_who(history: AuditHistory, asked: Review, one: Activation) -> bool:
    """False for what people of another workspace did, as where activations are listed."""
    if asked.others or one.changeset_id is None:
        return True
    changeset = history.changeset(one.changeset_id)
    return changeset is None or changeset.workspace == asked.workspace


# --- who could


def _could(
    history: AuditHistory,
    asked: Review,
    stretch: Stretch,
    in_force: list[tuple[Activation, str | None]],
    revision_of: RevisionOf,
) -> JsonObject:
    """A page of rows of all revisions, and the revisions that cannot be decided under any more."""
    tokens = history.tokens(stretch) if asked.entries else []
    first = asked.after or 0
    page: list[JsonObject] = []
    unknown: list[str] = []
    total = 0
    names = list(dict.fromkeys(one.revision for one, _ in in_force))
    for name in names[:MOST_REVISIONS]:
        revision = revision_of(history, name)
        if revision is None or asked.served is None:
            unknown.append(name)
            continue
        of = (revision, asked.workspace, asked.served, tokens, asked.subject)
        for row in could(*of, asked.requester_role):
            if first <= total < first + asked.limit:
                page.append(row)
            total += 1
    if not asked.rules:
        page = [{key: row[key] for key in row if key not in ("rule", "path")} for row in page]
    told: JsonObject = {
        "items": page,
        "total": total,
        "undecidable": [*unknown, *names[MOST_REVISIONS:]],
    }
    end = first + len(page)
    return told if end >= total else {**told, "next": str(end)}


# --- who did, approved and saw


def _of_record(
    history: AuditHistory, asked: Review, stretch: Stretch, *, complete: bool
) -> JsonObject:
    wanted = [part for part in PARTS[1:] if part in asked.parts]
    lists = {part: _List() for part in wanted}
    emitted = asked.served.emits if asked.served else ()
    doings = Doings(
        *(history, asked.workspace, asked.contract, frozenset(emitted)),
        subject=asked.subject,
        rules=asked.rules,
    )
    goes_on = asked.after is not None
    if asked.entries and wanted:
        for row in _rows(history, asked, stretch, emitted):
            for part, rows in zip(PARTS[1:], doings.of(row), strict=True):
                if part in lists:
                    lists[part].take(rows, row.position, asked.limit)
            if goes_on and all(one.next is not None for one in lists.values()):
                break
    if not complete:
        for one in lists.values():
            one.next = one.next or stretch.through
    told: JsonObject = {part.lower(): one.to_json() for part, one in lists.items()}
    if wanted and not goes_on:
        told["totals"] = _totals(doings)
    return told


def _rows(
    history: AuditHistory, asked: Review, stretch: Stretch, emitted: Sequence[str]
) -> Iterator[AuditRow]:
    """The entries that may concern the contract, in order."""
    named = (text_of(asked.contract), *emitted)
    which = Narrowing(about=named, or_types=WITHOUT_CONTRACT)
    place = stretch.after
    while place < stretch.through:
        rows = history.audited(replace(stretch, after=place), which, _CHUNK)
        yield from rows
        if len(rows) < _CHUNK:
            return
        place = rows[-1].position


def _totals(doings: Doings) -> JsonObject:
    found = doings.totals
    return {
        "calls": found["calls"],
        "attempts": found["attempts"],
        "denied": found["denied"],
        "approvals": found["approval"],
        "rejections": found["rejection"],
        "breakGlass": found["break_glass"],
        "grantsUsed": found["grant_used"],
        "grantsIssued": found["grant_issued"],
        "saw": found["saw"],
    }
