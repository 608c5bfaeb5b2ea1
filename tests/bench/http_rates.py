"""How often a server answers one HTTP request, sent again and again by a process of its own."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

CONNECTIONS = 32
SECONDS = 6.0
_LOAD = Path(__file__).with_name("http_load.py")


def request(method: str, path: str, body: str, headers: str) -> str:
    """An HTTP request with a JSON body; ``headers`` are whole lines."""
    return (
        f"{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"{headers}content-length: {len(body)}\r\n\r\n{body}"
    )


async def load(
    address: tuple[str, int], asked: str, seconds: float = SECONDS, warm_up: float = 1.0
) -> dict[str, Any]:
    """What a request costs that another process sends again and again for so many ``seconds``,
    after ``warm_up`` seconds more: ``rate`` in requests a second, percentiles in seconds."""
    host, port = address
    job = {
        "host": host,
        "port": port,
        "request": asked,
        "connections": CONNECTIONS,
        "warmup": warm_up,
        "seconds": seconds,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_LOAD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(job).encode())
    measured: dict[str, Any] = json.loads(out)
    return measured
