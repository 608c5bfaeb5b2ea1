"""The service's data: one SQLite file, and every effect counted in the table ``effects``."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT, status TEXT NOT NULL DEFAULT 'ACTIVE',
  closed_at TEXT);
CREATE TABLE IF NOT EXISTS orders (
  id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, cents INTEGER NOT NULL,
  currency TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tickets (
  id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, order_id TEXT,
  subject TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'OPEN');
CREATE TABLE IF NOT EXISTS subscriptions (
  id TEXT PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, plan TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'ACTIVE');
CREATE TABLE IF NOT EXISTS refunds (
  id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, cents INTEGER NOT NULL,
  status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effects (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT, payload TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, body TEXT NOT NULL);
"""

_SEED = """
INSERT OR IGNORE INTO customers (id, name, email) VALUES
  ('c-1', 'Alice Martin', 'alice@example.com'),
  ('c-2', 'Bob Keller', 'bob@example.com'),
  ('c-3', 'Former customer', NULL);
INSERT OR IGNORE INTO orders (id, customer, cents, currency) VALUES
  ('o-1001', 'c-1', 25000, 'EUR'),
  ('o-1002', 'c-2', 1990, 'EUR'),
  ('o-1003', 'c-1', 4500, 'USD'),
  ('o-1004', 'c-2', 10000000, 'EUR');
INSERT OR IGNORE INTO tickets (id, customer, order_id, subject, body) VALUES
  ('t-1', 'c-1', 'o-1001', 'Refund', 'The lamp came broken. May I have my money back?'),
  ('t-2', 'c-2', 'o-1002', 'Delivery', 'Where is my parcel?'),
  ('t-3', 'c-3', NULL, 'Privacy', 'Please delete my account.');
INSERT OR IGNORE INTO subscriptions (id, customer, plan) VALUES
  ('s-1', 'c-1', 'monthly'),
  ('s-2', 'c-2', 'yearly');
"""

Row = dict[str, Any]


class Store:
    """One connection, used by one thread: a request is one transaction.

    Args:
        path: The SQLite file; created and filled with a few rows if it is new.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_SCHEMA + _SEED)

    def __enter__(self) -> "Store":
        self._db.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, error: object, *_: object) -> None:
        self._db.execute("COMMIT" if error is None else "ROLLBACK")

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row."""
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else dict(row)

    def all(self, sql: str, *values: object) -> list[Row]:
        """Every row."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def run(self, sql: str, *values: object) -> None:
        """Change rows."""
        self._db.execute(sql, values)

    def next_id(self, prefix: str, table: str) -> str:
        """An id for a new row of ``table``."""
        rows = self.one(f"SELECT count(*) AS n FROM {table}")  # noqa: S608 - a name of this code
        return f"{prefix}-{(rows or {'n': 0})['n'] + 1}"

    def record_effect(self, kind: str, key: str | None, payload: Row) -> str:
        """Note that something happened, so that it can be counted; returns when."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sql = "INSERT INTO effects (kind, key, payload, at) VALUES (?, ?, ?, ?)"
        self.run(sql, kind, key, json.dumps(payload, sort_keys=True), at)
        return at
