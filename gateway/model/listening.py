"""Sockets to serve on."""

import errno
import socket


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address, before anything else starts: so its port is known, and
    what stands in the way is told by whoever asked for it.

    Raises:
        OSError: the address cannot be had; its ``errno`` and ``strerror`` say why.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except (OSError, TypeError) as error:  # the latter of what can be no name of a host
        sock.close()
        number = getattr(error, "errno", None) or errno.EADDRNOTAVAIL
        raise OSError(number, getattr(error, "strerror", None) or str(error)) from error
    return sock
