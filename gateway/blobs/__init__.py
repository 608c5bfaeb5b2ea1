"""BLOBS: named pieces of content that are too large for the record, such as evidence and skills.

Those in PostgreSQL are in ``gateway.blobs.postgres``, whose driver a start on SQLite does without.
"""

from gateway.blobs.folder import FolderBlobs
from gateway.blobs.port import Blobs, Named
from gateway.blobs.tables import BLOB_TABLES

__all__ = ["BLOB_TABLES", "Blobs", "FolderBlobs", "Named"]
