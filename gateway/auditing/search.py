"""Searching the record: entries of one workspace that fit a filter, in order, page by page."""

from dataclasses import dataclass, replace

from gateway.auditing.facts import effect_of, entry_item, fact_of
from gateway.auditing.span import Span, span_of
from gateway.model.audit_history import AuditHistory, Narrowing, Stretch
from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.model.time import after as later

MOST_LOOKED = 200_000
"""How many positions of the record one page looks at."""

_CHUNK = 500
_SLACK = 2 * 3_600.0
"""Seconds behind the last archived entry from which on a span surely lies behind it, also where a
clock was set back."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in a workspace; None does not narrow.

    ``contract`` is ``key`` or ``key@version``, ``effect`` ALLOW or DENY.
    """

    workspace: str
    span: Span
    actor: str | None = None
    contract: str | None = None
    types: tuple[str, ...] | None = None
    execution_id: str | None = None
    effect: str | None = None

    @classmethod
    def from_json(cls, workspace: str, value: JsonObject) -> "Search":
        """What the input of ``audit.record.search`` looks for.

        Raises:
            ProblemError: VALIDATION_FAILED, as ``span_of``.
        """
        types = value.get("types")
        return cls(
            workspace,
            span_of(value),
            value.get("actor"),
            value.get("contract"),
            None if types is None else tuple(types),
            value.get("executionId"),
            value.get("effect"),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A page: ``next`` is the position to go on behind, None where nothing is left."""

    items: tuple[JsonObject, ...]
    next: int | None

    def to_json(self) -> JsonObject:
        """The page as ``audit.record.search`` gives it."""
        told: JsonObject = {"items": list(self.items)}
        return told if self.next is None else {**told, "next": str(self.next)}


def stretch_of(history: AuditHistory, workspace: str, span: Span, after: int) -> Stretch:
    """Where in the record a span lies, behind the position ``after``.

    Raises:
        ProblemError: PRECONDITION_FAILED where it reaches into what is archived: an answer that
            leaves something out, unsaid, would be a wrong one.
    """
    begin, end = max(after, history.place_of(span.since)), history.end_of(span.until)
    found = Stretch(workspace, begin, end, span.since, span.until)
    require_kept(history, found)
    return found


def require_kept(history: AuditHistory, stretch: Stretch) -> None:
    """Refuse a stretch that reaches into what is archived, also where nothing of it is left.

    Ask again once it was read: others may have archived it meanwhile, for each read sees its own
    moment.

    Raises:
        ProblemError: PRECONDITION_FAILED.
    """
    kept_after = history.archived_through(stretch.after)
    if kept_after > stretch.after:
        raise refuse("PRECONDITION_FAILED", _archived(history, kept_after))


def _archived(history: AuditHistory, through: int) -> str:
    told = f"Entries up to position {through} are archived and may not be here any more. "
    first = next(iter(history.entries_after(through, 1)), None)
    if first is not None:
        told += f"Ask of the time from {later(first.at, _SLACK)} on, or put "
    else:
        told += "Put "
    return f"{told}the segments back with `gateway journal restore`."


def search(history: AuditHistory, wanted: Search, after: int, limit: int, *, rules: bool) -> Found:
    """The first ``limit`` entries behind ``after`` that fit, as far as one page looks.

    A page may be empty and still not be the last one.
    """
    whole = stretch_of(history, wanted.workspace, wanted.span, after)
    found = _found(history, wanted, whole, limit, rules=rules)
    require_kept(history, whole)
    return found


def _found(
    history: AuditHistory, wanted: Search, whole: Stretch, limit: int, *, rules: bool
) -> Found:
    end = min(whole.through, whole.after + MOST_LOOKED)
    about = () if wanted.contract is None else (text_of(wanted.contract),)
    which = Narrowing(wanted.actor, wanted.types, wanted.execution_id, about)
    found: list[JsonObject] = []
    place = whole.after
    while place < end:
        rows = history.audited(replace(whole, after=place, through=end), which, _CHUNK)
        for row in rows:
            fact = fact_of(row)
            if _fits(wanted, fact.contract, effect_of(fact)):
                found.append(entry_item(fact, rules=rules))
                if len(found) == limit:
                    more = row.position < whole.through
                    return Found(tuple(found), row.position if more else None)
        place = rows[-1].position if len(rows) == _CHUNK else end
    return Found(tuple(found), end if end < whole.through else None)


def text_of(contract: str) -> str:
    """What stands in every entry that names the contract, of whatever version if none is named."""
    return contract if "@" in contract else f"{contract}@"


def is_meant(contract: str, found: str | None) -> bool:
    """True if the reference ``found`` is what ``contract`` names: ``key`` or ``key@version``."""
    return found is not None and contract in (found, found.partition("@")[0])


def _fits(wanted: Search, contract: str | None, effect: str | None) -> bool:
    if wanted.contract is not None and not is_meant(wanted.contract, contract):
        return False
    return wanted.effect in (None, effect)
