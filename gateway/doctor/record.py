"""The record: whether its database answers, has this release's tables, goes on, and agrees with
the clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from gateway.doctor.findings import Finding, failed, ok, skipped, warning
from gateway.journal import (
    REMEDY_OF_COPY,
    MarkFile,
    fault_of_copy,
    parsed_line,
    read_record,
    require_continued,
)
from gateway.model.system import SystemClock
from gateway.model.time import parse
from gateway.postgres import ANSWER_SECONDS, Connection, database_of
from gateway.settings import Settings

_AHEAD = timedelta(seconds=5)
"""By how much a clock may be behind what was recorded, or differ from the database's."""


def database(settings: Settings) -> Iterator[Finding]:
    """Whether the database answers and may be written."""
    if settings.postgres_url is not None:
        yield from _postgres(settings.postgres_url)
        return
    path = settings.database_path
    if not path.exists():
        yield ok("database", f"{path} is not there; the first start makes it")
        return
    try:
        with path.open("r+b"):
            pass
    except OSError as error:
        yield failed(
            "database",
            f"{path} cannot be written ({error.strerror})",
            "give the user that runs the gateway read and write access to it",
        )
        return
    yield ok("database", f"{path} can be read and written")


def _postgres(url: str) -> Iterator[Finding]:
    connection = Connection(url, "the record", silence=ANSWER_SECONDS)
    try:
        ((read_only, recovering, moment),) = connection.rows(
            "SELECT current_setting('transaction_read_only'), pg_is_in_recovery(),"
            " clock_timestamp()"
        )
    finally:
        connection.close()
    place = database_of(url)
    if recovering or read_only == "on":
        yield failed(
            "database",
            f"{place} answers and takes no writes",
            "name the primary in GATEWAY_DATABASE_URL, and a user that may write",
        )
    else:
        yield ok("database", f"{place} answers and takes writes")
    yield _clock_beside(moment)


def _clock_beside(moment: datetime) -> Finding:
    apart = abs(SystemClock().now() - moment)
    told = f"this machine and the database are {apart.total_seconds():.1f} s apart"
    if apart > _AHEAD:
        return failed("clock", told, "have both follow a time server (NTP)")
    return ok("clock", told)


def tables(settings: Settings) -> Iterator[Finding]:
    """Whether the tables are those of this release."""
    if _is_new(settings):
        yield skipped("tables", "the first start creates them")
        return
    from gateway.migrating import require_up_to_date  # with Alembic, which takes long to import

    require_up_to_date(settings)
    yield ok("tables", "they are those of this release")


def continuity(settings: Settings) -> Iterator[Finding]:
    """Whether the record goes on from where its gateway was, or was restored from a backup."""
    place = settings.record
    if isinstance(place, str):
        yield skipped("continuity", "on PostgreSQL a start looks at it")
        return
    if not place.exists():
        yield skipped("continuity", "there is no record yet")
        return
    kept = MarkFile(settings.key_dir)
    mark = kept.read()
    require_continued(place, settings.data_dir, mark)
    if mark is not None:
        yield ok("continuity", "the record goes on from where its gateway was")
    elif kept.path.exists():
        yield warning(
            "continuity",
            f"{kept.path} cannot be read, so that nobody can tell whether the record was restored",
            "make sure that it was not, or say so (docs/backup.md); a start writes the file anew",
        )
    else:
        yield ok("continuity", f"there is no {kept.path} yet, to compare the record with")


def clock(settings: Settings) -> Iterator[Finding]:
    """Whether the clock is past what was recorded last, and not so far that something is wrong."""
    if _is_new(settings):
        yield ok("clock", f"it is {SystemClock().now():%Y-%m-%d %H:%M:%S} UTC here")
        return
    last = read_record(settings.record, lambda records: records.last_moment())
    if last is None:
        yield ok("clock", "nothing was recorded yet")
        return
    now = SystemClock().now()
    if parse(last) > now + _AHEAD:
        yield failed(
            "clock",
            f"it is {now:%Y-%m-%d %H:%M:%S} UTC here, and the last entry is of {last}",
            "set the clock right: have it follow a time server (NTP)",
        )
    elif now - parse(last) > timedelta(days=settings.privacy_clock_leap):
        yield warning(
            "clock",
            f"it is {now:%Y-%m-%d %H:%M:%S} UTC here, {(now - parse(last)).days} days past the last"
            f" entry, which is of {last}",
            "nothing to do if nothing happened for so long; else set the clock right before the"
            " next start, for what is kept for a time is destroyed by it (docs/privacy.md)",
        )
    else:
        yield ok("clock", f"it is past the last entry, which is of {last}")


def checkpoint(settings: Settings) -> Iterator[Finding]:
    """Whether what was recorded is signed, and the second copy of the checkpoints ends as they
    do."""
    if _is_new(settings):
        yield skipped("checkpoints", "there is no record yet")
        return
    line, position = read_record(
        settings.record, lambda records: (records.last_checkpoint(), records.last_position())
    )
    if line is None:
        yield warning(
            "checkpoints",
            f"none of the {position} entries is signed",
            "a running gateway signs by itself; else: gateway audit checkpoint --sign",
        )
    else:
        yield _signed(line, position)
    if fault := fault_of_copy(settings.record, settings.data_dir):
        yield warning("checkpoints", fault, REMEDY_OF_COPY)


def _signed(line: str, position: int) -> Finding:
    last = parsed_line(line)
    return ok(
        "checkpoints",
        f"checkpoint {last.number} of {last.at} covers {last.position} of {position} entries",
    )


def _is_new(settings: Settings) -> bool:
    place = settings.record
    return isinstance(place, Path) and not place.exists()
