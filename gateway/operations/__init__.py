"""Handlers of the built-in contracts: thin, they call the runtime."""

from gateway.operations.artifacts import ArtifactUploads
from gateway.operations.audit_exports import AuditExports
from gateway.operations.auditing import bind_auditing
from gateway.operations.bindings import bind, require_handlers
from gateway.operations.checkpoints import bind_checkpoints
from gateway.operations.direct import DirectCalls
from gateway.operations.evidence import EvidenceDownloads, bind_evidence
from gateway.operations.health import bind_health
from gateway.operations.policy_impact import bind_impact
from gateway.operations.policy_reading import bind_policy_reading
from gateway.operations.policy_revisions import bind_changesets
from gateway.operations.privacy_export import bind_privacy
from gateway.operations.readings import with_readings
from gateway.operations.skills import bind_skills

__all__ = [
    "ArtifactUploads",
    "AuditExports",
    "DirectCalls",
    "EvidenceDownloads",
    "bind",
    "bind_auditing",
    "bind_changesets",
    "bind_checkpoints",
    "bind_evidence",
    "bind_health",
    "bind_impact",
    "bind_policy_reading",
    "bind_privacy",
    "bind_skills",
    "require_handlers",
    "with_readings",
]
