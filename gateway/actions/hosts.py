"""The egress guard: which hosts http actions may call.

With a list of patterns only those hosts may be called, private ones included. Without a list any
public address may be called, and what is not public is refused: private, loopback, link-local,
multicast, reserved and shared (RFC 6598) ranges, by the registries of RFC 6890, and the IPv6 forms
that carry an IPv4 address inside.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PATTERN = re.compile(
    r"(?P<host>(\*\.)?[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\*|\d{1,5}))?"
)


class HostRefusedError(Exception):
    """The gateway may not call this host; the message says which and why."""


@dataclass(frozen=True, slots=True)
class HostPattern:
    """Hosts that may be called; ``port`` None stands for every port.

    ``host`` is a name, an address, or ``.example.com`` for every name below ``example.com``.
    """

    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "HostPattern":
        """The pattern that ``text`` writes: ``host``, ``host:port``, ``host:*``, ``*.host``.

        Raises:
            ValueError: it is not a pattern.
        """
        found = _PATTERN.fullmatch(text.strip())
        port = found["port"] if found else None
        if not found or (port not in (None, "*") and not 0 < int(port) < 65_536):
            raise ValueError(
                f"{text!r} is not a host pattern; write 'host', 'host:port', '*.example.com' or "
                "'127.0.0.1:*' (IPv6 in brackets, international names in their xn-- form)"
            )
        host = found["host"].lower().removeprefix("*").strip("[]").rstrip(".")
        return cls(host, None if port in (None, "*") else int(port))

    def matches(self, host: str, port: int) -> bool:
        """True if this pattern lets ``host`` be called at ``port``."""
        if self.port not in (None, port):
            return False
        return host.endswith(self.host) if self.host.startswith(".") else host == self.host


class HostGuard:
    """Judges hosts by name before they are resolved, and addresses before they are connected.

    Args:
        patterns: The hosts that may be called; none lets every public address be called.
        setting: Where the patterns come from, for messages.

    Raises:
        ValueError: a pattern is malformed; the message names all that are.
    """

    def __init__(self, patterns: Iterable[str] = (), setting: str = "GATEWAY_ACTION_HOSTS") -> None:
        self._setting = setting
        found: list[HostPattern] = []
        wrong: list[str] = []
        for text in patterns:
            try:
                found.append(HostPattern.parse(text))
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError("; ".join(wrong))
        self._patterns = tuple(found)

    def check_host(self, host: str, port: int) -> None:
        """Judge what can be known of a host without resolving it.

        Raises:
            HostRefusedError: it may not be called.
        """
        host = host.lower().rstrip(".")
        if self._patterns:
            if not any(pattern.matches(host, port) for pattern in self._patterns):
                raise HostRefusedError(f"{host}:{port} is not in {self._setting}")
        elif host == "localhost" or host.endswith(".localhost") or _is_literal(host):
            self._check_public(host, port, host)

    def check_address(self, host: str, port: int, address: str) -> None:
        """Judge an address that ``host`` resolved to.

        Raises:
            HostRefusedError: it may not be called.
        """
        if not self._patterns:
            self._check_public(host, port, address)

    def _check_public(self, host: str, port: int, address: str) -> None:
        if not is_public(address):
            raise HostRefusedError(
                f"{host}:{port} is not at a public address; "
                f"a host of your own network must be named in {self._setting}"
            )


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """True for an address of the public internet; False for anything that is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        carries_ipv4 = parsed.ipv4_mapped or parsed.sixtofour or parsed.teredo
        return not (carries_ipv4 or parsed.is_site_local)
    return True
