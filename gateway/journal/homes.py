"""Which PostgreSQL server, in which of its lives, a record was served from last.

A server that is restored to a moment of its past, and a standby that takes over, begin a new
timeline (PostgreSQL documentation, "Timelines"); a dump that is loaded elsewhere comes to another
system identifier. Whether something was lost by it the server cannot say. So the record holds the
pair, and where it meets another one somebody has to say what happened.
"""

from sqlalchemy import text

from gateway.journal.statement import Statement

HOME_TABLES = """
CREATE TABLE IF NOT EXISTS home (
  one smallint PRIMARY KEY DEFAULT 1 CHECK (one = 1), server text COLLATE "C" NOT NULL
)
"""
"""What creates the table; it has one row, from the first start on."""

# The timeline of the control file may still be the one before for a while after a standby has
# taken over, so it is taken from the name of the present WAL file.
PRESENT_HOME = Statement(
    text(
        "SELECT CAST((SELECT system_identifier FROM pg_control_system()) AS text) || '/'"
        " || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
    )
)
KEPT_HOME = Statement(text("SELECT server FROM home"))
MOVE_HOME = Statement(
    text(
        "INSERT INTO home (server) VALUES (:server)"
        " ON CONFLICT (one) DO UPDATE SET server = excluded.server"
    )
)
SERVING = Statement(
    text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'gateway-listener'"
    )
)
"""How many gateways and workers are connected to the database."""
