"""The kinds of value that settings have: how each is read from text, and what it refuses."""

import re
import stat
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from gateway.actions import HostGuard
from gateway.actions.origins import parse_origins
from gateway.identity import CodeFlowConfig, OidcConfig
from gateway.model.principal import WORKSPACE_PATTERN

SQLITE = "sqlite:///"
"""What the URL of a SQLite file begins with."""

POSTGRES = ("postgresql://", "postgres://")
"""What the URL of a PostgreSQL database begins with."""


def setting(default: Any, description: str, expects: str, **more: Any) -> Any:
    """A field with its one description; ``expects`` completes 'Set it to ...'.

    ``shown`` replaces the default in the documentation, ``secret`` hides values in messages.
    """
    extra: dict[str, Any] = {key: more.pop(key) for key in ("shown", "secret") if key in more}
    more["default_factory" if callable(default) else "default"] = default
    return Field(description=description, json_schema_extra={"expects": expects} | extra, **more)


def _parts_by(separator: str) -> BeforeValidator:
    def parts(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(separator) if part.strip())

    return BeforeValidator(parts)


def _pairs(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
    if lone := [name for name, mark, _ in pairs if not mark]:
        raise ValueError(f"{lone[0]!r} has no '='")
    return {name.strip(): place.strip() for name, _, place in pairs}


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"nobody has the home {path.parts[0]}") from None


def _mode_of(path: Path) -> int:
    """What is there, as ``stat`` tells it; 0 for nothing."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        raise ValueError(f"it cannot be looked at ({error.strerror})") from None


def _existing_folder(path: Path) -> Path:
    path = _expanded(path)
    if not stat.S_ISDIR(_mode_of(path)):
        raise ValueError(f"there is no folder {path}")
    return path


def _existing_file(path: Path) -> Path:
    path = _expanded(path)
    if not stat.S_ISREG(_mode_of(path)):
        raise ValueError(f"there is no file {path}")
    return path


def _no_other_file(path: Path) -> Path:
    path = _expanded(path)
    mode = _mode_of(path)
    if mode and not stat.S_ISDIR(mode):
        raise ValueError(f"{path} is not a folder")
    return path


def beside(data_dir: Path) -> Path:
    """The key folder that belongs to a data folder where no other is named.

    It lies beside it and not inside, so that a copy of the data holds no key.
    """
    whole = data_dir.expanduser().absolute()
    return whole.with_name(f"{whole.name or 'data'}-keys")


def _database_url(url: str) -> str:
    if url.startswith(POSTGRES):
        return _postgres_url(url)
    if url and (not url.startswith(SQLITE) or url.removeprefix(SQLITE) in ("", ":memory:")):
        raise ValueError("it names neither a SQLite file nor a PostgreSQL database")
    if "?" in url:
        raise ValueError("it has options after '?', which are not supported")
    return url


def _postgres_url(url: str) -> str:
    from psycopg import ProgrammingError, conninfo  # most commands need no PostgreSQL

    try:
        known = conninfo.conninfo_to_dict(url)
    except ProgrammingError:  # whose message may quote a password
        raise ValueError("libpq cannot read it") from None
    if not known.get("dbname"):
        raise ValueError("it names no database behind the host")
    return url


def _only_postgres(url: str) -> str:
    if url and not url.startswith(POSTGRES):
        raise ValueError("it names no PostgreSQL database")
    return _postgres_url(url) if url else url


def _host_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    HostGuard(patterns)
    return patterns


def _workspaces(names: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [name for name in names if not WORKSPACE_PATTERN.fullmatch(name)]:
        raise ValueError(f"{wrong[0]!r} is no workspace")
    return names


def _real_origins(origins: dict[str, str]) -> dict[str, str]:
    parse_origins(origins)
    return origins


def _different(issuers: tuple[OidcConfig, ...]) -> tuple[OidcConfig, ...]:
    names = [issuer.issuer for issuer in issuers]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the issuer {twice[0]} is there twice")
    return issuers


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it does not begin with https:// and a host")
    whole = f"{parts.scheme}://{parts.netloc}"
    if text.rstrip("/") != whole or "@" in parts.netloc:
        raise ValueError("it has more than a scheme, a host and a port")
    return whole


_ROOT_KEY = re.compile(r"file|env:[A-Za-z_][A-Za-z0-9_]{0,199}|aws-kms:[A-Za-z0-9:/_.-]{1,2048}")


def _root_key_name(text: str) -> str:
    if not _ROOT_KEY.fullmatch(text):
        raise ValueError("it names no kind of root key")
    return text


# NoDecode keeps pydantic-settings from reading lists and mappings as JSON.
Folder = Annotated[Path, AfterValidator(_existing_folder)]
Folders = Annotated[tuple[Folder, ...], NoDecode, _parts_by(":"), Field(min_length=1)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
NewFolder = Annotated[Path, AfterValidator(_no_other_file)]
RootKeyName = Annotated[str, AfterValidator(_root_key_name)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
PostgresUrl = Annotated[str, AfterValidator(_only_postgres)]
HostPatterns = Annotated[tuple[str, ...], NoDecode, _parts_by(","), AfterValidator(_host_patterns)]
Workspaces = Annotated[tuple[str, ...], NoDecode, _parts_by(","), AfterValidator(_workspaces)]
Origins = Annotated[
    dict[str, str], NoDecode, BeforeValidator(_pairs), AfterValidator(_real_origins)
]
OidcIssuers = Annotated[
    tuple[OidcConfig, ...], NoDecode, BeforeValidator(_json), AfterValidator(_different)
]
Origin = Annotated[str, AfterValidator(_origin)]
CodeFlowSetting = Annotated[CodeFlowConfig, NoDecode, BeforeValidator(_json)]
