"""Trusted documents: registered beforehand, named by id, and if wanted the only ones to run."""

from gateway.surfaces.graphql.trusted.checking import broken_documents, operation_names
from gateway.surfaces.graphql.trusted.manifests import Entry, documents_invalid, read_manifest
from gateway.surfaces.graphql.trusted.modes import Mode, TrustedDocuments
from gateway.surfaces.graphql.trusted.persisted_queries import PersistedQueries
from gateway.surfaces.graphql.trusted.store import (
    DocumentStore,
    TrustedDocument,
    entries_of,
    held_folder,
    keep_manifests,
    read_bytes,
    read_entries,
    read_store,
)

__all__ = [
    "DocumentStore",
    "Entry",
    "Mode",
    "PersistedQueries",
    "TrustedDocument",
    "TrustedDocuments",
    "broken_documents",
    "documents_invalid",
    "entries_of",
    "held_folder",
    "keep_manifests",
    "operation_names",
    "read_bytes",
    "read_entries",
    "read_manifest",
    "read_store",
]
