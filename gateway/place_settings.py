"""The settings of where things are: the record, the keys, and what goes with them."""

from pathlib import Path

from pydantic import ValidationInfo, field_validator

from gateway.model.problem import refuse
from gateway.run_settings import RunSettings
from gateway.setting_values import (
    POSTGRES,
    SQLITE,
    DatabaseUrl,
    NewFolder,
    PostgresUrl,
    RootKeyName,
    beside,
)
from gateway.setting_values import setting as _setting


class PlaceSettings(RunSettings):
    """The part of ``Settings`` that says where the record and the keys are."""

    data_dir: NewFolder = _setting(
        Path("data"),
        "Folder for the record: SQLite files and evidence. One serving process for each.",
        "a folder, which is created if it is missing",
        shown="./data",
    )
    key_dir: NewFolder = _setting(
        lambda settings: beside(settings.get("data_dir", Path("data"))),
        "Folder for keys. Keep it out of the backups of the data folder.",
        "a folder, which is created if it is missing",
        shown="the data folder with -keys behind its name",
    )
    root_key: RootKeyName = _setting(
        "file",
        "Where the root key is, which wraps all keys that seal personal data.",
        "file (root.key in the key folder), env:NAME (a variable with 32 bytes in base64) or "
        "aws-kms:KEY (needs the extra kms)",
    )
    key_store: PostgresUrl = _setting(
        "",
        "Database of the keys, the root key apart, where processes share them.",
        "postgresql://host:5432/name, or leave it out",
        shown="none: the key folder; with PostgreSQL, the journal's database",
        secret=True,
    )
    database_url: DatabaseUrl = _setting(
        "",
        "Database of the journal: a SQLite file for one process, PostgreSQL for many.",
        "sqlite:///path/to/file.db or postgresql://host:5432/name, or leave it out",
        shown="gateway.db in the data folder",
        secret=True,
        validate_default=True,
    )

    @field_validator("database_url")
    @classmethod
    def _fits_dispatch(cls, value: str, info: ValidationInfo) -> str:
        dispatch = info.data.get("dispatch", "embedded")
        if dispatch != "embedded" and not value.startswith(POSTGRES):
            raise ValueError(f"GATEWAY_DISPATCH={dispatch} needs a PostgreSQL database")
        return value

    @property
    def postgres_url(self) -> str | None:
        """The URL of the PostgreSQL database; None where the journal is a SQLite file."""
        return self.database_url if self.database_url.startswith(POSTGRES) else None

    @property
    def key_database(self) -> str:
        """The URL of the PostgreSQL database of the keys; empty where the key folder has them."""
        return self.key_store or self.postgres_url or ""

    @property
    def database_path(self) -> Path:
        """The SQLite file of the journal.

        Raises:
            ProblemError: PRECONDITION_FAILED where it is in PostgreSQL.
        """
        if self.postgres_url is not None:
            raise refuse(
                "PRECONDITION_FAILED",
                "This works on a SQLite file, and GATEWAY_DATABASE_URL names PostgreSQL.",
            )
        if not self.database_url:
            return self.data_dir / "gateway.db"
        return Path(self.database_url.removeprefix(SQLITE))

    @property
    def record(self) -> Path | str:
        """Where the journal is: the path of its SQLite file, or the URL of its database."""
        return self.postgres_url or self.database_path
