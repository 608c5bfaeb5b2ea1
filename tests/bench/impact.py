"""Impact analysis over recorded decisions."""

import gc
import json
import sys
import time
from pathlib import Path

from gateway.contracts import load_contracts
from gateway.journal import open_history
from gateway.loading import contract_folders
from gateway.model.json import JsonObject
from gateway.policy import PolicyContent, build_revision, read_content
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime import Impact, ImpactScope
from gateway.shipped import shipped_policies, shipped_schema
from tests.bench.figures import Figure, at_most
from tests.bench.impact_journal import Generator

DECISIONS = 100_000
MILLION = 1_000_000


async def impact_figures(folder: Path) -> list[Figure]:
    """Measure how long it takes to decide recorded decisions again, under two revisions."""
    report, seconds = measure(folder, DECISIONS)
    total = report["decisions"]["total"]
    return [
        Figure("recorded decisions decided again, one process", total / seconds, "1/s"),
        at_most(Figure("the same for 1 million, extrapolated", seconds / total * MILLION, "s"), 60),
    ]


def measure(folder: Path, decisions: int) -> tuple[JsonObject, float]:
    """The report over a generated record, and the seconds of processor time that it took."""
    registry = load_contracts(contract_folders((shipped_schema(),)))
    where = shipped_policies()
    content = read_content(where)
    tighter = content.files["verdict.csv"].replace("amount <= 100", "amount <= 50")
    tighter = tighter.replace("amount > 100,", "amount > 50,")
    draft = PolicyContent({**content.files, "verdict.csv": tighter})
    in_force = build_revision(content, registry, where)
    candidate = build_revision(draft, registry, where)
    sealer = KeyringSealer(Keyring.open(folder / "data"))
    database = folder / "data" / "gateway.db"
    if not database.exists():
        Generator(in_force, registry, sealer).write(database, decisions, decisions // 100)
    gc.disable()  # as the command does, which is a process of its own
    try:
        with open_history(database) as history:
            began = time.process_time()  # one thread: whatever the machine does meanwhile
            impact = Impact(history, registry, sealer, in_force, candidate)
            report = impact.analyze(ImpactScope(), "2027-01-01T00:00:00.000000Z")
            return report, time.process_time() - began
    finally:
        gc.enable()


if __name__ == "__main__":
    found, took = measure(Path(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(found, indent=1)[:6000])
    print(f"{found['decisions']['total']} decisions in {took:.1f} s")
