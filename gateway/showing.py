"""Showing: the fields of the GraphQL schema that a principal is shown, as policy has it.

They are those that the principal may call, by the same decision that a call is held to. It is made
without a witness and without a record: nobody has called anything.
"""

from typing import TypeAlias
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from gateway.contracts import Registry
from gateway.events import FOLLOWED_BY
from gateway.model.principal import Principal
from gateway.policy import Policies, PolicyRevision
from gateway.policy.engine.cache import BoundedCache
from gateway.policy.reading.sight import is_shown_everything
from gateway.surfaces.graphql import EVENTS_FIELD

_CALLERS_LIMIT = 2_000
"""For how many principals of one set of contracts the fields are kept."""


_Known: TypeAlias = WeakKeyDictionary[
    Registry, BoundedCache[Principal, tuple[frozenset[str] | None]]
]
"""By set of contracts and principal, the fields that are shown."""


def callable_fields(
    revision: PolicyRevision, registry: Registry, principal: Principal
) -> frozenset[str]:
    """The root fields whose contracts a principal may call under a revision.

    The subscription is among them where one of the contracts that open it may be called.
    """
    allowed = {name for name, one in registry.fields.items() if revision.allows(principal, one)}
    opening = (registry.operations.get(ref) for ref in FOLLOWED_BY)
    if any(one is not None and revision.allows(principal, one) for one in opening):
        allowed.add(EVENTS_FIELD)
    return frozenset(allowed)


def shown_fields(
    revision: PolicyRevision, registry: Registry, principal: Principal
) -> frozenset[str] | None:
    """The root fields that a principal is shown: those that it may call, every one (None) for an
    administrator whose token is not limited to capabilities."""
    if is_shown_everything(revision, principal):
        return None
    return callable_fields(revision, registry, principal)


class ShownFields:
    """``shown_fields`` under the policies of a process, kept as long as a revision decides.

    While it is not sure which revision is in force, nobody is shown anything.
    """

    def __init__(self, policies: Policies, registry: Registry) -> None:
        self._policies = policies
        self._registry = registry
        self._revision: PolicyRevision | None = None
        self._known: _Known = WeakKeyDictionary()

    def __call__(self, principal: Principal) -> frozenset[str] | None:
        """The names of the fields; None where it is all of them."""
        if not self._policies.is_sure:
            return frozenset()
        revision = self._policies.current
        if revision is not self._revision:
            self._revision, self._known = revision, WeakKeyDictionary()
        offered = self._registry.of(principal.workspace)
        known = self._known.get(offered)
        if known is None:
            known = self._known[offered] = BoundedCache(_CALLERS_LIMIT)
        who = replace(principal, session=None)  # another token of the same caller is the same
        found = known.get(who)
        if found is None:
            fields = shown_fields(revision, offered, who)
            found = known.put(who, (fields,))
        return found[0]
