"""gateway documents"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.cli.options import FAILED, OK, with_settings
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.own_documents import manifest
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError
from gateway.settings import Settings

_FILE: Any = click.Path(path_type=Path)
_SCHEMA = click.option(
    "--schema",
    "sdl",
    type=_FILE,
    metavar="FILE",
    help="Validate against this schema (SDL). [default: that of the contracts]",
)


@click.group()
def documents() -> None:
    """Trusted documents."""


documents.add_command(manifest)


@documents.command(short_help="Check manifests and register their documents.")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@_SCHEMA
@with_settings
@with_output
def add(*, settings: Settings, files: tuple[Path, ...], sdl: Path | None, out: Output) -> None:
    """Check manifests of clients and copy them to GATEWAY_DOCUMENTS_DIR.

    Reads persisted query manifests of Apollo, persisted queries of Relay and
    persisted-documents.json of the client preset. Each document has to parse, to keep the limits
    and to fit the schema. If one does not, nothing is copied, and the command exits with 1. A
    gateway reads the folder at start.
    """
    from gateway.cli.registered_documents import register  # no other command needs a door

    try:
        done = register(settings, _folder(settings), files, sdl)
    except ProblemError as refused:
        if refused.problem.code != "DOCUMENTS_INVALID":
            raise
        _refuse([issue.to_json() for issue in refused.problem.issues], out)

    def show() -> None:
        for one in done["added"]:
            out.line(f"{one['file']} -> {one['manifest']}")
        out.line(f"{_count(done['documents'])} registered; a gateway reads the folder at its start")

    out.tell(done, show)


@documents.command("list", short_help="List what is registered.")
@with_settings
@with_output
def list_documents(*, settings: Settings, out: Output) -> None:
    """List the registered documents: digest, operations, ids."""
    from gateway.cli.registered_documents import registered  # as above

    found = registered(settings, _folder(settings))

    def show() -> None:
        out.table(
            ("digest", "operations", "ids"),
            [(one["digest"], _operations(one), " ".join(one["ids"])) for one in found],
        )
        if out.for_people:
            out.line(_count(len(found)))

    out.tell(found, show)


@documents.command(short_help="Tell which documents a schema would break.")
@_SCHEMA
@with_settings
@with_output
def check(*, settings: Settings, sdl: Path | None, out: Output) -> None:
    """Validate every registered document against the present contracts, or another schema.

    Names each that would no longer run, and exits with 1 if there is one. So a schema is known to
    break no client before it ships.
    """
    from gateway.cli.registered_documents import checked  # as above

    found = checked(settings, _folder(settings), sdl)
    broken = found["broken"]

    def show() -> None:
        for one in broken:
            out.line(Toned("BROKEN", Tone.BAD), f" {one['digest']}  {_operations(one)}")
            for issue in one["issues"]:
                out.line(f"  {_line(issue)}")
        out.line(f"{_count(found['documents'])}, {len(broken)} broken")

    out.tell(found, show)
    sys.exit(FAILED if broken else OK)


def _folder(settings: Settings) -> Path:
    if settings.documents_dir is None:
        raise click.UsageError(
            "name the folder of the documents with GATEWAY_DOCUMENTS_DIR or --documents-dir"
        )
    return settings.documents_dir


def _refuse(issues: Sequence[JsonObject], out: Output) -> NoReturn:
    def show() -> None:
        for issue in issues:
            out.line(_line(issue))
        out.line("NOTHING WAS ADDED. See docs/errors/DOCUMENTS_INVALID.md.")

    out.tell({"documents": 0, "issues": issues}, show)
    sys.exit(FAILED)


def _count(documents: int) -> str:
    return "1 document" if documents == 1 else f"{documents} documents"


def _operations(document: JsonObject) -> str:
    return ", ".join(document["operations"]) or "(without a name)"


def _line(issue: JsonObject) -> str:
    return f"{issue['path']}: {issue['code']}: {issue['message']}"
