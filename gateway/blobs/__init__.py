"""BLOBS: named pieces of content that are too large for the record, such as evidence and skills."""

from gateway.blobs.folder import FolderBlobs
from gateway.blobs.port import Blobs, Named
from gateway.blobs.postgres import PostgresBlobs
from gateway.blobs.tables import BLOB_TABLES

__all__ = ["BLOB_TABLES", "Blobs", "FolderBlobs", "Named", "PostgresBlobs"]
