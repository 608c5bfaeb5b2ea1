"""The tables on PostgreSQL: created where the database is empty, and required in their version."""

import psycopg

from gateway.journal.postgres.errors import LostConnectionError, unavailable
from gateway.journal.statement import creating_on_postgres
from gateway.journal.tables import SCHEMA_VERSION
