"""What the record can hold of a call.

PostgreSQL holds no text with U+0000, and finds nothing again by a text that is very long. A record
on SQLite could; both refuse it alike, so that a client never depends on where the record is.
"""

from gateway.model.json import JsonObject
from gateway.model.problem import Issue, invalid
from gateway.pipeline.call import Call

MAX_KEY = 512
"""The most characters of an idempotency key."""

_NUL = "holds the character U+0000; leave it out"


def storable(call: Call, value: JsonObject) -> JsonObject:
    """The validated input of a call, if the record can hold what is stored of it as it came: its
    idempotency key, and the texts that the gateway itself was given.

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
        held = [name for name, text in value.items() if isinstance(text, str) and "\0" in text]
        issues += [Issue(f"/input/{name}", "NOT_ALLOWED", _NUL) for name in held]
    if issues:
        raise invalid(issues)
    return value
