"""Putting the room together: what a gateway's folders and contracts make of it."""

from pathlib import Path

from gateway.blobs import Blobs
from gateway.contracts import LiveRegistry, Registry
from gateway.model.ports import Clock
from gateway.skills.registry import Inspect, SkillRegistry
from gateway.skills.store import ArtifactStore
from gateway.skills.trust import load_trust
from gateway.skills.verification import CONTRACTS_SPEC_VERSION, CONTROL_PLANE_VERSION, Host


def host_of(registry: Registry) -> Host:
    """What a gateway with these contracts offers to skills."""
    return Host(CONTRACTS_SPEC_VERSION, CONTROL_PLANE_VERSION, frozenset(registry.capabilities))


def open_skills(
    live: LiveRegistry, *, blobs: Blobs, policy_dir: Path, clock: Clock, inspect: Inspect
) -> SkillRegistry:
    """The skills of a gateway, with their archives among ``blobs``; what an earlier process
    installed is to be restored.

    Raises:
        ProblemError: POLICIES_INVALID with every fault of the trust policy.
    """
    trust, store = load_trust(policy_dir), ArtifactStore(blobs)
    return SkillRegistry(live, trust, store, host_of(live.base), clock, inspect)
