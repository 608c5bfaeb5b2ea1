"""gateway contracts docs: the reference of the contracts as static pages."""

import re
from pathlib import Path

import click

from gateway.cli.new_files import put_file
from gateway.cli.options import fail, with_settings
from gateway.cli.output import Output, with_output
from gateway.contracts import Registry
from gateway.loading import load_registry
from gateway.model.json import is_unicode
from gateway.model.problem import Issue, invalid, problem
from gateway.settings import Settings

_BEGUN = re.compile(r".+\.(?:html|css)\.[0-9a-f]{16}\.part")
"""What an earlier run leaves of a file that it was killed over."""


@click.command("docs", short_help="Write the reference of the contracts as static pages.")
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--title", default="Contracts", show_default=True, help="What the pages are called.")
@with_output
@with_settings
def write_docs(*, settings: Settings, out: Output, folder: Path, title: str) -> None:
    """Write an index and a page for each contract to the folder OUT, which is made if need be.

    The pages need no network and hold no script. A folder that holds something else than such pages
    is refused; pages of contracts that are gone are removed.
    """
    if not is_unicode(title):
        raise invalid([Issue("--title", "INVALID_FORMAT", "is no Unicode text; write it as UTF-8")])
    try:
        files = _written(load_registry(settings), folder, title)
    except OSError as error:
        told = f"{error.filename} cannot be written ({error.strerror}). Name another folder."
        fail(problem("PRECONDITION_FAILED", told))
    written = {"folder": str(folder), "files": files}
    out.tell(
        written, lambda: out.line(f"Wrote {len(files)} files to {folder}: begin at index.html.")
    )


def _written(registry: Registry, folder: Path, title: str) -> list[str]:
    """Write the files; returns their names."""
    from gateway.surfaces.reference import reference_files  # takes a while to load

    folder.mkdir(parents=True, exist_ok=True)
    there = _pages_in(folder)
    files = dict(reference_files(registry, title))
    for name, content in files.items():
        put_file(folder / name, content.encode())
    for name in there - files.keys():
        (folder / name).unlink()
    return sorted(files)


def _pages_in(folder: Path) -> set[str]:
    """The files that an earlier run left in a folder; the command fails if others are there."""
    from gateway.surfaces.reference import GENERATOR, STYLE

    mark = f'<meta name="generator" content="{GENERATOR}">'.encode()
    found: set[str] = set()
    present = sorted(folder.iterdir(), key=lambda path: (path.name == STYLE, path))
    for path in present:
        is_page = path.suffix == ".html" and path.is_file() and mark in path.read_bytes()
        is_style = path.name == STYLE and path.is_file() and bool(found)  # it goes with pages
        if not is_page and not is_style and not _BEGUN.fullmatch(path.name):
            told = f"{path} is no page of an earlier reference. Name a folder that is empty or new."
            fail(problem("CONFLICT", told))
        found.add(path.name)
    return found
