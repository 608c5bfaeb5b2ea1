"""What processes on one PostgreSQL database share beside the record, and has its place on this
machine where one process is alone: bundles of evidence, artifacts of skills, rate limits."""

import psycopg

from gateway.blobs import BLOB_TABLES, Blobs, FolderBlobs, PostgresBlobs
from gateway.model.ports import Clock
from gateway.model.problem import refuse
from gateway.pipeline import PostgresRateLimits, ProcessRateLimits
from gateway.pipeline.rate_tables import RATE_TABLES
from gateway.postgres import SharedLock, as_text
from gateway.postgres.connection import CONNECT_SECONDS
from gateway.postgres.locks import PROGRAM
from gateway.settings import Settings

_TABLES = ("blob", "blob_piece", "rate_limit")


def create_shared_tables(url: str) -> None:
    """Create the tables of what is shared where they are missing, however many processes try.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE when the database cannot be used, or this user may not.
    """
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as session:
            asked = "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) name"
            if session.execute(asked, [list(_TABLES)]).fetchone() == (True,):
                return
            lock = "SELECT pg_advisory_xact_lock(%s, %s)"
            session.execute(lock, (PROGRAM, int(SharedLock.TABLES)))
            session.execute(BLOB_TABLES)
            session.execute(RATE_TABLES)
    except psycopg.Error as error:
        told = f"The tables that processes share cannot be had ({as_text(error)})."
        raise refuse("SERVICE_UNAVAILABLE", f"{told} Have their owner start once.") from error


def open_blobs(settings: Settings, area: str) -> Blobs:
    """The blobs of an area: in the database that processes share, or in the data folder."""
    if settings.postgres_url is not None:
        return PostgresBlobs(settings.postgres_url, area)
    return FolderBlobs(settings.data_dir / area)


def open_limits(settings: Settings, clock: Clock) -> ProcessRateLimits | PostgresRateLimits:
    """The rate limits: of all processes together, or of this one."""
    if settings.postgres_url is not None:
        return PostgresRateLimits(settings.postgres_url)
    return ProcessRateLimits(clock)
