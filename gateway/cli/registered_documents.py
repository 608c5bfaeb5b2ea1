"""What the commands of trusted documents do. It imports the door of GraphQL, which takes a while,
so the commands import it when they are called."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from graphql import GraphQLSchema

from gateway.bounding import document_limits
from gateway.loading import load_registry
from gateway.model.json import JsonObject
from gateway.settings import Settings
from gateway.surfaces.graphql import Limits, build_schema
from gateway.surfaces.graphql.schema.sdl_file import read_schema
from gateway.surfaces.graphql.trusted import (
    DocumentStore,
    Entry,
    TrustedDocument,
    broken_documents,
    documents_invalid,
    entries_of,
    held_folder,
    keep_manifests,
    operation_names,
    read_bytes,
    read_entries,
    read_store,
)


def register(
    settings: Settings, folder: Path, files: Sequence[Path], sdl: Path | None
) -> JsonObject:
    """Check manifests and copy them to ``folder``: all of them, or none, one command after another.

    Args:
        settings: Say which contracts there are.
        folder: Where documents are registered.
        files: The manifests.
        sdl: A file with the schema to validate against; None for that of the contracts.

    Returns:
        How many ``documents`` they have, and under which names they were ``added``.

    Raises:
        ProblemError: DOCUMENTS_INVALID with every issue, also of what is registered already;
            SDL_INVALID.
    """
    schema = _schema(settings, sdl)
    contents: dict[Path, bytes] = {}

    def read(path: Path) -> bytes:
        return contents.setdefault(path, read_bytes(path))

    entries = entries_of(files, read)  # of pipes too, so that nobody is held off for them
    with held_folder(folder):
        before = read_entries(folder)
        new = _checked(entries, before, schema, document_limits(settings))
        kept = keep_manifests(folder, list(contents.values()))
    added = [
        {"file": str(path), "manifest": str(to)} for path, to in zip(contents, kept, strict=True)
    ]
    return {"documents": len(new), "added": added}


def registered(settings: Settings, folder: Path) -> list[JsonObject]:
    """Every document of ``folder``, described; the limits of ``settings`` bound the work.

    Raises:
        ProblemError: DOCUMENTS_INVALID.
    """
    limits = document_limits(settings)
    return [_described(document, limits) for document in read_store(folder)]


def checked(settings: Settings, folder: Path, sdl: Path | None) -> JsonObject:
    """How many ``documents`` there are, and those that are ``broken`` under a schema, with issues.

    Raises:
        ProblemError: DOCUMENTS_INVALID, SDL_INVALID.
    """
    store, limits = read_store(folder), document_limits(settings)
    broken = broken_documents(store, _schema(settings, sdl), limits)
    told = [
        {**_described(document, limits), "issues": [issue.to_json() for issue in issues]}
        for document, issues in broken
    ]
    return {"documents": len(store), "broken": told}


def _checked(
    entries: Sequence[Entry], before: Iterable[Entry], schema: GraphQLSchema, limits: Limits
) -> DocumentStore:
    DocumentStore([*before, *entries])  # no id has two texts, the present ones included
    store = DocumentStore(entries)
    issues = [issue for _, found in broken_documents(store, schema, limits) for issue in found]
    if issues:
        raise documents_invalid(issues)
    return store


def _schema(settings: Settings, sdl: Path | None) -> GraphQLSchema:
    if sdl is None:
        return build_schema(load_registry(settings))
    return read_schema(sdl, strictly=True)


def _described(document: TrustedDocument, limits: Limits) -> JsonObject:
    return {
        "digest": document.digest,
        "operations": operation_names(document, limits),
        "ids": document.ids,
        "manifests": sorted({entry.file for entry in document.entries}),
    }
