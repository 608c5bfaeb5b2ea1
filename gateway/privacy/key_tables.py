"""The tables of the key store."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE workspace_key (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, wrapped BLOB, root_key TEXT NOT NULL,
  created_at TEXT NOT NULL, retired_at TEXT
) WITHOUT ROWID;
CREATE UNIQUE INDEX workspace_key_current ON workspace_key (workspace) WHERE retired_at IS NULL;
CREATE TABLE commitment_key (
  workspace TEXT PRIMARY KEY, wrapped BLOB NOT NULL, root_key TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE secret (place INTEGER PRIMARY KEY AUTOINCREMENT, wrapped BLOB NOT NULL);
CREATE TABLE data_key (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, subject TEXT, lifetime INTEGER, place INTEGER,
  workspace_key TEXT, created_at TEXT NOT NULL, seals_until TEXT, expires_at TEXT,
  destroyed_at TEXT, reason TEXT
) WITHOUT ROWID;
CREATE VIEW known_key AS
  SELECT id, workspace, subject, lifetime,
    CASE WHEN destroyed_at IS NULL THEN wrapped END AS wrapped,
    workspace_key, created_at, seals_until, expires_at, destroyed_at
  FROM data_key LEFT JOIN secret ON secret.place = data_key.place;
CREATE INDEX data_key_subject ON data_key (workspace, subject) WHERE subject IS NOT NULL;
CREATE INDEX data_key_expiry ON data_key (expires_at)
  WHERE expires_at IS NOT NULL AND destroyed_at IS NULL;
"""
"""Commands that create them, each ended by a semicolon."""
