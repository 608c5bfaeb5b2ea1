"""Origins (RFC 6454): where a service lives, and the map from contracts' names to places.

A contract names a stable, logical origin such as ``http://support.internal``; a deployment says
where it lives (``GATEWAY_ACTION_ORIGINS``), without a change to the contract.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

_AUTHORITY = re.compile(r"[A-Za-z0-9.\-_]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_URL = re.compile(r"(https?://[^/?#]*)([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, IPv6 without brackets) and port of a service."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """The origin that ``text`` writes, such as ``https://payments.internal:8443``.

        Raises:
            ValueError: it is not a plain http or https origin.
        """
        scheme, mark, authority = text.strip().partition("://")
        scheme = scheme.lower()
        if not mark or scheme not in DEFAULT_PORTS or not _AUTHORITY.fullmatch(authority):
            raise ValueError(
                f"{text!r} is not an origin; write scheme, host and port alone, "
                "such as 'https://payments.internal:8443'"
            )
        parts = urlsplit(f"{scheme}://{authority}")
        port = DEFAULT_PORTS[scheme] if parts.port is None else parts.port
        if port == 0:
            raise ValueError(f"{text!r} names port 0; write the port of the service")
        return cls(scheme, (parts.hostname or "").rstrip("."), port)

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.address}"


def split_url(url: str) -> tuple[Origin, str]:
    """The origin of a contract's URL, and its path and query as they are written.

    Raises:
        ValueError: the URL is not http or https, or holds credentials, a fragment, or a
            placeholder before its path.
    """
    found = _URL.fullmatch(url)
    if not found:
        raise ValueError(f"{url!r} is not an http or https URL without a fragment")
    return Origin.parse(found[1]), found[2]


def parse_origins(origins: Mapping[str, str]) -> dict[Origin, Origin]:
    """The map from logical to real origins.

    Raises:
        ValueError: one of them is not an origin; the message names it.
    """
    return {Origin.parse(name): Origin.parse(place) for name, place in origins.items()}
