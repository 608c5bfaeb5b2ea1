"""Answers as bytes, whichever transport sends them."""

import json

import orjson

from gateway.model.json import JsonObject


def encode(body: JsonObject) -> bytes:
    """JSON in UTF-8, on one line."""
    try:
        return orjson.dumps(body)
    except TypeError:  # integers beyond 64 bits in a JSON scalar
        written = json.dumps(body, allow_nan=False, separators=(",", ":"), default=_read)
        return written.encode()


def _read(part: object) -> object:
    """What stands in a part of a body that is written already."""
    if isinstance(part, orjson.Fragment):
        return orjson.loads(orjson.dumps(part))
    raise TypeError(f"{type(part).__name__} is no JSON")
