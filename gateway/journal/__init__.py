"""The record: append, group commit, hash chain, checkpoints, projections, verification."""

from gateway.journal.beside import COMMAND_WRITER, read_record, short_writes
from gateway.journal.checkpoints import Checkpointer, Signer
from gateway.journal.decision_history import open_history
from gateway.journal.findings import Finding, FindingKind
from gateway.journal.folder import FolderLock
from gateway.journal.rebuild import rebuild_matches, rebuild_record
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.verify import VerifyReport, verify_record

__all__ = [
    "COMMAND_WRITER",
    "Checkpointer",
    "Finding",
    "FindingKind",
    "FolderLock",
    "Signer",
    "SqliteJournal",
    "VerifyReport",
    "open_history",
    "read_record",
    "rebuild_matches",
    "rebuild_record",
    "short_writes",
    "verify_record",
]
