"""Answers as they are told: no more bytes than an answer may have."""

from typing import NamedTuple

from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.graphql.encoding import encode
from gateway.surfaces.graphql.errors import entries_of
from gateway.surfaces.graphql.operations.execution import Operation


class Told(NamedTuple):
    """The body of an answer, and the JSON that it is."""

    body: JsonObject
    written: bytes


def told_of(operation: Operation, body: JsonObject) -> Told:
    """What is told of one result of an operation: ``body``, or that it is too large.

    Whatever the operation did is done, and no data are told: a part of them might be taken for all.
    """
    written, most = encode(body), operation.limits.answer_bytes
    if len(written) <= most:
        return Told(body, written)
    detail = (
        f"The answer has {len(written)} bytes, and may have {most}. What was asked for was done, "
        "only its answer is left out. Ask for fewer items at once, or for less of each."
    )
    members = {"maximum": most, "value": len(written)}
    refused = refuse("ANSWER_LIMIT_EXCEEDED", detail, extra=members)
    errors = entries_of(refused, "an answer", operation.context.trace_id)
    left_out: JsonObject = {"data": None, "errors": errors}
    return Told(left_out, encode(left_out))
