"""Which gateway a command calls, and as whom."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.model.json import JsonObject
from gateway.model.problem import refuse

ENDPOINT = "/graphql"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway by its address, and the token of who calls it."""

    url: str
    token: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        """Where GraphQL is served."""
        return self.url + ENDPOINT

    @property
    def is_readable_on_its_way(self) -> bool:
        """Whether the token goes unencrypted over a network."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in LOOPBACK

    def claim(self, name: str) -> str | None:
        """What the token says of its holder. Only the gateway can tell whether it is true: this is
        for fields in which the gateway wants to be told what it knows."""
        found = claims(self.token).get(name)
        return found if isinstance(found, str) else None


def address(text: str) -> str:
    """The address of a gateway without what is understood.

    Raises:
        ValueError: it is no http or https address, or holds a name, a password or a query.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with http:// or https:// and name a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("it must not hold a name, a password, a query or a fragment")
    _ = parts.port  # raises ValueError where it is none
    path = parts.path.rstrip("/").removesuffix(ENDPOINT)
    return f"{parts.scheme}://{parts.netloc}{path}"


def bearer(text: str | None) -> str:
    """The token that was given, without the white space around it.

    Raises:
        ProblemError: UNAUTHENTICATED where there is none, or what was given is none.
    """
    token = (text or "").strip()
    if not token:
        raise refuse(
            "UNAUTHENTICATED",
            "No token was given. Put one into GATEWAY_TOKEN, or into a file that --token-file"
            " names; `gateway token issue` makes one for development.",
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        told = "What was given as the token is none: it holds spaces or signs beyond ASCII."
        raise refuse("UNAUTHENTICATED", told)
    return token


def claims(token: str) -> JsonObject:
    """What a JSON Web Token says, unchecked; nothing of a token in another form."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
