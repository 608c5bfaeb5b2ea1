"""gateway schema diff, gateway contracts diff"""

import contextlib
import stat
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from gateway.cli.options import FAILED, OK, with_settings
from gateway.cli.output import Cell, Output, Tone, Toned, with_output
from gateway.contracts import Registry, load_contracts
from gateway.contracts.changes import Change, Level, contract_changes
from gateway.loading import contract_folders, load_registry
from gateway.model.problem import ProblemError
from gateway.settings import Settings

if TYPE_CHECKING:
    from graphql import GraphQLSchema

SERVED = "served"
"""The name of the contracts that the settings say."""

_TONES = {Level.BREAKING: Tone.BAD, Level.DANGEROUS: Tone.WARNING, Level.SAFE: Tone.GOOD}

_CONTRACTS_HELP = f"a folder of contracts, or {SERVED} (what a gateway with these settings serves)"


@click.command("diff", short_help="Classify what differs between two schemas.")
@click.argument("old")
@click.argument("new")
@with_settings
@with_output
def diff_schemas(*, settings: Settings, old: str, new: str, out: Output) -> None:
    """Classify every change from OLD to NEW as breaking, dangerous or safe.

    Each is a file in GraphQL's schema definition language, a folder of contracts, or served (what
    a gateway with these settings serves). Contracts are compared in every part; where one side is
    a file, as GraphQL schemas. Exits with 1 if anything breaks.
    """
    _tell(old, new, _schema_changes(settings, old, new), out)


@click.command("diff", short_help="Classify what differs between two sets of contracts.")
@click.argument("old")
@click.argument("new", default=SERVED)
@with_settings
@with_output
def diff_contracts(*, settings: Settings, old: str, new: str, out: Output) -> None:
    """Classify every change from OLD to NEW as breaking, dangerous or safe.

    Each is a folder of contracts, or served (what a gateway with these settings serves), which is
    also what OLD is compared with where NEW is left out. Exits with 1 if anything breaks.
    """
    _tell(old, new, contract_changes(*_contracts(settings, old, new)), out)


def _schema_changes(settings: Settings, old: str, new: str) -> list[Change]:
    if not (_is_file(old) or _is_file(new)):
        return contract_changes(*_contracts(settings, old, new))
    from gateway.surfaces.graphql.schema.sdl_changes import sdl_changes  # needs a door

    return sdl_changes(*(_schema(settings, one) for one in (old, new)))


def _is_file(named: str) -> bool:
    """True for what is to be read as SDL: a file, or a pipe of the shell."""
    if named == SERVED:
        return False
    mode = _mode_of(named)
    if mode is None:
        told = f"{named!r} is not there. Name a file of SDL, {_CONTRACTS_HELP}."
        raise click.UsageError(told)
    return not stat.S_ISDIR(mode)


def _mode_of(named: str) -> int | None:
    """What a name is the name of, as ``stat`` tells it; None where there is nothing to be had."""
    try:
        return Path(named).stat().st_mode
    except OSError:
        return None


def _contracts(settings: Settings, old: str, new: str) -> list[Registry]:
    """The contracts of both sides: the folders alone, or beside the built-in contracts.

    They are beside these where one of them needs that or is compared with what is served; a folder
    that holds built-in contracts itself, as that of another release does, is always alone.

    Raises:
        ProblemError: CONTRACTS_INVALID with what is wrong with a folder, told for the fewer faults.
    """
    if SERVED not in (old, new):
        with contextlib.suppress(ProblemError):
            return [load_contracts([_folder(one)]) for one in (old, new)]
    return [
        load_registry(settings) if one == SERVED else _beside(_folder(one)) for one in (old, new)
    ]


def _beside(folder: Path) -> Registry:
    try:
        return load_contracts(contract_folders([folder]))
    except ProblemError as beside:
        try:
            return load_contracts([folder])
        except ProblemError as alone:
            raise min(alone, beside, key=lambda error: len(error.problem.issues)) from None


def _folder(named: str) -> Path:
    if not stat.S_ISDIR(_mode_of(named) or 0):
        told = f"There is no folder {named!r}. Name {_CONTRACTS_HELP}."
        raise click.UsageError(told)
    return Path(named)


def _schema(settings: Settings, named: str) -> "GraphQLSchema":
    """The schema of a side: that of a file, or of what is printed of contracts."""
    from gateway.surfaces.graphql import build_schema, print_sdl  # needs a door
    from gateway.surfaces.graphql.schema.sdl_file import read_schema, schema_of

    if _is_file(named):
        return read_schema(Path(named))
    found = load_registry(settings) if named == SERVED else _beside(_folder(named))
    return schema_of(print_sdl(build_schema(found)), named)


def _tell(old: str, new: str, changes: Sequence[Change], out: Output) -> NoReturn:
    """Print the changes, then exit: with 1 if any of them breaks something."""
    counts = Counter(one.level for one in changes)

    def show() -> None:
        for line in _lines(changes):
            out.line(*line)
        out.line(", ".join(f"{counts[level]} {level.value}" for level in Level))

    numbers = {level.value: counts[level] for level in Level}
    told = {"old": old, "new": new, **numbers, "changes": [one.to_json() for one in changes]}
    out.tell(told, show)
    sys.exit(FAILED if counts[Level.BREAKING] else OK)


def _lines(changes: Sequence[Change]) -> list[list[Cell]]:
    """The changes for people, by level and rule; what to do is told once for each rule."""
    lines: list[list[Cell]] = []
    for (level, code), group in groupby(
        sorted(changes, key=lambda one: (one.level.rank, one.code, one.where)),
        key=lambda one: (one.level, one.code),
    ):
        same = list(group)
        rule = same[0].rule
        lines.append([Toned(level.value.upper(), _TONES[level]), f" {code}: {rule.meaning}"])
        lines += [[f"  {one.where}: {one.what}"] for one in same]
        lines += [[f"  To do: {rule.remedy}"], []]
    return lines
