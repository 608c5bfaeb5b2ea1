"""MAY: who may call what, how a call runs, and who sees which PII. Decided by Casbin rules."""

from gateway.policy.cases import CaseResult, CaseStatus, run_cases
from gateway.policy.loader import load_policies
from gateway.policy.mask import mask_value
from gateway.policy.policies import Policies

__all__ = [
    "CaseResult",
    "CaseStatus",
    "Policies",
    "load_policies",
    "mask_value",
    "run_cases",
]
