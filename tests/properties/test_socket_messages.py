"""Whatever comes on a WebSocket is a message of the protocol, or closes it with 4400 and why."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.sockets.messages import (
    ClientMessage,
    CloseError,
    authorization_of,
    read_message,
)

LIMITS = Limits()
LONGEST_REASON = 123  # bytes; RFC 6455, section 5.5
SECRET = "secret-word"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["\ud800", SECRET, 10**40]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5) | st.just(SECRET), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
TYPES = st.sampled_from([*ClientMessage, "next", "error", "connection_ack", "start", "stop"])
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "query": st.just("{ a }") | VALUES,
        "variables": st.just({}) | VALUES,
        "operationName": st.text(max_size=3) | VALUES,
        "extensions": VALUES,
        "authorization": st.just(f"Bearer {SECRET}") | VALUES,
        "Authorization": VALUES,
        "headers": st.fixed_dictionaries({}, optional={"authorization": VALUES}) | VALUES,
    },
)
MESSAGES = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "id": st.sampled_from(["1", "", "i" * 256, "i" * 257]) | VALUES,
        "payload": PAYLOADS | VALUES,
        "more": VALUES,
    },
)
TEXTS = MESSAGES.map(json.dumps)
OTHERS = VALUES.map(json.dumps) | st.text(max_size=60)


def read(text: str) -> Any:
    """What the socket makes of a text frame, its closing included."""
    try:
        return understood(text)
    except CloseError as closing:
        return closing


def understood(text: str) -> Any:
    message = read_message(text, LIMITS)
    if message.type is ClientMessage.SUBSCRIBE:
        return message.parameters()
    if message.type is ClientMessage.CONNECTION_INIT:
        return authorization_of(message.payload)
    return message


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_what_looks_like_a_message_is_one_or_closes_the_socket_with_a_reason(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(OTHERS)
def test_any_other_text_closes_the_socket_with_a_reason(text: str) -> None:
    check(text)


def check(text: str) -> None:
    found = read(text)
    if isinstance(found, CloseError):
        assert found.code == 4400
        assert 0 < len(found.reason.encode()) <= LONGEST_REASON
        assert SECRET not in found.reason
        return
    told = json.loads(text)
    assert told["type"] in set(ClientMessage)
    if told["type"] in ("subscribe", "complete"):
        assert 0 < len(told["id"]) <= 256
    if isinstance(found, Parameters):
        assert found.query == told["payload"]["query"]
