"""The file beside the database that holds every checkpoint once more, one JSON line each.

Copied elsewhere (to a log service, say), it shows what somebody cut off the record and the file
together.
"""

import os
from pathlib import Path

from sqlalchemy import bindparam, select

from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint

FILE_NAME = "checkpoints.jsonl"

_MISSING = Statement(
    select(checkpoint.c.line, checkpoint.c.ends_at)
    .where(checkpoint.c.ends_at > bindparam("size"))
    .order_by(checkpoint.c.number)
)


class CheckpointFile:
    """``checkpoints.jsonl`` in a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def complete(self, session: Session) -> None:
        """Append what the database holds beyond the end of the file, durably.

        The database comes first, so after a crash the file can only be short: by a line, or by
        the rest of one.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        rows = session.all(_MISSING, size=size)
        if not rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            for line, ends_at in rows:
                stored = f"{line}\n".encode()
                file.write(stored[-(ends_at - size) :] if ends_at - size < len(stored) else stored)
                size = ends_at
            file.flush()
            os.fsync(file.fileno())
