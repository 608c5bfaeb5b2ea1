"""Start the support service: ``python -m examples.support_service --port 0 --db support.db``."""

import argparse
import socket
from pathlib import Path

import uvicorn

from examples.support_service.app import build_app
from examples.support_service.store import Store


def main() -> None:
    """Serve until told to stop; prints one line once connections are taken."""
    parser = argparse.ArgumentParser(description="A small support desk for the gateway's demo.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8900, help="0 takes a free one")
    parser.add_argument("--db", type=Path, required=True, help="the SQLite file of the service")
    parser.add_argument(
        "--slow", type=float, default=0.0, help="how long a request takes at most, in milliseconds"
    )
    arguments = parser.parse_args()
    with socket.create_server((arguments.host, arguments.port), backlog=128) as listener:
        app = build_app(Store(arguments.db), arguments.slow / 1000)
        port = listener.getsockname()[1]
        print(f"support service listening on http://{arguments.host}:{port}", flush=True)
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
