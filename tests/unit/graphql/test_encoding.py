"""Answers as bytes, with parts in them that are written already."""

import json

import orjson
import pytest

from gateway.surfaces.graphql.encoding import encode

ROWS = orjson.Fragment(b'[{"name":"\xc3\xa4","ratio":1.5}]')


def test_a_written_part_stands_as_it_is() -> None:
    assert (
        encode({"data": {"rows": ROWS}}) == b'{"data":{"rows":[{"name":"\xc3\xa4","ratio":1.5}]}}'
    )


def test_a_written_part_may_stand_beside_an_integer_beyond_64_bits() -> None:
    told = json.loads(encode({"data": {"rows": ROWS, "large": 2**70}}))
    assert told == {"data": {"rows": [{"name": "ä", "ratio": 1.5}], "large": 2**70}}


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(TypeError, match="object is no JSON"):
        encode({"data": object()})
