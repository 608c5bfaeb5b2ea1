"""Answers as bytes, whichever transport sends them."""

import json

import orjson

from gateway.model.json import JsonObject


def encode(body: JsonObject) -> bytes:
    """JSON in UTF-8, on one line."""
    try:
        return orjson.dumps(body)
    except TypeError:  # integers beyond 64 bits in a JSON scalar
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
