"""Serving an ASGI application by uvicorn in this process, on a port that is told."""

import socket
import sys

import uvicorn
from starlette.types import ASGIApp


def serve(app: ASGIApp, **given: object) -> None:
    """Serve until killed; the port is printed first."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sys.stdout.write(f"{sock.getsockname()[1]}\n")
    sys.stdout.flush()
    options = {"access_log": False, "log_level": "warning", "lifespan": "off", **given}
    config = uvicorn.Config(app, **options)  # type: ignore[arg-type] # each option has its type
    uvicorn.Server(config).run(sockets=[sock])
