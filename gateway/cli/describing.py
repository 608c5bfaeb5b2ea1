"""The commands as data, from which their reference and their completion are made."""

import inspect
from collections.abc import Iterator
from typing import Any

import click

from gateway.cli.options import LISTING, SettingFlag, with_setting_flags
from gateway.model.json import JsonObject

_FOR_READERS = frozenset({"help", "default", "required"})
"""What a description says to readers alone."""


def describe(command: click.Command, name: str) -> JsonObject:
    """A command with its arguments and options, and the commands in it.

    Flags of settings are left out, as every setting is described elsewhere; ``settings`` says
    whether the command takes them and lists them in its help (``listed``), only takes them
    (``taken``), or does not (False). Files and folders are told apart from other texts by ``kind``.
    """
    told: JsonObject = {
        "name": name,
        "summary": command.get_short_help_str(limit=200),
        "help": inspect.cleandoc(command.help or ""),
    }
    if isinstance(command, click.Group):
        told["commands"] = [describe(one, inner) for inner, one in _inner(command)]
        return told
    parameters = [one for one in command.params if not isinstance(one, SettingFlag)]
    return {
        **told,
        "settings": _settings(command),
        "arguments": [_argument(one) for one in parameters if isinstance(one, click.Argument)],
        "options": [_option(one) for one in parameters if isinstance(one, click.Option)],
    }


def _inner(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield name, command


def for_completion(told: JsonObject) -> JsonObject:
    """What of a described command, argument or option matters to who completes it."""
    kept = {name: value for name, value in told.items() if name not in _FOR_READERS}
    if "value" in told:
        kept["value"] = told["value"] is not None
        kept["help"] = told["help"]
    for name in ("commands", "arguments", "options"):
        if name in kept:
            kept[name] = [for_completion(one) for one in kept[name]]
    return kept


def described_settings() -> list[JsonObject]:
    """The flags of settings, described like options."""
    return [_option(one) for one in _flags(click.command()(with_setting_flags(lambda **_: None)))]


def _flags(command: click.Command) -> list[SettingFlag]:
    return [one for one in command.params if isinstance(one, SettingFlag)]


def _settings(command: click.Command) -> str | bool:
    if not _flags(command):
        return False
    return "listed" if command.name in LISTING else "taken"


def _argument(argument: click.Argument) -> JsonObject:
    return {
        "name": argument.make_metavar(click.Context(click.Command(""))),
        "required": argument.required,
        "several": argument.nargs != 1,
        **_kind(argument.type),
    }


def _option(option: click.Option) -> JsonObject:
    takes = not option.is_flag and not option.count
    return {
        "names": [*option.opts, *option.secondary_opts],
        "value": option.make_metavar(click.Context(click.Command(""))) if takes else None,
        "help": option.help or "",
        "default": _default(option) if takes else None,
        "required": option.required,
        "several": option.multiple,
        **_kind(option.type),
    }


def _default(option: click.Option) -> str | None:
    """The default, where the help shows it."""
    default: Any = option.default
    if not option.show_default or default is None or callable(default):
        return None
    return str(default)


def _kind(kind: click.ParamType[Any]) -> JsonObject:
    """What a value is: one of ``choices``, a ``file``, a ``folder``, or any ``text``."""
    if isinstance(kind, click.Choice):
        return {"kind": "choice", "choices": [str(one) for one in kind.choices]}
    if isinstance(kind, click.Path):
        return {"kind": "file" if kind.file_okay else "folder"}
    return {"kind": "text"}
