"""A load of plain HTTP/1.1 requests over keep-alive connections, from a process of its own."""

import asyncio
import json
import sys
import time


async def _connection(
    host: str, port: int, request: bytes, until: float, took: list[float]
) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        if b'"errors"' in body:
            raise RuntimeError(body.decode())
        took.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    """Read a job from standard input, print what it measured."""
    job = json.load(sys.stdin)
    request = job["request"].encode()
    for seconds in (job["warmup"], job["seconds"]):
        took: list[float] = []
        until = time.perf_counter() + seconds
        await asyncio.gather(
            *(
                _connection(job["host"], job["port"], request, until, took)
                for _ in range(job["connections"])
            )
        )
    took.sort()
    rate = len(took) / job["seconds"]
    print(json.dumps({"rate": rate, "p50": took[len(took) // 2], "p99": took[-len(took) // 100]}))


if __name__ == "__main__":
    asyncio.run(main())
