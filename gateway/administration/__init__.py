"""MAY: change policy: seed, draft, check, approve, activate, roll back, watch what is in force."""

from gateway.administration.activation import InForce, activation_of, newest_activation
from gateway.administration.analysis import Analyses, Analysis, AnalysisJob, AnalysisState
from gateway.administration.changesets import (
    FLOW,
    ChangesetCommand,
    allowed,
    consent_refusal,
    require,
    require_revision,
)
from gateway.administration.checks import STORED, Checks, check
from gateway.administration.scope import Scope, Scopes
from gateway.administration.seeding import PolicySource, Seeded, parentage, put_in_force
from gateway.administration.shadow import Shadows, shadowing
from gateway.administration.watch import PolicyWatch

__all__ = [
    "FLOW",
    "STORED",
    "Analyses",
    "Analysis",
    "AnalysisJob",
    "AnalysisState",
    "ChangesetCommand",
    "Checks",
    "InForce",
    "PolicySource",
    "PolicyWatch",
    "Scope",
    "Scopes",
    "Seeded",
    "Shadows",
    "activation_of",
    "allowed",
    "check",
    "consent_refusal",
    "newest_activation",
    "parentage",
    "put_in_force",
    "require",
    "require_revision",
    "shadowing",
]
