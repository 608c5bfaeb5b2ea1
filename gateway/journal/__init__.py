"""The record: append, group commit, hash chain, checkpoints, projections, verification."""

from gateway.journal.accepting import Accepting
from gateway.journal.archives.archiving import Archived, Archiving
from gateway.journal.archives.choosing import Until
from gateway.journal.archives.returning import Returned, Returning
from gateway.journal.audit_history import open_audit
from gateway.journal.backup import back_up
from gateway.journal.beside import COMMAND_WRITER, read_record, short_writes
from gateway.journal.checkpoint_file import REMEDY as REMEDY_OF_COPY
from gateway.journal.checkpoint_file import fault_of_copy
from gateway.journal.checkpoint_lines import parsed_line, verifier_key
from gateway.journal.checkpoints import Checkpointer
from gateway.journal.continuing import require_continued
from gateway.journal.decision_history import open_history
from gateway.journal.durable import DurableJournal
from gateway.journal.endorsing import endorse, endorse_in, is_endorsed
from gateway.journal.findings import Finding, FindingKind
from gateway.journal.folder import LOCK_NAME, FolderLock
from gateway.journal.mark_keeper import keep_mark
from gateway.journal.marks import MarkFile
from gateway.journal.opening import open_journal
from gateway.journal.place import Place, as_file
from gateway.journal.rebuild import rebuild_matches, rebuild_record
from gateway.journal.sealed_entries import open_sealed
from gateway.journal.signing import Signer
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.times import Times
from gateway.journal.verify import Verification, VerifyReport, verify_record

__all__ = [
    "COMMAND_WRITER",
    "LOCK_NAME",
    "REMEDY_OF_COPY",
    "Accepting",
    "Archived",
    "Archiving",
    "Checkpointer",
    "DurableJournal",
    "Finding",
    "FindingKind",
    "FolderLock",
    "MarkFile",
    "Place",
    "Returned",
    "Returning",
    "Signer",
    "SqliteJournal",
    "Times",
    "Until",
    "Verification",
    "VerifyReport",
    "as_file",
    "back_up",
    "endorse",
    "endorse_in",
    "fault_of_copy",
    "is_endorsed",
    "keep_mark",
    "open_audit",
    "open_history",
    "open_journal",
    "open_sealed",
    "parsed_line",
    "read_record",
    "rebuild_matches",
    "rebuild_record",
    "require_continued",
    "short_writes",
    "verifier_key",
    "verify_record",
]
