"""What processes on one PostgreSQL database share beside the record, and has its place on this
machine where one process is alone: bundles of evidence, artifacts of skills, rate limits."""

from gateway.blobs import Blobs, FolderBlobs
from gateway.model.ports import Clock
from gateway.model.rate import RateLimits
from gateway.pipeline import ProcessRateLimits
from gateway.settings import Settings


def open_blobs(settings: Settings, area: str) -> Blobs:
    """The blobs of an area: in the database that processes share, or in the data folder."""
    if settings.postgres_url is not None:
        from gateway.blobs.postgres import PostgresBlobs  # only where it is used

        return PostgresBlobs(settings.postgres_url, area)
    return FolderBlobs(settings.data_dir / area)


def open_limits(settings: Settings, clock: Clock) -> RateLimits:
    """The rate limits: of all processes together, or of this one."""
    if settings.postgres_url is not None:
        from gateway.pipeline.postgres_limits import PostgresRateLimits  # only where it is used

        return PostgresRateLimits(settings.postgres_url)
    return ProcessRateLimits(clock)
