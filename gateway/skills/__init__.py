"""Signed skills: verified against pinned keys, their archives, and the contracts they bring."""

from gateway.skills.archive import MAX_ARCHIVE, digest_of
from gateway.skills.canonical import manifest_digest, signed_bytes
from gateway.skills.contracts import MAX_TIMEOUT, artifact_issues
from gateway.skills.following import follow_skills
from gateway.skills.issues import ARTIFACT_DIGEST_MISMATCH, refusal
from gateway.skills.manifest import DIGEST, Request, manifest_issues, request_of
from gateway.skills.opening import host_of, open_skills
from gateway.skills.registry import Checked, SkillRegistry
from gateway.skills.shape import parse_manifest, type_issues
from gateway.skills.signatures import read_private_key
from gateway.skills.signing import sign_manifest, with_artifact
from gateway.skills.store import AREA, ArtifactStore
from gateway.skills.trust import TrustPolicy, load_trust
from gateway.skills.verification import Host, Report, verify_manifest

__all__ = [
    "AREA",
    "ARTIFACT_DIGEST_MISMATCH",
    "DIGEST",
    "MAX_ARCHIVE",
    "MAX_TIMEOUT",
    "ArtifactStore",
    "Checked",
    "Host",
    "Report",
    "Request",
    "SkillRegistry",
    "TrustPolicy",
    "artifact_issues",
    "digest_of",
    "follow_skills",
    "host_of",
    "load_trust",
    "manifest_digest",
    "manifest_issues",
    "open_skills",
    "parse_manifest",
    "read_private_key",
    "refusal",
    "request_of",
    "sign_manifest",
    "signed_bytes",
    "type_issues",
    "verify_manifest",
    "with_artifact",
]
