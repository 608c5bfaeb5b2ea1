"""What it costs to load many rules, to change one, to meet a large domain, and to be shadowed."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from gateway.administration.shadow_witness import ShadowWitness
from gateway.model.policy import Edit
from gateway.model.system import SystemClock
from gateway.policy import apply_edits, load_policies
from gateway.policy.loader import derive_revision
from tests.bench.figures import Figure, against, at_most
from tests.bench.policy_decisions import LARGEST, best_rate, without_memory
from tests.bench.policy_rivals import casbin_of_assignments
from tests.bench.policy_rules import Request, RuleSet, assignments_of_one_workspace, rule_set
from tests.bench.policy_world import WHERE, OwnPolicies

DOMAIN = 10_000
DOMAIN_OF_CASBIN = 1_000
"""Assignments of the one domain; Casbin takes quadratic time, so it is given a smaller one."""

_LOADS, _CHANGES = 3, 5


async def policy_change_figures(folder: Path) -> list[Figure]:
    """Loading 100,000 rules, one rule's change, a domain of 10,000 assignments, a shadow."""
    return await asyncio.to_thread(_figures, folder)


def _figures(folder: Path) -> list[Figure]:
    rules = rule_set(LARGEST)
    own = OwnPolicies(rules)
    return [
        _first_in_a_domain(),
        _load(own, folder),
        *_change(own),
        *_shadowed(own, rules),
    ]


def _first_in_a_domain() -> Figure:
    """The first decision among 10,000 assignments, and Casbin's among a tenth of them."""
    user = f"u{DOMAIN_OF_CASBIN - 10}"  # holds role0, as every tenth does
    request = Request(user, "w0", "bench.contract0.call")
    small = rule_set(100)
    one = RuleSet(
        1, small.contracts, small.rules[:1], assignments_of_one_workspace(DOMAIN), (request,)
    )
    own = OwnPolicies(one)
    asked = own.asked(request)
    with _clock() as ours:
        allowed = own.policies.access(*asked).allowed
    decide = casbin_of_assignments(assignments_of_one_workspace(DOMAIN_OF_CASBIN))
    with _clock() as theirs:
        same = decide(request)
    if not allowed or not same:
        raise AssertionError("the first decision in a domain differs, so the bench is void")
    figure = against(
        f"first decision in a domain of {DOMAIN:,} assignments",
        ours.seconds * 1e3,
        "ms",
        f"casbin Enforcer at {DOMAIN_OF_CASBIN:,}",
        theirs.seconds * 1e3,
    )
    return at_most(figure, 5)


def _load(own: OwnPolicies, folder: Path) -> Figure:
    """From files to the first decision's readiness: reading, checking, building."""
    folder.mkdir(parents=True)
    for name, text in own.content.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    spent = []
    for _ in range(_LOADS):
        with _clock() as taken:
            load_policies(folder, own.registry)
        spent.append(taken.seconds)
    return at_most(Figure(f"load {LARGEST:,} rules from files", min(spent), "s"), 2)


def _change(own: OwnPolicies) -> list[Figure]:
    """A rule is added, and the next decision shows it; then the same is measured for a removal."""
    request = Request("u1", "w99", "bench.contract0.call")
    asked = own.asked(request)
    row = "p, user:u1, w99, bench.contract0.call, call, allow"
    spent: dict[str, list[float]] = {"added": [], "removed": []}
    for _ in range(_CHANGES):
        for word, edit in (
            ("added", Edit("access.csv", add=row)),
            ("removed", Edit("access.csv", remove=row)),
        ):
            with _clock() as taken:
                current = own.policies.current
                edited = apply_edits(current.content, [edit])
                own.policies.adopt(derive_revision(current, edited, WHERE))
                allowed = own.policies.access(*asked).rule
            if (allowed is not None and allowed.text == row) != (word == "added"):
                raise AssertionError(f"the rule that was {word} is not seen so")
            spent[word].append(taken.seconds * 1e3)
    return [
        at_most(Figure(f"one rule {word} at {LARGEST:,}, until a decision", median(took), "ms"), 50)
        for word, took in spent.items()
    ]


def _shadowed(own: OwnPolicies, rules: RuleSet) -> Iterator[Figure]:
    """Decisions while a draft decides beside them which denies one contract to everybody."""
    asked = [own.asked(request) for request in rules.requests]
    decide = own.decider()
    row = f"p, *, *, {rules.requests[0].contract}, call, deny"
    remembering = own.policies.current
    edited = apply_edits(remembering.content, [Edit("access.csv", add=row)])
    drafted = derive_revision(remembering, edited, WHERE)
    for kind, revision, draft in (
        ("cached", remembering, drafted),
        ("uncached", without_memory(remembering), without_memory(drafted)),
    ):
        own.policies.adopt(revision)
        shadow = ShadowWitness(draft, own.policies, None, SystemClock())
        rates = {}
        for witness in (None, shadow):
            own.policies.witness = witness
            for one in asked:
                decide(one)
            rates[witness] = best_rate(decide, asked)
        own.policies.witness = None
        found = shadow.report()
        if not found["differing"] or found["errors"]["total"]:
            raise AssertionError("the shadow finds no difference, so the bench is void")
        name = f"decisions with a shadow, {LARGEST:,} rules, {kind}"
        yield against(name, rates[shadow], "dec/s", "without a shadow", rates[None])
        cost = found["cost"]["nanosecondsPerDecision"] / 1e3
        yield Figure(f"the shadow of a decision as it reports it, {kind}", cost, "us")


class _Taken:
    seconds = 0.0


@contextmanager
def _clock() -> Iterator[_Taken]:
    taken = _Taken()
    began = time.perf_counter()
    yield taken
    taken.seconds = time.perf_counter() - began
