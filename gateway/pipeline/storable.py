"""What the record can hold of a call.

PostgreSQL holds no text with U+0000, and finds nothing again by a text that is very long. A record
on SQLite could; both refuse it alike, so that a client never depends on where the record is.
"""

from collections.abc import Iterator

from gateway.model.contract import ObjectType, OperationContract
from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.problem import Issue, invalid
from gateway.model.types import TypeRef
from gateway.pipeline.call import Call

MAX_KEY = 512
"""The most characters of an idempotency key."""

_NUL = "holds the character U+0000; leave it out"


def storable(call: Call, value: JsonObject) -> JsonObject:
    """The validated input of a call, if the record can hold what is stored of it as it came: its
    idempotency key, and the texts that the gateway itself was given, however deep.

    Raises:
        ProblemError: VALIDATION_FAILED.
    """
    issues = []
    key = call.idempotency_key or ""
    if "\0" in key:
        issues.append(Issue("/idempotencyKey", "NOT_ALLOWED", _NUL))
    if len(key) > MAX_KEY:
        told = f"has more than {MAX_KEY} characters"
        issues.append(Issue("/idempotencyKey", "OUT_OF_RANGE", told))
    if call.contract.handler is None:
        places = _places(call.contract, value)
        issues += [Issue(f"/input{place}", "NOT_ALLOWED", _NUL) for place in places]
    if issues:
        raise invalid(issues)
    return value


def _places(contract: OperationContract, value: JsonObject) -> Iterator[str]:
    """Where an input holds a text with U+0000, as JSON pointers. What is JSON to the contract, such
    as the draft of a plan, is stored as it is written, where it does no harm."""
    for name, member in value.items():
        ref = contract.input.get(name)
        if ref is not None:
            yield from _within(contract, ref, member, pointer(name))


def _within(contract: OperationContract, ref: TypeRef, value: JsonValue, at: str) -> Iterator[str]:
    named = contract.types.get(ref.name)
    if isinstance(value, str):
        if "\0" in value:
            yield at
    elif ref.items is not None and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _within(contract, ref.items, item, at + pointer(index))
    elif isinstance(named, ObjectType) and isinstance(value, dict):
        for name, member in value.items():
            yield from _within(contract, named.fields[name], member, at + pointer(name))
