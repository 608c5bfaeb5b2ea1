"""The tables of blobs in PostgreSQL."""

from typing import LiteralString

BLOB_TABLES: LiteralString = """
CREATE TABLE IF NOT EXISTS blob (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, area text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL, size bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (area, name)
);
CREATE TABLE IF NOT EXISTS blob_piece (
  blob bigint NOT NULL REFERENCES blob (id) ON DELETE CASCADE, number integer NOT NULL,
  content bytea STORAGE EXTERNAL NOT NULL, PRIMARY KEY (blob, number)
);
"""
"""What creates them. Contents are packed or sealed already, so they are not compressed again."""
