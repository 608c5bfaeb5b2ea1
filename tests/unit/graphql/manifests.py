"""Manifests of trusted documents for tests, in each format that tools of clients write."""

import hashlib
import json
from pathlib import Path
from typing import Any

from gateway.surfaces.graphql.trusted import DocumentStore, Entry

PING = "query Ping { shopPing { done } }"
RESET = "mutation Reset { shopReset { done } }"
GET = "query Get($input: ShopOrderGetInput!) { shopOrderGet(input: $input) { orderId } }"
TEXTS = (PING, RESET, GET)


def digest(text: str, algorithm: str = "sha256") -> str:
    """The hexadecimal digits of a text's digest."""
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def apollo(*texts: str, **ids: str) -> dict[str, Any]:
    """Apollo's manifest of these texts; ``ids`` are for those whose id is no digest."""
    named = {digest(text): text for text in texts} | ids
    return {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            {"id": id_, "name": text.split()[1], "type": text.split()[0], "body": text}
            for id_, text in named.items()
        ],
    }


def mapped(*texts: str, algorithm: str = "md5", **ids: str) -> dict[str, Any]:
    """Relay's manifest of these texts; with sha1 or sha256 that of the client preset."""
    return {digest(text, algorithm): text for text in texts} | ids


def write(path: Path, manifest: Any) -> Path:
    """Write a manifest to a file."""
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def store(*texts: str, **ids: str) -> DocumentStore:
    """A store of these texts."""
    named = {digest(text): text for text in texts} | ids
    return DocumentStore(Entry(id_, text, "m.json", f"/{id_}") for id_, text in named.items())
