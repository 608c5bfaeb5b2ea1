"""MAY: who may call what, how a call runs, and who sees which PII. Decided by Casbin rules."""

from gateway.policy.advice import Advice, Severity, advise
from gateway.policy.cases import CaseResult, CaseStatus, run_cases
from gateway.policy.contents.content import PolicyContent, apply_edits
from gateway.policy.loader import build_revision, derive_revision, load_policies, read_content
from gateway.policy.mask import is_shown_as, mask_value
from gateway.policy.policies import Policies
from gateway.policy.questions.asking import Answer, Asker, Semantic
from gateway.policy.questions.searching import SearchKind, search
from gateway.policy.revision import PolicyRevision

__all__ = [
    "Advice",
    "Answer",
    "Asker",
    "CaseResult",
    "CaseStatus",
    "Policies",
    "PolicyContent",
    "PolicyRevision",
    "SearchKind",
    "Semantic",
    "Severity",
    "advise",
    "apply_edits",
    "build_revision",
    "derive_revision",
    "is_shown_as",
    "load_policies",
    "mask_value",
    "read_content",
    "run_cases",
    "search",
]
