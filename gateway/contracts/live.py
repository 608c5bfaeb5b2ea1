"""The live registry: the contracts of the files, and those that skills bring while it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TypeAlias
from weakref import WeakValueDictionary

from gateway.contracts.bundle import Bundle, joined
from gateway.contracts.registry import Registry

_Content: TypeAlias = tuple[tuple[str, str], ...]
"""References with their digests."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Contracts that a workspace may use, until a moment or for good."""

    bundle: Bundle
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """What a workspace may use of its ``offers`` from ``since`` until the next of them ends.

    Those that have ended are kept: a clock that was ahead may go back. ``has_ends`` says whether
    any of them ends.
    """

    registry: Registry
    offers: tuple[Offer, ...]
    since: datetime
    until: datetime | None
    has_ends: bool

    def is_of(self, now: datetime) -> bool:
        """Whether it is what may be used at the moment ``now``."""
        return self.since <= now and (self.until is None or now < self.until)


class LiveRegistry(Registry):
    """A registry that learns contracts.

    Its own ``operations`` and ``events`` are everything that was ever learned, so that a run keeps
    the version it was compiled with; they only grow, and a reference never changes its content.
    What may be used anew is ``of(workspace)``: a frozen registry, replaced as a whole. ``fields``
    and ``capabilities`` are those of the files.

    Readers take no lock. ``now`` is asked only for workspaces with an offer that ends.
    """

    def __init__(self, base: Registry, now: Callable[[], datetime]) -> None:
        super().__init__(
            base.operations.values(), base.events.values(), base.capabilities.values(), base.drafts
        )
        self._base = base
        self._now = now
        self._views: Mapping[str, _View] = {}
        self._taken_up: set[str] = set()
        self._lock = Lock()
        self._registries: WeakValueDictionary[_Content, Registry] = WeakValueDictionary()

    @property
    def base(self) -> Registry:
        """The contracts of the files, without those that skills bring."""
        return self._base

    def of(self, workspace: str) -> Registry:
        """What a workspace may use now; the same object as long as that is the same."""
        view = self._views.get(workspace)
        if view is None:
            return self._base
        if view.has_ends and not view.is_of(self._now()):
            self._set(workspace, view.offers, view)
            return self.of(workspace)
        return view.registry

    def extended(self, workspace: str) -> Registry | None:
        """What ``of`` gives, where that is more than the contracts of the files."""
        found = self.of(workspace)
        return None if found is self._base else found

    def has_taken_up(self, installation: str) -> bool:
        """As for any registry: false from when another process installs it until it is noticed."""
        return installation in self._taken_up

    def took_up(self, installation: str) -> None:
        """Nothing more will be known of this installation than is known now."""
        self._taken_up.add(installation)

    def learn(self, bundle: Bundle) -> None:
        """Know these contracts from now on.

        Raises:
            ValueError: a reference is known with another content.
        """
        with self._lock:
            for ref, digest in bundle.digests.items():
                known = self.operations.get(ref) or self.events.get(ref)
                if known is not None and known.digest != digest:
                    raise ValueError(f"{ref} is known with another content")
            # Events first: whoever finds an operation finds what it emits.
            self.events = {**bundle.events, **self.events}
            self.operations = {**bundle.operations, **self.operations}

    def offer(self, workspace: str, offers: Sequence[Offer]) -> None:
        """Let a workspace use the contracts of the files and these, and no others."""
        self._set(workspace, offers)

    def _set(self, workspace: str, offers: Sequence[Offer], ended: _View | None = None) -> None:
        """Replace what a workspace may use; where it is a view that ``ended``, only that one, for
        others may have been offered since it was looked at."""
        now = self._now()
        standing = tuple(one for one in offers if one.until is None or one.until > now)
        ends = [one.until for one in standing if one.until is not None]
        with self._lock:
            if ended is not None and self._views.get(workspace) is not ended:
                return
            views = {name: view for name, view in self._views.items() if name != workspace}
            if offers:
                bundles = [one.bundle for one in standing]
                registry = self._shared(bundles) if bundles else self._base
                has_ends = any(one.until is not None for one in offers)
                until = min(ends, default=None)
                views[workspace] = _View(registry, tuple(offers), now, until, has_ends)
            self._views = views

    def _shared(self, bundles: list[Bundle]) -> Registry:
        """The registry with these bundles: one object for all workspaces that have the same."""
        content = tuple(sorted(pair for one in bundles for pair in one.digests.items()))
        registry = self._registries.get(content)
        if registry is None:
            registry = self._registries[content] = joined(self._base, bundles)
        return registry
