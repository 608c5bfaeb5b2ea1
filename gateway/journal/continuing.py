"""Whether a record goes on from where its gateways were, or was restored from the past."""

import logging
from contextlib import suppress
from pathlib import Path

from sqlalchemy import bindparam, select, text

from gateway.journal.beside import COMMAND_WRITER
from gateway.journal.checkpoint_file import REMEDY, CheckpointFile, fault_of_copy
from gateway.journal.database import BROKEN, unreadable
from gateway.journal.homes import KEPT_HOME
from gateway.journal.marks import BACKUP_VERSION, Mark
from gateway.journal.place import Place, reading_snapshot
from gateway.journal.queries import LAST_POSITION
from gateway.journal.records import SqlRecords
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.journal.tiles import StoredTiles
from gateway.model.problem import Problem, ProblemError
from gateway.transparency import Hash, leaf_hash
from gateway.transparency.tiles import HASH_BYTES, HEIGHT, WIDTH

_VERSION = Statement(text("PRAGMA user_version"))
_OF_GATEWAYS = Statement(
    select(entry.c.position)
    .where(
        entry.c.position > bindparam("of_position"),
        entry.c.chain.not_like(f"workspace/%/{COMMAND_WRITER}"),
    )
    .limit(1)
)
"""An entry behind a position that no command wrote while the gateway was stopped."""

_HASH = Statement(select(entry.c.hash).where(entry.c.position == bindparam("of_position")))

_log = logging.getLogger("gateway.journal")


def require_continued(place: Place, data_dir: Path, mark: Mark | None) -> None:
    """Refuse a record that was restored from a backup and not accepted as such.

    Checkpoints in ``data_dir`` of what an accepted restoration lost are moved aside.

    Raises:
        ProblemError: RECORD_RESTORED, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION,
            SERVICE_UNAVAILABLE.
    """
    if isinstance(place, str):
        _require_continued_there(place, CheckpointFile(data_dir), mark)
        return
    try:
        with reading_snapshot(place) as session:
            why = _why_file_differs(session, place, mark)
    except BROKEN as error:
        raise unreadable(place, error) from error
    if why:
        raise _restored(f"The record in {place.parent}", why)


def _require_continued_there(url: str, file: CheckpointFile, mark: Mark | None) -> None:
    from gateway.journal.postgres.home import present_home  # only where it is used

    home = present_home(url)
    with reading_snapshot(url) as session:
        why = _why_home_differs(session, home) or why_not_continued(session, mark)
        stray = file.stray(session)
        before = SqlRecords(session).restored_before() or ""
    if not why and stray is not None:
        if stray.at > before:
            why = f"{file.path} holds checkpoint {stray.number}, which it does not"
        else:
            lost = file.set_aside(before)
            _log.warning("%s holds the checkpoints of what the record has lost: keep it", lost)
    if why:
        raise _restored("The record", why)
    if fault := fault_of_copy(url, file.path.parent):
        _log.error("%s. %s.", fault, REMEDY)


def _why_file_differs(session: Session, place: Path, mark: Mark | None) -> str:
    if session.one(_VERSION) == (BACKUP_VERSION,):
        return "it was written as a backup"
    why = why_not_continued(session, mark)
    if why or mark is None or not mark.position:
        return why
    records = SqlRecords(session)
    last, is_same_file = records.last_position(), place.stat().st_ino == mark.file
    if not last or is_same_file or mark.restorations < records.restorations():
        return ""
    if not mark.stopped or session.one(_OF_GATEWAYS, of_position=mark.position):
        return "it is a copy, made before the gateway had stopped"
    return ""


def _why_home_differs(session: Session, home: str) -> str:
    """Why the server is not the one that the record was served from; empty where it is."""
    kept = session.one(KEPT_HOME)
    if kept is None or not home or kept[0] == home:
        return ""
    if kept[0].partition("/")[0] != home.partition("/")[0]:
        return "it was loaded into another database server"
    return (
        f"its server has begun timeline {home.partition('/')[2]}, by a restore to an earlier "
        "moment or by a standby that took over"
    )


def why_not_continued(session: Session, mark: Mark | None) -> str:
    """Why a record does not hold what is marked; empty where it does."""
    [last] = session.one(LAST_POSITION) or (0,)
    if mark is None or not mark.position or not last:
        return ""  # nothing is known of before; an empty record has nothing to repeat
    if mark.restorations < SqlRecords(session).restorations():
        return ""  # whatever it says was taken into account
    if last < mark.position:
        return f"it ends at position {last}, and had come to {mark.position}"
    if not holds(session, mark.position, mark.hash):
        return f"its entry at position {mark.position} is not the one that was there"
    return ""


def holds(session: Session, position: int, own: str) -> bool:
    """Whether the record has the entry of this hash at this position, also where it is archived."""
    found = session.one(_HASH, of_position=position)
    if found is not None:
        return bool(found[0] == own)
    tile = StoredTiles(session)(0, (position - 1) >> HEIGHT)
    begin = (position - 1) % WIDTH * HASH_BYTES
    leaf = tile[begin : begin + HASH_BYTES]
    return bool(leaf) and leaf == _leaf_of(own)


def _leaf_of(own: str) -> Hash | None:
    with suppress(ValueError, TypeError):
        return leaf_hash(bytes.fromhex(own))
    return None


def _restored(what: str, why: str) -> ProblemError:
    told = (
        f"{what} does not go on from where this gateway was: {why}. What was done after it was "
        "made is unknown, so nothing is served. Bring the newest record that there is; if this one "
        "is it, accept it with `gateway journal accept-restore`: steps that may have been done "
        "already are then left to operators."
    )
    return ProblemError(
        Problem("RECORD_RESTORED", "The record was restored from a backup", 409, told, "state")
    )
