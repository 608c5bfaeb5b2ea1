"""Reading what a service answered: is it strict JSON, and what does the status say?

The three outcomes decide whether an effect may be repeated, so whatever leaves a doubt is
``Unknown``. A service's own words never pass on: they may hold PII.
"""

import json
import math
from copy import deepcopy
from typing import Any

from msgspec.structs import replace

from gateway.model.action import ActionOutcome, Answered, Declined, Unknown
from gateway.model.contract import HttpHandler, OperationContract
from gateway.model.json import MAX_SAFE_INTEGER, JsonObject, JsonValue
from gateway.model.plain_json import plain_copy, plain_object
from gateway.model.problem import STANDARD

MAX_DEPTH = 64
"""How deep an answer may be nested, as deep as a request."""

_NO_CONTENT = (204, 205)
_REPEAT_ELSEWHERE = (307, 308)
_UNDECLARED: dict[int, tuple[str, str, bool]] = {
    401: ("BAD_GATEWAY", "refused the gateway's credentials", False),
    403: ("BAD_GATEWAY", "refused the gateway's credentials", False),
    404: ("NOT_FOUND", "has no such thing", False),
    408: ("TIMEOUT", "gave up waiting for the request", True),
    409: ("CONFLICT", "answered that the present state does not allow this", False),
    425: ("SERVICE_UNAVAILABLE", "would not take the request yet", True),
    429: ("RATE_LIMITED", "answered that there are too many calls", True),
}


def read_object(raw: bytes) -> JsonObject:
    """The JSON object in ``raw``, which must be strict (RFC 8259 in UTF-8, RFC 7493's limits).

    Raises:
        ValueError: it is not; the message says why without quoting it.
    """
    plain = plain_object(raw, MAX_DEPTH)
    if plain is not None:
        return plain
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (line {error.lineno}, column {error.colno})") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep") from None
    _look_through(value)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - the one error here
    return value


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member name stands twice in one object")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def exact_copy(value: JsonObject) -> JsonObject:
    """A copy of ``value``, which must be JSON that every reader keeps exactly. How deep it may be
    nested is for its contract to say.

    Raises:
        ValueError: it holds a number beyond a double, an unpaired surrogate or a value of
            another type, or is nested deeper than it can be written.
    """
    copy: JsonObject | None = plain_copy(value)
    if copy is None:
        _look_through(value)
        copy = deepcopy(value)
    return copy


def _look_through(value: JsonValue) -> None:
    """Look at every value by itself, to tell what is wrong with it."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if not isinstance(item, (dict, list)):
            _check_scalar(item)
            continue
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        if isinstance(item, dict):
            _check_names(item)
        inner = item.values() if isinstance(item, dict) else item
        waiting.extend((part, depth + 1) for part in inner)


def _check_names(members: dict[Any, Any]) -> None:
    for name in members:
        if not isinstance(name, str):
            raise ValueError("a member name is not a string")  # noqa: TRY004 - the one error here
        _check_scalar(name)


def _check_scalar(value: Any) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise ValueError("a string holds an unpaired surrogate")
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise ValueError("an integer is too large to be kept exactly")
    elif not isinstance(value, float):
        told = f"a {type(value).__name__} is not a JSON value"
        raise ValueError(told)  # noqa: TRY004 - the one error here
    elif not math.isfinite(value):
        raise ValueError("a number is not finite")


def declared_error(contract: OperationContract, code: str, detail: str = "") -> Declined | None:
    """The outcome of an error that ``contract`` declares and its handler answered, or None.

    ``detail`` overrides the contract's description.
    """
    spec = contract.errors.get(code)
    if spec is None:
        return None
    told = detail or spec.description or f"{contract.ref} ended in {code}."
    return Declined(code, told, spec.http, spec.retryable, declared=True)


def judge(
    contract: OperationContract, handler: HttpHandler, status: int, raw: bytes
) -> ActionOutcome:
    """The outcome of a complete answer with HTTP ``status`` and body ``raw``."""
    if 200 <= status < 300:
        return _success(status, raw)
    if 300 <= status < 400:
        return _redirect(contract, status)
    if not 400 <= status < 600:
        return Unknown(f"The service answered with status {status}, which says nothing.")
    declared = _declared(contract, handler, status, raw)
    if declared:
        return declared
    if status >= 500:
        return Unknown(f"The service failed with status {status}, which is not declared.")
    return _undeclared(contract, handler, status)


def asking(outcome: ActionOutcome, wait: float | None) -> ActionOutcome:
    """The outcome of an answer that asks for ``wait`` seconds before the next attempt."""
    if wait is None or isinstance(outcome, Answered):
        return outcome
    return replace(outcome, retry_after=wait)


def _success(status: int, raw: bytes) -> ActionOutcome:
    if status in _NO_CONTENT and not raw:
        return Answered({})
    try:
        return Answered(read_object(raw))
    except ValueError:
        # It has happened: no contract accepts null as its output, so nobody sends it again.
        return Answered(None)


def _redirect(contract: OperationContract, status: int) -> ActionOutcome:
    # RFC 9110, 15.4: 307 and 308 ask to repeat the request elsewhere, so it was not performed
    # here; 301, 302 and 303 are also how services answer a POST that they have performed.
    if contract.is_command and status not in _REPEAT_ELSEWHERE:
        return Unknown(f"The service answered with redirect {status}, after an effect or not.")
    detail = f"The service behind {contract.ref} answered with a redirect; none is followed."
    return Declined("BAD_GATEWAY", detail, STANDARD["BAD_GATEWAY"].status)


def _declared(
    contract: OperationContract, handler: HttpHandler, status: int, raw: bytes
) -> Declined | None:
    spec = contract.errors.get(_code_in(raw))
    if spec and spec.http == status:
        return declared_error(contract, spec.code)
    code = handler.errors.get(status)
    if code is None:
        return None
    declared, standard = declared_error(contract, code), STANDARD.get(code)
    if declared or standard is None:
        return declared
    detail = f"The service behind {contract.ref} declined: {standard.title.lower()}."
    return Declined(code, detail, standard.status, standard.retryable)


def _code_in(raw: bytes) -> str:
    try:
        code = read_object(raw).get("code")
    except ValueError:
        return ""
    return code if isinstance(code, str) else ""


def _undeclared(contract: OperationContract, handler: HttpHandler, status: int) -> ActionOutcome:
    if status == 409 and contract.is_command and handler.idempotency_key:
        # Services that honour the key answer 409 while an earlier attempt is still under way.
        return Unknown("The service answered 409: an attempt with this key may be under way.")
    fallback = ("BAD_REQUEST", f"would not take the request (status {status})", False)
    code, said, retryable = _UNDECLARED.get(status, fallback)
    detail = f"The service behind {contract.ref} {said}."
    return Declined(code, detail, STANDARD[code].status, retryable)
