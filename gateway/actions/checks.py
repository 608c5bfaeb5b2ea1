"""What can be told of a handler before it is called: run at start, so that no call finds it out.

What a contract file says by itself is checked where it is loaded; here is what takes a look at the
deployment (hosts, secrets, importable functions) or at how an action is sent.
"""

import re
from collections.abc import Iterator

from gateway.actions.hosts import HostRefusedError
from gateway.actions.http import HttpActions
from gateway.actions.origins import split_url
from gateway.actions.python import PythonActions, TargetError
from gateway.actions.request import PLACEHOLDER, QUERY_METHODS
from gateway.actions.secrets import without_secrets
from gateway.model.contract import HttpHandler, ObjectType, OperationContract, PythonHandler
from gateway.model.types import FREE_SCALARS, TypeRef

HANDLER_INVALID = "ACTION_HANDLER_INVALID"
HOST_REFUSED = "ACTION_HOST_REFUSED"
SECRET_MISSING = "SECRET_MISSING"  # noqa: S105 - an error code, not a secret

Finding = tuple[str, str]
"""An issue's code and message."""

_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_OWN_HEADERS = frozenset({"accept-encoding", "traceparent"})


def problems_of(
    contract: OperationContract, http: HttpActions, python: PythonActions
) -> Iterator[Finding]:
    """Code and message of everything that is wrong with a contract's handler."""
    match contract.handler:
        case HttpHandler() as handler:
            yield from _address(handler, http)
            yield from _query(contract, handler)
            yield from _headers(handler, http)
        case PythonHandler() as handler:
            yield from _target(handler, python)


def _target(handler: PythonHandler, python: PythonActions) -> Iterator[Finding]:
    try:
        python.target(handler.target)
    except TargetError as error:
        yield HANDLER_INVALID, f"{error}"


def _address(handler: HttpHandler, http: HttpActions) -> Iterator[Finding]:
    try:
        origin, _ = split_url(handler.url)
    except ValueError as error:
        yield HANDLER_INVALID, str(error)
        return
    place = http.origins.get(origin, origin)
    try:
        http.guard.check_host(place.host, place.port)
    except HostRefusedError as error:
        yield HOST_REFUSED, str(error)


def _query(contract: OperationContract, handler: HttpHandler) -> Iterator[Finding]:
    if handler.method not in QUERY_METHODS:
        return
    in_url = PLACEHOLDER.findall(handler.url)
    for name, field in contract.input.items():
        if name not in in_url and not _is_plain(contract, field.items or field):
            told = f"input {name!r} cannot be a query parameter of {handler.method}: make it a "
            yield HANDLER_INVALID, told + "scalar or a list of scalars, or use POST"


def _is_plain(contract: OperationContract, field: TypeRef) -> bool:
    nested = isinstance(contract.types.get(field.name), ObjectType)
    return field.items is None and not nested and field.name not in FREE_SCALARS


def _headers(handler: HttpHandler, http: HttpActions) -> Iterator[Finding]:
    for name, value in handler.headers.items():
        if name.lower() in _OWN_HEADERS:
            yield HANDLER_INVALID, f"header {name!r} is set by the gateway alone; remove it"
        if not _PRINTABLE.fullmatch(without_secrets(value)):
            yield HANDLER_INVALID, f"header {name!r} holds other than printable ASCII; mend it"
        for missing in http.secrets.missing_from(value):
            yield SECRET_MISSING, f"header {name!r}: {missing}"
