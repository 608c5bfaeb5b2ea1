"""The record: append, group commit, hash chain, checkpoints, projections, verification."""

from gateway.journal.audit_history import open_audit
from gateway.journal.beside import COMMAND_WRITER, read_record, short_writes
from gateway.journal.checkpoint_lines import parsed_line, verifier_key
from gateway.journal.checkpoints import Checkpointer
from gateway.journal.decision_history import open_history
from gateway.journal.durable import DurableJournal
from gateway.journal.endorsing import endorse, endorse_in, is_endorsed
from gateway.journal.findings import Finding, FindingKind
from gateway.journal.folder import FolderLock
from gateway.journal.opening import open_journal
from gateway.journal.place import Place, as_file
from gateway.journal.rebuild import rebuild_matches, rebuild_record
from gateway.journal.sealed_entries import open_sealed
from gateway.journal.signing import Signer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.verify import Verification, VerifyReport, verify_record

__all__ = [
    "COMMAND_WRITER",
    "Checkpointer",
    "DurableJournal",
    "Finding",
    "FindingKind",
    "FolderLock",
    "Place",
    "Signer",
    "SqliteJournal",
    "Verification",
    "VerifyReport",
    "as_file",
    "endorse",
    "endorse_in",
    "is_endorsed",
    "open_audit",
    "open_history",
    "open_journal",
    "open_sealed",
    "parsed_line",
    "read_record",
    "rebuild_matches",
    "rebuild_record",
    "short_writes",
    "verifier_key",
    "verify_record",
]
