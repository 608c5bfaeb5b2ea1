"""Archives and restored records, and claims that know their workspace and what is urgent."""

from gateway.journal.migrations.building import (
    create,
    index,
    replace,
    text,
    text_key,
    text_or_null,
    whole,
    whole_key,
)

revision = "5"
down_revision = "4"

# A claim without its execution is one whose projections are folded anew, and itself with them.
_CLAIMS = """
SELECT earlier.run_id, earlier.execution_id, earlier.owner, earlier.epoch, earlier.lease_until,
  earlier.wake_seq, earlier.wake_at, coalesce(execution.workspace, ''),
  coalesce(execution.direct, 0)
FROM earlier LEFT JOIN execution ON execution.run_id = earlier.run_id
"""


def upgrade() -> None:
    """Create the tables of archives; give every claim what it lacks."""
    _archives()
    _claims()


def _archives() -> None:
    """Nothing was archived or restored before."""
    create(
        "archive",
        *whole_key("first"),
        *whole("last"),
        *text("file", "digest", "absent", "chain"),
        *whole("seq"),
        *text("at"),
    )
    create(
        "archived_entry",
        *whole_key("position"),
        *text("at", "type"),
        *text_or_null("execution_id"),
        *text("body", "workspace", "chain"),
        *whole("seq"),
    )
    index("archived_entry_chain", "archived_entry", "chain", "seq")
    create(
        "restoration",
        *text_key("chain"),
        *whole_key("seq"),
        *text("before"),
        sqlite_with_rowid=False,
    )


def _claims() -> None:
    """The workspace is that of the execution; a run that somebody waits for is urgent."""
    replace(
        "claim",
        _CLAIMS,
        *text_key("run_id"),
        *text("execution_id"),
        *text_or_null("owner"),
        *whole("epoch"),
        *text_or_null("lease_until"),
        *whole("wake_seq"),
        *text_or_null("wake_at"),
        *text("workspace"),
        *whole("urgent"),
        sqlite_with_rowid=False,
    )
    waiting = "owner IS NULL AND wake_at IS NOT NULL"
    index("claim_due", "claim", "workspace", "urgent", "wake_at", where=waiting)
    index("claim_held", "claim", "workspace", where="owner IS NOT NULL")
    index("claim_wake", "claim", "wake_at", where="owner IS NULL")
