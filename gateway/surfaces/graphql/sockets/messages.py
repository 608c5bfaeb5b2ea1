"""The messages of graphql-transport-ws, read strictly.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md; whatever is not a message of a
client there closes the socket with 4400 and a reason, which never repeats what was sent.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.json import JsonObject, JsonValue
from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.parameters import Parameters, parameters_of
from gateway.surfaces.graphql.requests.strict_json import parse_json

SUBPROTOCOL = "graphql-transport-ws"

_LONGEST_ID = 256
_LONGEST_REASON = 123  # bytes; RFC 6455, section 5.5


class ClientMessage(StrEnum):
    """What a client may send."""

    CONNECTION_INIT = "connection_init"
    PING = "ping"
    PONG = "pong"
    SUBSCRIBE = "subscribe"
    COMPLETE = "complete"


class CloseError(Exception):
    """The socket must be closed with ``code`` and ``reason``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = shortened(reason)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that is in order: ``id`` where its type has one, ``payload`` if it came."""

    type: ClientMessage
    id: str = ""
    payload: JsonObject | None = None

    def parameters(self) -> Parameters:
        """What a subscribe message asks to run.

        Raises:
            CloseError: 4400 for a payload that is not as the protocol has it.
        """
        try:
            return parameters_of(self.payload or {})
        except ProblemError as refused:
            raise _bad(refused.problem.detail) from None


def shortened(reason: str) -> str:
    """``reason``, no longer than a closing frame can hold."""
    return reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


def read_message(text: str, limits: Limits) -> Received:
    """The message in a text frame.

    Raises:
        CloseError: 4400 for anything else.
    """
    try:
        value = parse_json(text, "message", "", limits)
    except ProblemError as refused:
        raise _bad(refused.problem.detail) from None
    if not isinstance(value, dict):
        raise _bad("The message is not a JSON object.")
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in set(ClientMessage):
        raise _bad("The message has no type that a client may send.")
    message = ClientMessage(kind)
    if message in (ClientMessage.SUBSCRIBE, ClientMessage.COMPLETE):
        return Received(message, _id_of(value), _payload_of(value))
    return Received(message, payload=_payload_of(value))


def authorization_of(payload: JsonObject | None) -> str | None:
    """The credentials in the payload of connection_init, by a member of either usual form:
    ``{"authorization": "Bearer ..."}`` or ``{"headers": {"Authorization": "Bearer ..."}}``.

    Raises:
        CloseError: 4400 where they are no text, or differ from each other.
    """
    given = payload or {}
    headers = given.get("headers")
    places = [given, headers] if isinstance(headers, dict) else [given]
    found = [
        value
        for place in places
        for name, value in place.items()
        if name.lower() == "authorization" and value is not None
    ]
    if not all(isinstance(value, str) for value in found):
        raise _bad("The authorization is not a string.")
    if len(set(found)) > 1:
        raise _bad("The authorization comes twice and differs.")
    return found[0] if found else None


def _id_of(value: JsonObject) -> str:
    found = value.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID:
        raise _bad(f"The id is not a string of 1 to {_LONGEST_ID} characters.")
    return found


def _payload_of(value: JsonObject) -> JsonObject | None:
    found: JsonValue = value.get("payload")
    if found is not None and not isinstance(found, dict):
        raise _bad("The payload is not a JSON object.")
    return found


def _bad(reason: str) -> CloseError:
    return CloseError(4400, reason)
