"""Who is shown everything there is, whatever it may call."""

from gateway.model.principal import Principal
from gateway.policy.revision import PolicyRevision

ADMIN = "admin"
"""The role that is shown every field and every contract."""


def is_shown_everything(revision: PolicyRevision, principal: Principal) -> bool:
    """True for an administrator whose token is not limited to capabilities."""
    return principal.capabilities is None and revision.holds(principal, ADMIN)
