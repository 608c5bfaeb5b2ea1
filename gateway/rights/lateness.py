"""What is too late to be held: what an erasure or a sweep of retention takes that is under way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.journal import Place, open_sealed
from gateway.model.ports import Records
from gateway.model.problem import refuse
from gateway.model.rights import Erasure, Subject, SubjectKind
from gateway.model.time import stamp
from gateway.privacy import DataKeys
from gateway.rights.erasing import CHUNK
from gateway.rights.search import Search

_AHEAD = timedelta(minutes=1)
"""For how long what was looked at serves, at least: a call takes less."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The erasures that were being carried out when somebody looked, by their ids, and those of
    them that take something of what is held on a subject; ``overdue`` are the keys of that which
    retention may destroy meanwhile."""

    begun: frozenset[str] = frozenset()
    taking: frozenset[str] = frozenset()
    overdue: frozenset[str] = frozenset()


NOTHING = Looked()
"""Nothing was being carried out, and nothing overdue."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Looks what erasures and retention take, in the record at ``place``."""

    place: Place
    keys: DataKeys

    def look(self, subject: Subject, begun: Sequence[Erasure]) -> Looked:
        """Which of these erasures take what is held on a subject, and what of it is overdue. It
        waits for the disk."""
        overdue = set(self._overdue(subject.workspace))
        if not begun and not overdue:
            return NOTHING
        search = Search(self.keys, [subject])
        with open_sealed(self.place) as entries:
            search.advance(entries)
        taking = (one.id for one in begun if _takes(one.subject, subject, search))
        kept = overdue & (search.keys | search.beside)
        return Looked(frozenset(one.id for one in begun), frozenset(taking), frozenset(kept))

    def _overdue(self, workspace: str) -> Iterator[str]:
        """The keys of a workspace whose time is over, or will be in a moment."""
        at, after = stamp(self.keys.clock.now() + _AHEAD), ("", "")
        while rows := self.keys.expired(CHUNK, after, at):
            after = (rows[-1].expires_at or "", rows[-1].id)
            yield from (row.id for row in rows if row.workspace == workspace)


def being_carried_out(records: Records, workspace: str) -> list[Erasure]:
    """The erasures of a workspace that nothing stops any more, and that are not done."""
    return [
        one
        for one in records.erasures_to_do()
        if one.subject.workspace == workspace and one.condemned_at is not None
    ]


def require_in_time(records: Records, subject: Subject, looked: Looked) -> None:
    """Refuse a hold on what falls already.

    Raises:
        ProblemError: CONFLICT, also where an erasure or a sweep began since that was looked at.
    """
    if len(records.uncondemned(sorted(looked.overdue))) < len(looked.overdue):
        told = (
            "Retention is destroying something of what is held on this subject: it is too late for"
            " that. Place the hold again in a moment, to keep what is left."
        )
        raise refuse("CONFLICT", told)
    for one in being_carried_out(records, subject.workspace):
        named = {"erasureId": one.id}
        if one.subject == subject:
            told = f"Erasure {one.id} of this subject is being carried out: it is too late."
            raise refuse("CONFLICT", told, extra=named)
        if one.id in looked.taking:
            told = (
                f"Erasure {one.id} is being carried out and takes something of what is held on this"
                " subject: it is too late. Once it is done, place the hold to keep what is left."
            )
            raise refuse("CONFLICT", told, extra=named)
        if one.id not in looked.begun:
            told = f"Erasure {one.id} began just now. Place the hold again."
            raise refuse("CONFLICT", told, extra=named)


def _takes(erased: Subject, held: Subject, search: Search) -> bool:
    """True if somebody who is erased occurs where something is ``held``: what people wrote there
    speaks of both, and falls. ``search`` found what is held."""
    if erased == held:
        return True
    if erased.kind is SubjectKind.EXECUTION:
        return erased.target in search.executions
    return erased.target in search.others
