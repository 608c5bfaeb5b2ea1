"""Ports for servers of tests that listen only later, or that give their port back for a while."""

import secrets
import socket
from pathlib import Path

_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""From where to where the system gives ports to whoever names none."""

_FIRST = 15_000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody else gets by chance, from the system or from here.

    Its number is held as one of UDP until this process ends, for none of these servers speaks that.
    """
    beyond = max(_lowest_given(), _FIRST + 10_000)
    while True:
        port = _FIRST + secrets.randbelow(beyond - _FIRST)
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:  # somebody has it
            held.close()
        else:
            held.detach()
            return port


def _lowest_given() -> int:
    try:
        return int(_GIVEN.read_text().split()[0])
    except OSError:
        return 32_768
