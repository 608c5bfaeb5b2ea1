"""Access decisions a second by number of rules: ours, and those of other engines beside them.

Other engines answer yes or no, and resolve roles for each question. What they are compared with is
ours without any memory of principals and decisions: its bare answer, like for like, and beside the
fastest of them also the full decision, which has an id, a sentence and the rule to be recorded.
Every engine is asked the same requests over equivalent rules in this run, and a bench whose engines
answer differently is void. Slow engines are asked fewer times: nobody gets more than a second or
so at each size.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from gateway.policy import PolicyRevision
from gateway.policy import revision as revisions
from tests.bench import policy_rivals as rivals
from tests.bench.figures import Figure, against, at_least, at_most
from tests.bench.policy_rules import Request, RuleSet, rule_set
from tests.bench.policy_world import OwnPolicies

SIZES = (100, 1_000, 10_000, 100_000)
LARGEST = SIZES[-1]
WARM_UP, MEASURED = 0.6, 0.3
"""Seconds at most for asking everything once, and for asking it again with the clock running."""

_BATCH = 100
_LEAST = 3

RIVALS: dict[str, Callable[[RuleSet], rivals.Decide]] = {
    "casbin Enforcer": rivals.casbin_enforcer,
    "casbin FastEnforcer": rivals.casbin_fast_enforcer,
    "cedarpy, sets, entities sent": rivals.cedar_sets,
    "cedarpy, sets, entities parsed": rivals.cedar_sets_parsed,
    "cedarpy, a permit per rule": rivals.cedar_permits,
    "regopy": rivals.rego,
}
_CEDAR_SETS = ("cedarpy, sets, entities sent", "cedarpy, sets, entities parsed")
_CEDAR_BEST = "cedarpy, the better of both sets"
_GOALS = {"casbin FastEnforcer": 15, _CEDAR_BEST: 12, "cedarpy, a permit per rule": 100}
"""How many times their rate the bare answer should reach at the largest size."""

BARE, FULL = "bare answer, uncached", "full decision, uncached"
"""What is measured of ours beside other engines."""

T = TypeVar("T")


async def policy_decision_figures(_folder: Path) -> list[Figure]:
    """Access decisions at 100 to 100,000 rules with 10,000 role assignments."""
    return await asyncio.to_thread(_figures)


def _figures() -> list[Figure]:
    figures: list[Figure] = []
    bare: dict[int, float] = {}
    for size in SIZES:
        rules = rule_set(size)
        own = _Own(rules)
        others = {name: _rival(make, rules, own.answers) for name, make in RIVALS.items()}
        others[_CEDAR_BEST] = max(others[name] for name in _CEDAR_SETS)
        own.measure()  # once more after the others, as the machine goes
        bare[size] = own.rates[BARE]
        figures += own.figures()
        figures += [_beside(size, bare[size], name, rate) for name, rate in others.items()]
        figures += [
            against(_named(size, FULL), own.rates[FULL], "dec/s", name, others[name])
            for name in ("casbin FastEnforcer", _CEDAR_BEST)
        ]
    spread = max(bare.values()) / min(bare.values())
    flat = Figure(f"{BARE}, fastest size over slowest", spread, "x")
    return [*figures, at_most(flat, 2.5)]


class _Own:
    """Our decision point at one size: ``rates`` by what is measured, the best ones so far."""

    def __init__(self, rules: RuleSet) -> None:
        self._size = rules.size
        own = OwnPolicies(rules)
        self._asked = [own.asked(request) for request in rules.requests]
        firsts = [own.asked(request) for request in _first_of_each_pair(rules.requests)]
        began = time.thread_time()
        for one in firsts:
            own.policies.access(*one)
        cold = len(firsts) / (time.thread_time() - began)
        full = own.decider()
        self.answers = [full(one) for one in self._asked]
        cached = best_rate(full, self._asked)
        own.policies.adopt(without_memory(own.policies.current))
        self._uncached = {BARE: own.answerer(), FULL: full}
        for decide in self._uncached.values():
            if [decide(one) for one in self._asked] != self.answers:
                raise AssertionError("decisions differ with and without memory")
        self.rates = {"full decision, cold": cold, "full decision, cached": cached}
        self.measure()

    def measure(self) -> None:
        """Measure what is uncached once more."""
        for kind, decide in self._uncached.items():
            rate = best_rate(decide, self._asked)
            self.rates[kind] = max(self.rates.get(kind, 0.0), rate)

    def figures(self) -> list[Figure]:
        """The rates so far."""
        return [
            Figure(_named(self._size, kind), rate, "dec/s") for kind, rate in self.rates.items()
        ]


def without_memory(revision: PolicyRevision) -> PolicyRevision:
    """The same rules, but no decision is remembered."""
    with patch.object(revisions, "CACHE_LIMIT", 0):
        return PolicyRevision(revision.content, revision.book, revision.registry)


def _rival(
    make: Callable[[RuleSet], rivals.Decide], rules: RuleSet, answers: Sequence[bool]
) -> float:
    """The rate of another engine over the requests that it gets through while warming up."""
    decide = make(rules)
    told: list[bool] = []
    until = time.perf_counter() + WARM_UP
    for request in rules.requests:
        told.append(decide(request))
        if time.perf_counter() > until and len(told) >= _LEAST:
            break
    if told != answers[: len(told)]:
        raise AssertionError(f"{make.__name__} decides differently, so the bench is void")
    return best_rate(decide, rules.requests[: len(told)])


def best_rate(decide: Callable[[T], object], asked: Sequence[T]) -> float:
    """Decisions a second in the best batch within the time allowed.

    All engines decide in the thread that asks, so its processor time is what a decision costs,
    whatever else the machine does meanwhile.
    """
    gc.collect()
    best, at = 0.0, 0
    until = time.perf_counter() + MEASURED
    while best == 0 or time.perf_counter() < until:
        count = 0
        began = time.thread_time()
        for one in asked[at : at + _BATCH]:
            decide(one)
            count += 1
            if count >= _LEAST and time.perf_counter() > until:
                break
        best = max(best, count / (time.thread_time() - began))
        at = at + _BATCH if at + _BATCH < len(asked) else 0
    return best


def _beside(size: int, own: float, name: str, rate: float) -> Figure:
    figure = against(_named(size, BARE), own, "dec/s", name, rate)
    return at_least(figure, _GOALS[name]) if name in _GOALS and size == LARGEST else figure


def _named(size: int, kind: str) -> str:
    return f"access, {size:,} rules, {kind}"


def _first_of_each_pair(requests: Sequence[Request]) -> list[Request]:
    found = {(request.workspace, request.contract): request for request in requests}
    return list(found.values())
