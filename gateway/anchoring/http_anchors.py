"""Anchors over HTTP: a receiver that is told by a signed message, and a transparency log."""

import base64

from gateway.actions import Secrets
from gateway.actions.secrets import SecretMissingError
from gateway.anchoring.anchor import AnchorError, SignedCheckpoint, Taken
from gateway.anchoring.exchange import Exchange, Reply
from gateway.anchoring.targets import LogTarget, WebhookTarget
from gateway.anchoring.templates import fill
from gateway.contracts.scalars import RESERVED_KEYS
from gateway.model.json import MAX_SAFE_INTEGER, JsonValue, decode, digest, encode
from gateway.webhooks.post import Poster

MESSAGE_TYPE = "contract-gateway.checkpoint.signed"
MAX_DEPTH = 32
"""How deep the answer of a log may be nested to be kept as JSON."""

_CONFLICT = 409


class WebhookAnchor:
    """Tells a receiver, as Standard Webhooks 1.0.0 says. ``poster`` is closed with it."""

    def __init__(self, target: WebhookTarget, poster: Poster) -> None:
        self._target = target
        self._poster = poster

    async def publish(self, checkpoint: SignedCheckpoint) -> Taken:
        """Send the checkpoint; its ``webhook-id`` is the same each time.

        Raises:
            AnchorError: the receiver did not answer with 2xx.
        """
        own = message_id(self._target.id, checkpoint)
        attempt = await self._poster.post(self._target, own, message(checkpoint))
        if not attempt.taken:
            raise AnchorError(attempt.error or "It was not taken.", attempt.retry_after)
        return Taken({"status": attempt.status, "webhookId": own})

    async def close(self) -> None:
        """Close all connections."""
        await self._poster.close()


def message_id(target: str, checkpoint: SignedCheckpoint) -> str:
    """The id of the message that tells a target of a checkpoint, without a dot."""
    told = [target, checkpoint.origin, checkpoint.number, checkpoint.text]
    return f"msg_{digest(told)[:32]}"


def message(checkpoint: SignedCheckpoint) -> bytes:
    """The body of the message."""
    data = {
        "origin": checkpoint.origin,
        "number": checkpoint.number,
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "note": checkpoint.note,
    }
    return encode({"type": MESSAGE_TYPE, "data": data}).encode()


class LogAnchor:
    """Submits checkpoints as entries of somebody else's log, and keeps what it answers."""

    def __init__(self, target: LogTarget, exchange: Exchange, secrets: Secrets) -> None:
        self._target = target
        self._exchange = exchange
        self._secrets = secrets

    async def publish(self, checkpoint: SignedCheckpoint) -> Taken:
        """Submit the checkpoint.

        Raises:
            AnchorError: the log did not take it. 409 with a ``Location`` says that it has it.
        """
        body = encode(fill(self._target.body, checkpoint)).encode()
        reply = await self._exchange.post(self._target.url, body, self._headers())
        has_it = reply.status == _CONFLICT and reply.location is not None
        if not reply.is_success and not has_it:
            raise AnchorError(f"The log answered {reply.status}.")
        return Taken(_receipt(reply))

    async def close(self) -> None:
        """Close all connections."""
        await self._exchange.close()

    def _headers(self) -> dict[str, str]:
        try:
            own = {name: self._secrets.fill(text) for name, text in self._target.headers.items()}
        except SecretMissingError as error:
            raise AnchorError(f"Nothing was sent: {error}.") from None
        return {**own, "Content-Type": "application/json"}


def _receipt(reply: Reply) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"status": reply.status, "answer": _value(reply.body)}
    if reply.location is not None:
        told["location"] = reply.location
    return told


def _value(body: bytes) -> JsonValue:
    """What the log said: JSON where it is such as may be shown, else text."""
    try:
        value = decode(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    return value if _is_plain(value, MAX_DEPTH) else body.decode("utf-8", "replace")


def _is_plain(value: JsonValue, deep: int) -> bool:
    """Whether any JSON reader keeps the value, and nothing in it looks like the gateway's own."""
    if isinstance(value, dict):
        names_well = not RESERVED_KEYS & value.keys()
        return deep > 0 and names_well and all(_is_plain(one, deep - 1) for one in value.values())
    if isinstance(value, list):
        return deep > 0 and all(_is_plain(one, deep - 1) for one in value)
    return not isinstance(value, int) or abs(value) <= MAX_SAFE_INTEGER
