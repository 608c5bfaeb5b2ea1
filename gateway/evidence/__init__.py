"""Evidence: self-contained bundles of what a run did, and checking them without the gateway."""

from gateway.evidence.archive import MAX_BYTES, NotAnArchiveError
from gateway.evidence.exporter import EXPORT, Exported, Exporter, build_exporter, run_of
from gateway.evidence.findings import BundleFinding, BundleFindingKind
from gateway.evidence.store import BundleStore
from gateway.evidence.verify import BundleReport, personal_data_of, verify_bundle

__all__ = [
    "EXPORT",
    "MAX_BYTES",
    "BundleFinding",
    "BundleFindingKind",
    "BundleReport",
    "BundleStore",
    "Exported",
    "Exporter",
    "NotAnArchiveError",
    "build_exporter",
    "personal_data_of",
    "run_of",
    "verify_bundle",
]
