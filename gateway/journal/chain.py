"""Chains: what they are called, and how an entry is encoded and hashed.

The hash is SHA-256 over a JSON array, so that no two different entries share an encoding: lengths
and borders are part of JSON, which a plain concatenation of fields would lose.
"""

import hashlib
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson

from gateway.model.entry import NewEntry


def execution_chain(execution_id: str) -> str:
    """The name of an execution's chain."""
    return f"execution/{execution_id}"


@lru_cache(maxsize=1024)
def workspace_chain(workspace: str, writer: str) -> str:
    """The name of the chain of a workspace's entries without an execution, as ``writer`` keeps it.

    Both names are percent-encoded, so that a slash in one cannot pass for the border.
    """
    return f"workspace/{quote(workspace, safe='')}/{quote(writer, safe='')}"


def chain_of(entry: NewEntry, writer: str) -> str:
    """The chain on which ``writer`` records an entry."""
    if entry.execution_id is not None:
        return execution_chain(entry.execution_id)
    return workspace_chain(entry.workspace, writer)


def entry_hash(
    form: Any,
    chain: Any,
    seq: Any,
    previous: Any,
    at: Any,
    kind: Any,
    workspace: Any,
    execution_id: Any,
    actor: Any,
    body: Any,
) -> str:
    """The hash of an entry from its stored columns, in hex; ``body`` is its text as stored.

    Columns are taken as they come, because verification also hashes what a stranger left there.

    Raises:
        TypeError: a column holds something that no entry can hold.
    """
    fields = [form, chain, seq, previous, at, kind, workspace, execution_id, actor, body]
    return hashlib.sha256(orjson.dumps(fields)).hexdigest()
