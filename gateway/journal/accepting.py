"""Accepting a record that was restored from a backup, or came to another server."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text

from gateway.journal import claim_statements
from gateway.journal.alone import Alone, alone, holding
from gateway.journal.archives.archiving import RECORD_WORKSPACE
from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.continuing import why_not_continued
from gateway.journal.homes import HOME_TABLES, MOVE_HOME, SERVING
from gateway.journal.marks import Mark, MarkFile, mark_of
from gateway.journal.place import Place, reading_snapshot
from gateway.journal.records import SqlRecords
from gateway.journal.session import Session
from gateway.journal.signing import Signer
from gateway.journal.statement import Statement
from gateway.journal.tables import execution
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import UNDER_WAY
from gateway.model.ports import Clock
from gateway.model.problem import refuse

_NEWEST = Statement(select(func.coalesce(func.max(execution.c.created_at), "")))
_STATUSES = ", ".join(sorted(f"'{status.value}'" for status in UNDER_WAY))
_RUNS = Statement(text(f"SELECT count(*) FROM execution WHERE status IN ({_STATUSES})"))  # noqa: S608 # constants of our own
_NO_BACKUP = Statement(text("PRAGMA user_version = 0"))
_HOME = Statement(text(HOME_TABLES))


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many runs were under way in the record, and where the checkpoints of what is lost are
    kept, if there were any."""

    runs: int
    lost: Path | None


@dataclass(frozen=True, slots=True)
class Accepting:
    """Accepts the record at ``place`` as it is. ``mark`` is what was known of it here, and
    ``data_dir`` has the second copy of the checkpoints.

    A data folder must not be in use, and no gateway connected to a database.
    """

    place: Place
    data_dir: Path
    mark: MarkFile
    signer: Signer
    clock: Clock

    def restored(self) -> Accepted:
        """Accept a record that was restored: what was under way in it may have gone on since.

        Raises:
            ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION,
                SERVICE_UNAVAILABLE; PRECONDITION_FAILED where gateways are connected;
                JOURNAL_DAMAGED, KEYS_UNUSABLE.
            OSError: the mark or the file of checkpoints cannot be replaced.
        """
        known = self.mark.read()
        with (
            holding(self.place),
            alone(self.place, self.data_dir, self.clock, self.signer) as record,
        ):
            self._require_silence(record.session)
            [newest] = record.session.one(_NEWEST) or ("",)
            before = max(record.now, newest)  # also where the clock was put back
            accepted = SqlRecords(record.session).restored_before() or ""
            runs = self._record(record, before, known)
            record.session.change(claim_statements.WAKE_WAITING, wake_at=record.now)
            lost = self._set_aside(record, accepted)
        self._write_mark()
        return Accepted(runs, lost)

    def moved(self) -> Accepted:
        """Accept that the record has come to another database server with everything in it, as
        when a standby took over that had confirmed each commit. Gateways may be connected.

        Raises:
            ProblemError: PRECONDITION_FAILED where something is missing that is known here, and
                else as ``restored``.
            OSError: the mark cannot be replaced.
        """
        known, file = self.mark.read(), CheckpointFile(self.data_dir)
        with (
            holding(self.place),
            alone(self.place, self.data_dir, self.clock, self.signer) as record,
        ):
            why = why_not_continued(record.session, known)
            stray = file.stray(record.session)
            if not why and stray is not None:
                why = f"{file.path} holds checkpoint {stray.number}, which it does not"
            if why:
                told = f"Something was lost: {why}. Accept it as restored, without --nothing-lost."
                raise refuse("PRECONDITION_FAILED", told)
            runs = self._record(record, "", known)
        self._write_mark()
        return Accepted(runs, None)

    def _require_silence(self, session: Session) -> None:
        """What a gateway that runs has begun would not know that it may have been done already."""
        if isinstance(self.place, Path):
            return
        [count] = session.one(SERVING) or (0,)
        if count:
            told = f"{count} gateways or workers are connected to the database. Stop them first."
            raise refuse("PRECONDITION_FAILED", told)

    def _record(self, record: Alone, before: str, known: Mark | None) -> int:
        session = record.session
        [runs] = session.one(_RUNS) or (0,)
        body = {
            "before": before,
            "position": SqlRecords(session).last_position(),
            "known": known.position if known else None,
        }
        record.append(NewEntry(EntryType.RECORD_RESTORED, RECORD_WORKSPACE, body))
        if isinstance(self.place, Path):
            session.change(_NO_BACKUP)
            return int(runs)
        from gateway.journal.postgres.home import present_home  # only where it is used

        home = present_home(self.place)
        session.change(_HOME)
        if home:
            session.change(MOVE_HOME, server=home)
        return int(runs)

    def _set_aside(self, record: Alone, accepted: str) -> Path | None:
        """Move checkpoints away that are of entries which are lost; they still prove these. An
        attempt that broke off may have moved them since a restored record was ``accepted`` last."""
        file = CheckpointFile(self.data_dir)
        if file.stray(record.session):
            return file.set_aside(record.now)
        return file.set_aside_after(accepted)

    def _write_mark(self) -> None:
        with reading_snapshot(self.place) as session:
            mark = mark_of(SqlRecords(session), self.place, stopped=True)
        self.mark.write(mark)
