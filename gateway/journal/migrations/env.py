"""What Alembic runs: the revisions, on the connection that the caller hands in.

The transaction around it is the caller's, so that all revisions are kept or none.
"""

from alembic import context

from gateway.journal.schema_version import TABLE
from gateway.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=TABLE,
)
context.run_migrations()
