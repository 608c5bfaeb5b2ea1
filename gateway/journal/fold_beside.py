"""The process that folds the projections of a large record while another one checks its entries."""

import json
import sys
from contextlib import closing
from pathlib import Path

from gateway.journal.database import open_reader
from gateway.journal.verify_projections import any_text, told_differences

_STEP = 10_000
"""Entries after which it tells how far it is."""


def main(database: Path) -> None:
    """Tell the parent, a line of JSON each: numbers of entries folded, and what differs."""

    def done(count: int) -> None:
        if count % _STEP == 0:
            print(count, flush=True)  # noqa: T201 # how the processes speak

    with closing(open_reader(database)) as connection:
        connection.text_factory = any_text
        connection.execute("BEGIN")
        for told in told_differences(connection, done):
            print(json.dumps(told), flush=True)  # noqa: T201 # as above


if __name__ == "__main__":
    main(Path(sys.argv[1]))
