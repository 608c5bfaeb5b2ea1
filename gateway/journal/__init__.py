"""The record: append, group commit, hash chain, checkpoints, projections, verification."""

from gateway.journal.checkpoints import Checkpointer, Signer
from gateway.journal.findings import Finding, FindingKind
from gateway.journal.rebuild import rebuild_matches, rebuild_record
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.verify import VerifyReport, verify_record

__all__ = [
    "Checkpointer",
    "Finding",
    "FindingKind",
    "Signer",
    "SqliteJournal",
    "VerifyReport",
    "rebuild_matches",
    "rebuild_record",
    "verify_record",
]
