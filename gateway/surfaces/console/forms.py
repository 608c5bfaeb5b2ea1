"""Forms that browsers send: read within bounds."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, problem
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.strict_json import parse_json

MAX_BYTES = 65_536
"""The largest form that is read."""

_MAX_FIELDS = 500
_LIMITS = Limits()
_KIND = "application/x-www-form-urlencoded"


class Form(Mapping[str, str]):
    """The fields of a form: of a name that comes several times the last value, by ``all`` every."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = tuple(pairs)
        self._last = MappingProxyType(dict(pairs))

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self):  # type: ignore[no-untyped-def] # Mapping says what it is
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        return tuple(value for key, value in self._pairs if key == name)


async def read_form(request: Request) -> Form:
    """The form that a request brings.

    Raises:
        ProblemError: UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or BAD_REQUEST.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        told = f"The form came as {kind[:80] or 'nothing'}. Send it as {_KIND}."
        raise ProblemError(problem("UNSUPPORTED_MEDIA_TYPE", told))
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                told = f"The form is larger than {MAX_BYTES} bytes. Send less of it."
                raise ProblemError(problem("PAYLOAD_TOO_LARGE", told))
    except ClientDisconnect:
        raise ProblemError(problem("BAD_REQUEST", "The form did not come whole.")) from None
    try:
        text = body.decode()
        return Form(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:  # no UTF-8, or too many fields
        told = f"The form is not UTF-8 with at most {_MAX_FIELDS} fields. Send it again."
        raise ProblemError(problem("BAD_REQUEST", told)) from None


def json_object(text: str) -> JsonObject:
    """The JSON object that somebody typed, read as strictly as what the API is sent: nothing of it
    is left out or taken for something else.

    Raises:
        ValueError: it is none, or cannot be sent as it is; the message says why.
    """
    try:
        found = parse_json(text, "the text", "", _LIMITS)
        orjson.dumps(found)  # whole numbers of over 64 bits cannot be sent
    except ProblemError as error:
        raise ValueError(error.problem.detail) from None
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, dict):
        raise ValueError("it is no object")  # noqa: TRY004 as other JSON that cannot be sent
    return found
