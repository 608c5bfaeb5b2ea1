"""Reading the settings of this process: a half-configured gateway refuses to start, and everything
that is wrong is told at once."""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.model.problem import Issue, Problem, ProblemError
from gateway.settings import PREFIX, SETTINGS, Setting, Settings

_MAX_SHOWN = 100
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")

CALLER_VARIABLES = ("GATEWAY_URL", "GATEWAY_TOKEN", "GATEWAY_TOKEN_FILE")
"""What commands read that call a running gateway: no settings of one."""

_BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


def load_settings(**flags: Any) -> Settings:
    """The settings of this process: from ``flags``, else the environment, else the defaults.

    ``flags`` are named like the fields; None means that the flag was not given.

    Raises:
        ProblemError: SETTINGS_INVALID with every wrong or unknown setting at once.
        TypeError: a flag that is no setting.
    """
    if strange := sorted(set(flags) - set(_BY_NAME)):
        raise TypeError(f"there is no setting {strange[0]!r}")
    given = {name: value for name, value in flags.items() if value is not None}
    issues = _unknown_variables()
    settings = None
    try:
        settings = Settings(**given)
    except ValidationError as error:
        issues += [
            _issue(found, given)
            for found in error.errors(include_url=False)
            if found["type"] != "default_factory_not_called"  # what it follows from is told
        ]
    if settings is None or issues:
        raise settings_invalid(issues)
    return settings


def process_environment(settings: Settings) -> dict[str, str]:
    """The environment of a process that is to work on the same data, contracts and policies."""
    named = {
        "data_dir": str(settings.data_dir.absolute()),
        "key_dir": str(settings.key_dir.absolute()),
        "root_key": settings.root_key,
        "key_store": settings.key_store,
        "database_url": settings.database_url,
        "schema_dir": os.pathsep.join(str(folder.absolute()) for folder in settings.schema_dir),
        "policy_dir": str(settings.policy_dir.absolute()),
    }
    told = {_BY_NAME[name].variable: value for name, value in named.items() if value}
    return {**os.environ, **told}


def _issue(found: ErrorDetails, given: Mapping[str, Any]) -> Issue:
    setting = _BY_NAME[str(found["loc"][0])]
    source = f" (from {setting.flag})" if setting.name in given else ""
    shown = "" if setting.secret else f" {_shown(found['input'])}"
    reason = found["msg"].removeprefix("Value error, ").rstrip(".")
    told = (
        f"{setting.variable}{source}{_place(found['loc'][1:])} does not accept its value{shown}:"
        f" {reason}. Set it to {setting.expects}."
    )
    return Issue(setting.variable, "SETTING_INVALID", _USERINFO.sub("", told))


def _place(parts: tuple[int | str, ...]) -> str:
    """Where in a list the value stands, such as ``, item 1, issuer``."""
    return "".join(f", item {part + 1}" if isinstance(part, int) else f", {part}" for part in parts)


def _shown(value: Any) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _unknown_variables() -> list[Issue]:
    known = [*(setting.variable for setting in SETTINGS), *CALLER_VARIABLES]
    return [
        Issue(name, "SETTING_UNKNOWN", f"There is no setting {name}.{_suggestion(name, known)}")
        for name in sorted(os.environ)
        if name.upper().startswith(PREFIX) and name.upper() not in known
    ]


def _suggestion(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    return f" Did you mean {near[0]}?" if near else " Remove it, or see docs/settings.md."


def settings_invalid(issues: Sequence[Issue]) -> ProblemError:
    """SETTINGS_INVALID with everything that is wrong."""
    count = "One setting is" if len(issues) == 1 else f"{len(issues)} settings are"
    detail = f"{count} wrong: {' '.join(issue.message for issue in issues)}"
    return ProblemError(
        Problem(
            "SETTINGS_INVALID",
            "The settings are not valid",
            500,
            detail,
            "validation",
            issues=tuple(issues),
        )
    )
