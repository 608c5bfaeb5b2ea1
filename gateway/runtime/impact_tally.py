"""Counting what a draft would change, with a bounded number of examples of each kind."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.model.json import JsonObject
from gateway.runtime.impact_effects import Pair
from gateway.runtime.impact_reasons import Reason
from gateway.runtime.impact_redecide import Asker

EXAMPLES = 5
"""How many examples of a group are kept: the newest ones."""

GROUPS = 25
"""How many groups a report shows: those with the most decisions."""

NO_ROLE = "(none)"
"""Under what decisions are counted whose principal has no role."""


class Place(NamedTuple):
    """Where a decision is recorded."""

    position: int
    at: str
    workspace: str
    execution_id: str | None
    step_id: str | None = None
    decision_id: str | None = None

    def to_json(self) -> JsonObject:
        """The place as a report shows it."""
        told = {
            "position": self.position,
            "at": self.at,
            "workspace": self.workspace,
            "executionId": self.execution_id,
            "stepId": self.step_id,
            "decisionId": self.decision_id,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(slots=True)
class _Group:
    """Decisions that would change alike."""

    count: int = 0
    examples: deque[Any] = field(default_factory=lambda: deque(maxlen=EXAMPLES))


class Tally:
    """Counts decisions: those decided again by kind and contract, those that flip, and those that
    cannot be decided by their reason."""

    def __init__(self) -> None:
        self.total = 0
        self._decided: Counter[tuple[str, str]] = Counter()
        self._drifted = 0
        self._undecidable: dict[Reason, _Group] = {}
        self._flips: dict[tuple[str, str, str], _Group] = {}
        self._roles: Counter[tuple[str, str]] = Counter()

    def decided(
        self,
        kind: str,
        contract: str,
        asker: Asker,
        pair: Pair,
        recorded: str,
        place: Place,
        times: int = 1,
    ) -> None:
        """A decision that was ``recorded`` with this effect and decided again, ``times`` alike."""
        self.total += times
        self._decided[kind, contract] += times
        if recorded != pair.now.effect:
            self._drifted += times
        if pair.change:
            group = self._flips.setdefault((pair.change, kind, contract), _Group())
            group.count += times
            group.examples.append((place, recorded, asker, pair))
            for role in asker.roles or (NO_ROLE,):
                self._roles[role, pair.change] += times

    def undecidable(self, reason: Reason, place: Place, times: int = 1) -> None:
        """A decision that cannot be decided again."""
        self.total += times
        group = self._undecidable.setdefault(reason, _Group())
        group.count += times
        group.examples.append(place)

    def to_json(self) -> JsonObject:
        """The counts as a report shows them."""
        changes: Counter[str] = Counter()
        kinds, contracts = self._by(0), self._by(1)
        for (change, _, _), group in self._flips.items():
            changes[change] += group.count
        flips = sum(changes.values())
        unsure = sum(group.count for group in self._undecidable.values())
        shown = sorted(self._flips.items(), key=lambda item: (-item[1].count, item[0]))
        return {
            "decisions": {
                "total": self.total,
                "decided": self.total - unsure,
                "undecidable": unsure,
                "flips": flips,
                "drifted": self._drifted,
            },
            "undecidable": [_reason(*item) for item in sorted(self._undecidable.items())],
            "byChange": dict(changes.most_common(GROUPS)),
            "byKind": kinds,
            "byContract": contracts[:GROUPS],
            "moreContracts": max(0, len(contracts) - GROUPS),
            **self._by_role(),
            "flips": [_flip(*key, group) for key, group in shown[:GROUPS]],
            "moreFlips": max(0, len(shown) - GROUPS),
        }

    def _by(self, part: int) -> list[JsonObject]:
        """Decided and flipping decisions by kind (0) or contract (1), most flips first."""
        decided: Counter[str] = Counter()
        flips: Counter[str] = Counter()
        for key, count in self._decided.items():
            decided[key[part]] += count
        for (_, *rest), group in self._flips.items():
            flips[rest[part]] += group.count
        name = ("kind", "contract")[part]
        names = sorted(decided, key=lambda item: (-flips[item], -decided[item], item))
        return [{name: item, "decided": decided[item], "flips": flips[item]} for item in names]

    def _by_role(self) -> JsonObject:
        roles: dict[str, dict[str, int]] = {}
        for (role, change), count in self._roles.most_common():
            roles.setdefault(role, {})[change] = count
        totals = {role: sum(told.values()) for role, told in roles.items()}
        names = sorted(totals, key=lambda role: (-totals[role], role))
        shown = [
            {"role": role, "flips": totals[role], "byChange": roles[role]}
            for role in names[:GROUPS]
        ]
        return {"byRole": shown, "moreRoles": max(0, len(names) - GROUPS)}


@dataclass(slots=True)
class Shifts:
    """Counts of things that are otherwise under a draft, by what becomes of them, with examples."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, deque[JsonObject]] = field(default_factory=dict)

    def add(self, change: str, example: JsonObject) -> None:
        """One thing that changes so."""
        self.counts[change] += 1
        self.examples.setdefault(change, deque(maxlen=EXAMPLES)).append(example)

    def to_json(self) -> JsonObject:
        """The counts as a report shows them."""
        shown = self.counts.most_common(GROUPS)
        return {
            "byChange": dict(shown),
            "examples": [
                {"change": change, **example}
                for change, _ in shown
                for example in self.examples[change]
            ],
        }


def _flip(change: str, kind: str, contract: str, group: _Group) -> JsonObject:
    examples = [_example(*item) for item in group.examples]
    return {
        "change": change,
        "kind": kind,
        "contract": contract,
        "count": group.count,
        "examples": examples,
    }


def _example(place: Place, recorded: str, asker: Asker, pair: Pair) -> JsonObject:
    return {
        **place.to_json(),
        "principalType": asker.principal.type.value,
        "roles": _bounded(asker.roles),
        "recorded": recorded,
        "inForce": pair.now.to_json(),
        "draft": pair.then.to_json(),
    }


def _bounded(names: Iterable[str]) -> list[str]:
    return list(names)[:10]


def _reason(reason: Reason, group: _Group) -> JsonObject:
    examples: list[Mapping[str, object]] = [place.to_json() for place in group.examples]
    return {
        "reason": reason.value,
        "count": group.count,
        "message": reason.meaning,
        "examples": examples,
    }
