"""``make bench``: measures, prints a table and writes ``build/bench.json``."""

import logging
import sys
import tempfile
from pathlib import Path

import uvloop

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.deliveries import delivery_figures  # noqa: E402 - needs the path set above
from tests.bench.durable import durable_figures  # noqa: E402 - as above
from tests.bench.events import event_figures  # noqa: E402 - as above
from tests.bench.figures import Figure, print_table, save  # noqa: E402 - as above
from tests.bench.governed_query import query_figures  # noqa: E402 - as above
from tests.bench.parked import parked_figures  # noqa: E402 - as above

MEASURES = (durable_figures, query_figures, event_figures, delivery_figures, parked_figures)


async def main() -> list[Figure]:
    """Every benchmark, one after the other, each on a data folder of its own."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        for measure in MEASURES:
            print(f"measuring: {(measure.__doc__ or '').splitlines()[0]}", flush=True)
            figures.extend(await measure(Path(name) / measure.__name__))
    return figures


if __name__ == "__main__":
    logging.disable(logging.INFO)
    measured = uvloop.run(main())
    print_table(measured)
    save(measured, ROOT / "build" / "bench.json")
