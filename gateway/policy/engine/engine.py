"""The engine that decides: what Casbin would answer, from the few rules that can matter.

Rules that speak of a contract in a workspace are merged by subject when they are first asked for.
A decision then looks up the names that its subject plays, puts what it finds in the order of the
rules, and evaluates what is left of the matcher for each.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from gateway.policy.engine.index import BySubject, RuleIndex
from gateway.policy.engine.matching import Matching
from gateway.policy.rules.models import ModelSpec
from gateway.policy.rules.rows import Row

MERGED_LIMIT = 300_000
"""How many merged candidates, and places for them, an engine keeps."""

_EVERYBODY = ""
"""The name under which all candidates stand where the matcher does not ask who plays what."""

_Candidate: TypeAlias = tuple[int, Row, bool]
"""The rank of a rule, the rule, and whether it denies."""

_Key: TypeAlias = tuple[int, Any, Any]
"""The id of a contract, and the two other values of a request that many callers share."""

_NO_RULE: tuple[bool, Row | None] = (False, None)


class RuleEngine:
    """Decides the requests of one model. Thread-safe, without a lock on decisions.

    The effect of the model is one of two: an allow that no deny outweighs, or the first rule that
    matches.
    """

    def __init__(self, spec: ModelSpec, matching: Matching, index: RuleIndex) -> None:
        self.spec = spec
        self.matching = matching
        self.index = index
        self._subject = spec.request.index("sub")
        self._contract = spec.request.index("obj")
        self._place, self._way = (spec.request.index(name) for name in spec.shared)
        self._effect = tuple(spec.columns).index("eft") if "eft" in spec.columns else None
        self._left = _left(matching)
        self._named: Container[str] = index.subjects if matching.by_subject else _ALL
        self._layers: OrderedDict[_Key, _Layer] = OrderedDict()
        self._kept = 0
        self._lock = threading.Lock()

    def decide(self, *request: Any) -> tuple[bool, Row | None]:
        """Whether the request is allowed, and the rule that said so; None if none matched.

        Raises:
            Exception: whatever a function of the matcher raised. The caller must then deny.
        """
        key = (id(request[self._contract]), request[self._place], request[self._way])
        layer = self._layers.get(key) or self._open(key, request)
        kept, named = layer.kept, self._named
        found: list[_Candidate] = []
        for name in request[self._subject].names if self.matching.by_subject else _ALL:
            candidates = kept.get(name)
            if candidates:
                found += candidates
            elif candidates is None and name in named:
                found += self._merge(layer, name)
        if len(found) > 1:
            found.sort()
        left = self._left
        if self._effect is None:
            return self._first(found, request)
        allowing: Row | None = None
        for _, row, denies in found:
            if left is None or left(request, row.values):
                if denies:
                    return False, row
                allowing = row
        # A deny, or else the last allow: the rule that Casbin names.
        return allowing is not None, allowing

    def _first(self, found: list[_Candidate], request: Sequence[Any]) -> tuple[bool, Row | None]:
        left = self._left
        for _, row, _ in found:
            if left is None or left(request, row.values):
                return True, row
        return _NO_RULE

    def _open(self, key: _Key, request: Sequence[Any]) -> "_Layer":
        matching, names = self.matching, self.spec.request
        sources = self.index.concerning(
            request[self._contract] if matching.by_contract else None,
            request[names.index("dom")] if matching.by_workspace else None,
        )
        shared = ("obj", *self.spec.shared)
        asked = tuple(
            value if name in shared else None for name, value in zip(names, request, strict=True)
        )
        layer = _Layer(key, asked, sources)
        with self._lock:
            if key not in self._layers:
                self._make_room(1)
            return self._layers.setdefault(key, layer)

    def _make_room(self, more: int) -> None:
        """Count so many more; the oldest layers go if they are too many. Only under the lock."""
        self._kept += more
        while self._kept > MERGED_LIMIT and self._layers:
            self._kept -= self._layers.popitem(last=False)[1].weight

    def _merge(self, layer: "_Layer", name: str) -> tuple[_Candidate, ...]:
        """The candidates of a layer that name a subject, which some rule names."""
        rows = _rows(layer.sources, name)
        shared = self.matching.shared
        rank, effect = self.index.rank, self._effect
        merged = sorted(
            (rank(row), row, effect is not None and row.values[effect] == "deny")
            for row in rows
            if not shared or all(test(layer.request, row.values) for test in shared)
        )
        candidates = tuple(merged if self._left else self._deciding(merged))
        with self._lock:
            if self._layers.get(layer.key) is layer and name not in layer.kept:
                layer.kept[name] = candidates
                layer.weight += 1 + len(candidates)
                self._make_room(1 + len(candidates))
        return candidates

    def _deciding(self, merged: list[_Candidate]) -> Iterable[_Candidate]:
        """Of candidates that all match, the one that can decide."""
        if self._effect is None:
            return merged[:1]
        return next(([one] for one in merged if one[2]), merged[-1:])


_ALL = (_EVERYBODY,)


class _Layer:
    """The candidates of one contract and workspace by subject, merged as they are asked for.

    ``request`` is what its requests have in common (with None for the rest); it also keeps the
    contract, whose id stands in ``key``. ``weight`` is what it takes of the limit.
    """

    __slots__ = ("kept", "key", "request", "sources", "weight")

    def __init__(self, key: _Key, request: Sequence[Any], sources: list[BySubject]) -> None:
        self.key = key
        self.request = request
        self.sources = sources
        self.weight = 1
        self.kept: dict[str, tuple[_Candidate, ...]] = {}


def _rows(sources: Iterable[BySubject], name: str) -> Iterator[Row]:
    for by_subject in sources:
        if name != _EVERYBODY:
            yield from by_subject.get(name, ())
        else:
            for rows in by_subject.values():
                yield from rows


def _left(matching: Matching) -> Callable[[Sequence[Any], Sequence[str]], bool] | None:
    """What remains of the matcher for each candidate, or None if nothing does."""
    tests = matching.others
    if not tests:
        return None

    def left(request: Sequence[Any], rule: Sequence[str]) -> bool:
        value: Any = True
        for test in tests:
            value = test(request, rule)
            if not value:
                break
        if type(value) is bool:
            return value
        if isinstance(value, float):
            return value != 0
        raise TypeError("the matcher gave neither true nor false")  # as Casbin has it

    return left
