"""Audit queries over a generated record: a day of it, and all of it."""

import time
from collections.abc import Callable
from pathlib import Path

from gateway.auditing import Review, Search, Span, review, search, span_of
from gateway.contracts import load_contracts
from gateway.journal import open_audit
from gateway.loading import contract_folders
from gateway.policy import load_policies
from gateway.privacy import Keyring, KeyringSealer
from gateway.shipped import shipped_policies, shipped_schema
from tests.bench.figures import Figure
from tests.bench.impact_journal import Generator

DECISIONS = 150_000
DAY = {"on": "2026-01-01"}  # the generator writes an entry a second, from this day on
MILLION = 1_000_000


async def audit_figures(folder: Path) -> list[Figure]:
    """Measure the search of the record and the review of a contract, by processor time."""
    registry = load_contracts(contract_folders((shipped_schema(),)))
    policies = load_policies(shipped_policies(), registry)
    database = folder / "data" / "gateway.db"
    sealer = KeyringSealer(Keyring.open(folder / "data"))
    Generator(policies.current, registry, sealer).write(database, DECISIONS)
    refund = "support.refund.issue"
    with open_audit(database) as history:
        entries = history.last_position()
        nobody = Search("ws-1", Span(), actor="nobody")
        of_day = Search("ws-1", span_of(DAY), actor="nobody")
        asked = Review("ws-1", refund, registry.resolve(refund), span_of(DAY))
        whole = took(lambda: search(history, nobody, 0, 50, rules=True))
        return [
            Figure("search of a day of 86,400 entries, nothing found",
                   took(lambda: search(history, of_day, 0, 50, rules=True)) * 1e3, "ms"),
            Figure("review of a contract on such a day",
                   took(lambda: review(history, asked, lambda *_: policies.current)) * 1e3, "ms"),
            Figure("search of 1 million entries, extrapolated", whole / entries * MILLION * 1e3,
                   "ms"),
        ]  # fmt: skip


def took(ask: Callable[[], object]) -> float:
    """Seconds of processor time, the better of two."""
    found = []
    for _ in range(2):
        began = time.process_time()
        ask()
        found.append(time.process_time() - began)
    return min(found)
