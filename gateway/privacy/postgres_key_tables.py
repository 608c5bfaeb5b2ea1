"""The tables of the key store in PostgreSQL, in a schema of their own."""

from typing import LiteralString

SCHEMA: LiteralString = "gateway_keys"
"""The schema of the key store, whichever database it is in."""

TABLES: LiteralString = """
CREATE TABLE meta (name text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE workspace_key (
  id text COLLATE "C" PRIMARY KEY, workspace text COLLATE "C" NOT NULL, wrapped bytea,
  root_key text COLLATE "C" NOT NULL, created_at text COLLATE "C" NOT NULL,
  retired_at text COLLATE "C"
);
CREATE UNIQUE INDEX workspace_key_current ON workspace_key (workspace) WHERE retired_at IS NULL;
CREATE TABLE commitment_key (
  workspace text COLLATE "C" PRIMARY KEY, wrapped bytea NOT NULL,
  root_key text COLLATE "C" NOT NULL
);
CREATE TABLE signing_key (
  purpose text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, role text COLLATE "C" NOT NULL,
  public text NOT NULL, wrapped bytea, root_key text COLLATE "C",
  created_at text COLLATE "C" NOT NULL, PRIMARY KEY (purpose, id)
);
CREATE UNIQUE INDEX signing_key_role ON signing_key (purpose, role) WHERE role <> 'earlier';
CREATE SEQUENCE destruction;
CREATE TABLE data_key (
  id text COLLATE "C" PRIMARY KEY, workspace text COLLATE "C" NOT NULL, subject text COLLATE "C",
  lifetime bigint, wrapped bytea, workspace_key text COLLATE "C",
  created_at text COLLATE "C" NOT NULL, seals_until text COLLATE "C",
  expires_at text COLLATE "C", destroyed_at text COLLATE "C", reason text, destruction bigint
) WITH (fillfactor = 80);
CREATE VIEW known_key AS
  SELECT id, workspace, subject, lifetime, wrapped, workspace_key, created_at, seals_until,
    expires_at, destroyed_at
  FROM data_key;
CREATE INDEX data_key_subject ON data_key (workspace, subject) WHERE subject IS NOT NULL;
CREATE INDEX data_key_expiry ON data_key (expires_at, id)
  WHERE expires_at IS NOT NULL AND destroyed_at IS NULL;
CREATE INDEX data_key_under ON data_key (workspace_key) WHERE wrapped IS NOT NULL;
CREATE INDEX data_key_destruction ON data_key (destruction) WHERE destruction IS NOT NULL;
CREATE TABLE tombstone (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key_id text COLLATE "C" NOT NULL UNIQUE,
  workspace text COLLATE "C" NOT NULL, at text COLLATE "C" NOT NULL, reason text NOT NULL
);
"""
"""What creates them. A secret is in ``wrapped`` alone, and in no index."""
