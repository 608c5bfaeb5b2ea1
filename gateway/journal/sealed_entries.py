"""Finding the entries that hold data under some keys, in short reads beside whoever writes.

Envelopes name their key in clear text, so an entry is found by the key's id: by the database
itself for a few keys, which holds up nobody, and by one pattern for many.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator

from sqlalchemy import any_, bindparam, func, literal, or_, select, union_all

from gateway.journal.archive_records import archived_entry
from gateway.journal.chain import execution_chain
from gateway.journal.functions import contains, listed_numbers
from gateway.journal.place import Place, reading
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.model.entry import EntryType
from gateway.model.json import encode
from gateway.model.sealed_history import SealedEntry, SealedHistory

_WINDOW = 20_000
"""How many positions one read goes through: it must hold no snapshot for long."""

_AT_ONCE = 500
"""How many entries one read fetches by their positions: they may be large."""

_FEW = 2
_KEY_ID = re.compile(r'"\$sealed":\[\d+,"[^"\\]*","[^"\\]*","([^"\\]+)"')
_NAMES = ("position", "at", "type", "execution_id", "body")
_both = union_all(
    *(
        select(*(table.c[name] for name in (*_NAMES, "workspace", "chain", "seq")))
        for table in (entry, archived_entry)
    )
).subquery("both")
"""All entries; of those that are archived, what is kept of their envelopes."""

_its = _both.c
_COLUMNS = tuple(_its[name] for name in _NAMES)
_BETWEEN = (
    _its.position > bindparam("after_position"),
    _its.position <= bindparam("through_position"),
)
_HOLDS = contains(_its.body, literal('"$sealed":'))


def _holding(keys: int) -> Statement:
    """The entries of a workspace that name one of so many keys; any with envelopes for none."""
    named = [contains(_its.body, bindparam(f"key_{n}")) for n in range(keys)]
    wheres = (*_BETWEEN, _its.workspace == bindparam("of_workspace"), _HOLDS)
    rows = select(*_COLUMNS).where(*wheres, *([or_(*named)] if named else []))
    return Statement(rows.order_by(_its.position))


_HOLDING = [_holding(keys) for keys in range(_FEW + 1)]
_LAST_POSITION = Statement(select(func.max(entry.c.position)))
_OF_EXECUTION = Statement(
    select(*_COLUMNS)
    .where(
        _its.chain == bindparam("of_chain"),
        *_BETWEEN,
        or_(_HOLDS, _its.type == EntryType.EVIDENCE_EXPORTED.value),
    )
    .order_by(_its.seq)
)
_ordered = select(*_COLUMNS).order_by(_its.position)
_asked = listed_numbers("positions")
_AT = Statement(  # of an array PostgreSQL looks up each; with a query it would go through all rows
    _ordered.where(_its.position.in_(_asked)),
    _ordered.where(_its.position == any_(func.array(_asked.scalar_subquery()))),
)


@contextlib.contextmanager
def open_sealed(place: Place) -> Iterator[SealedHistory]:
    """The entries with envelopes of the record in ``place``; for one thread at a time.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    with reading(place) as session:
        yield SqlSealedHistory(session)


class SqlSealedHistory(SealedHistory):
    """``SealedHistory`` over a reading session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def last_position(self) -> int:
        """The position of the newest entry, 0 where there is none."""
        found = self._session.one(_LAST_POSITION)
        return (found and found[0]) or 0

    def holding(
        self, workspace: str, key_ids: frozenset[str], after: int, through: int
    ) -> Iterator[SealedEntry]:
        """The entries of a workspace that name one of these keys, behind ``after`` up to
        ``through``, in order."""
        if not key_ids:
            return
        few = sorted(key_ids) if len(key_ids) <= _FEW else []
        statement = _HOLDING[len(few)]
        given = {"of_workspace": workspace, **{f"key_{n}": key for n, key in enumerate(few)}}
        for start in range(after, through, _WINDOW):
            window = {"after_position": start, "through_position": min(start + _WINDOW, through)}
            for row in self._session.all(statement, **given, **window):
                if few or not key_ids.isdisjoint(_KEY_ID.findall(row[4])):
                    yield SealedEntry(*row)

    def of_execution(self, execution_id: str, after: int, through: int) -> Iterator[SealedEntry]:
        """The entries of an execution with envelopes, and of bundles exported from it, behind
        ``after`` up to ``through``."""
        window = {"after_position": after, "through_position": through}
        rows = self._session.all(_OF_EXECUTION, of_chain=execution_chain(execution_id), **window)
        yield from (SealedEntry(*row) for row in rows)

    def at(self, positions: Iterable[int]) -> Iterator[SealedEntry]:
        """The entries at these positions, in order."""
        wanted = sorted(positions)
        for start in range(0, len(wanted), _AT_ONCE):
            asked = encode(wanted[start : start + _AT_ONCE])
            rows = self._session.all(_AT, positions=asked)
            yield from (SealedEntry(*row) for row in rows)
