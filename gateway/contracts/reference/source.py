"""Who performs a contract, and its definition as text, without what opens or finds a service.

Secrets are named in contract files and never written there; a header or a query may hold one by
mistake. So of headers only the names of secrets are told, and of a query only the placeholders.
"""

import re
from urllib.parse import urlsplit, urlunsplit

from gateway.contracts.reference.detail import HandlerNote
from gateway.contracts.yaml_text import yaml_text
from gateway.model.contract import Handler, HttpHandler
from gateway.model.json import JsonObject, JsonValue

HIDDEN = "(hidden)"
"""What stands in place of what is not told."""

_SECRET = re.compile(r"\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}")
_PLACEHOLDER = re.compile(r"\{[A-Za-z][A-Za-z0-9_]*\}")


def handler_note(handler: Handler | None, *, with_target: bool) -> HandlerNote:
    """Who performs a contract; ``with_target`` says whether the reader is told where."""
    if handler is None:
        return HandlerNote("built-in")
    if isinstance(handler, HttpHandler):
        target = shown_url(handler.url) if with_target else None
        keyed = handler.idempotency_key
        return HandlerNote("http", handler.method, target, handler.timeout, keyed)
    target = handler.target if with_target else None
    return HandlerNote("python", None, target, handler.timeout, handler.idempotency_key)


def source_text(definition: JsonValue, *, with_target: bool) -> str:
    """The definition of a contract as YAML, without comments."""
    if not isinstance(definition, dict):
        return ""
    handler = definition.get("handler")
    if isinstance(handler, dict):
        told = {kind: _shown(body, with_target) for kind, body in handler.items()}
        definition = {**definition, "handler": told}
    return yaml_text(definition)


def _shown(body: JsonValue, with_target: bool) -> JsonValue:
    """What is told of a handler."""
    if not isinstance(body, dict):
        return body
    told: JsonObject = dict(body)
    for place in ("url", "target"):
        if place in told:
            told[place] = shown_url(str(told[place])) if with_target else HIDDEN
    if isinstance(told.get("headers"), dict):
        shown = {name: _shown_header(str(value)) for name, value in told["headers"].items()}
        told["headers"] = shown if with_target else HIDDEN
    return told


def _shown_header(value: str) -> str:
    return " ".join(_SECRET.findall(value)) or HIDDEN


def shown_url(url: str) -> str:
    """A URL without credentials, and without those values of its query that no input fills."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(map(_shown_pair, parts.query.split("&"))) if parts.query else ""
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _shown_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        return name
    return f"{name}={value if _PLACEHOLDER.fullmatch(value) else HIDDEN}"
