"""The record: append, group commit, hash chain, checkpoints, projections, verification."""

from gateway.journal.audit_history import open_audit
from gateway.journal.beside import COMMAND_WRITER, read_record, short_writes
from gateway.journal.checkpoint_lines import parsed_line, verifier_key
from gateway.journal.checkpoints import Checkpointer
from gateway.journal.decision_history import open_history
from gateway.journal.endorsing import endorse, is_endorsed
from gateway.journal.findings import Finding, FindingKind
from gateway.journal.folder import FolderLock
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.rebuild import rebuild_matches, rebuild_record
from gateway.journal.sealed_entries import open_sealed
from gateway.journal.signing import Signer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.verify import Verification, VerifyReport, verify_record

__all__ = [
    "COMMAND_WRITER",
    "Checkpointer",
    "Finding",
    "FindingKind",
    "FolderLock",
    "PostgresJournal",
    "Signer",
    "SqliteJournal",
    "Verification",
    "VerifyReport",
    "create_schema",
    "endorse",
    "is_endorsed",
    "open_audit",
    "open_history",
    "open_sealed",
    "parsed_line",
    "read_record",
    "rebuild_matches",
    "rebuild_record",
    "short_writes",
    "verifier_key",
    "verify_record",
]
