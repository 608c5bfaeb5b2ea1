"""``make bench``: measures, prints a table and writes ``build/bench.json``.

``make bench ONLY=policy`` measures only what begins so, and writes nothing.
"""

import logging
import sys
import tempfile
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.audit import audit_figures  # noqa: E402 - needs the path set above
from tests.bench.authzen import authzen_figures  # noqa: E402 - needs the path set above
from tests.bench.cold import cold_figures  # noqa: E402 - needs the path set above
from tests.bench.deliveries import delivery_figures  # noqa: E402 - needs the path set above
from tests.bench.doors_figures import door_figures  # noqa: E402 - as above
from tests.bench.durable import durable_figures  # noqa: E402 - as above
from tests.bench.events import event_figures  # noqa: E402 - as above
from tests.bench.figures import Figure, print_table, save  # noqa: E402 - as above
from tests.bench.governed_query import query_figures  # noqa: E402 - as above
from tests.bench.graphql_layer import graphql_layer_figures  # noqa: E402 - as above
from tests.bench.impact import impact_figures  # noqa: E402 - as above
from tests.bench.parked import parked_figures  # noqa: E402 - as above
from tests.bench.parked_postgres import parked_postgres_figures  # noqa: E402 - as above
from tests.bench.policy_changes import policy_change_figures  # noqa: E402 - as above
from tests.bench.policy_decisions import policy_decision_figures  # noqa: E402 - as above
from tests.bench.postgres_durable import postgres_durable_figures  # noqa: E402 - as above
from tests.bench.sealing import sealing_figures  # noqa: E402 - as above
from tests.bench.two_workers import two_worker_figures  # noqa: E402 - as above
from tests.bench.verifying import verifying_figures  # noqa: E402 - as above
from tests.bench.wakeup import wakeup_figures  # noqa: E402 - as above

MEASURES = (
    cold_figures,
    policy_decision_figures,
    policy_change_figures,
    impact_figures,
    audit_figures,
    verifying_figures,
    durable_figures,
    postgres_durable_figures,
    sealing_figures,
    query_figures,
    graphql_layer_figures,
    door_figures,
    authzen_figures,
    event_figures,
    delivery_figures,
    parked_figures,
    parked_postgres_figures,
    two_worker_figures,
    wakeup_figures,
)


async def main(only: str) -> list[Figure]:
    """The benchmarks that begin with ``only``, one after the other, each on a folder of its own."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        for measure in (one for one in MEASURES if one.__name__.startswith(only)):
            print(f"measuring: {(measure.__doc__ or '').splitlines()[0]}", flush=True)
            figures.extend(await measure(Path(name) / measure.__name__))
    return figures


if __name__ == "__main__":
    logging.disable(logging.INFO)
    chosen = "".join(sys.argv[1:])
    measured = uvloop.run(main(chosen))
    print_table(measured)
    if not chosen:
        save(measured, ROOT / "build" / "bench.json")
