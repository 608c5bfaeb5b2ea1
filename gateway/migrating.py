"""The database that the settings name, brought to this release's tables."""

from gateway.companions import COMPANIONS
from gateway.journal.migrations import (
    Migrated,
    migrate_postgres,
    migrate_sqlite,
    postgres_versions,
    sqlite_versions,
)
from gateway.journal.progress import Progress, untold
from gateway.journal.schema_version import require_version
from gateway.postgres import database_of
from gateway.settings import Settings


def bring_up_to_date(settings: Settings, progress: Progress = untold) -> Migrated:
    """Create or migrate the tables, as a whole or not at all, and once however many try.

    Raises:
        ProblemError: DATA_DIR_IN_USE beside a server on SQLite, SERVICE_UNAVAILABLE,
            DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    if settings.postgres_url is not None:
        return migrate_postgres(settings.postgres_url, COMPANIONS)
    return migrate_sqlite(settings.database_path, progress)


def require_up_to_date(settings: Settings) -> None:
    """Refuse a database that is not as this release needs it; nothing is changed.

    Raises:
        ProblemError: DATABASE_OUTDATED, also where there are no tables yet;
            DATABASE_UNKNOWN_VERSION, DATABASE_UNREADABLE, SERVICE_UNAVAILABLE.
    """
    if settings.postgres_url is not None:
        found = postgres_versions(settings.postgres_url, COMPANIONS)
        require_version(found, database_of(settings.postgres_url))
    else:
        found = sqlite_versions(settings.database_path)
        require_version(found, str(settings.database_path))
