"""What peers may do to a WebSocket below its messages: with upgrades, pings and bad frames."""

import asyncio

import pytest

from tests.unit.graphql.live import Live, eventually, run
from tests.unit.graphql.test_connections import UPGRADE


@pytest.mark.parametrize(
    ("upgrade", "status"),
    [
        (UPGRADE.replace(b"\r\n\r\n", b"\r\nX-Note: " + b"a" * 9000 + b"\r\n\r\n"), b"431"),
        (UPGRADE.replace(b"/graphql", b"/graphql?" + b"a" * 9000), b"414"),
    ],
)
def test_an_upgrade_with_a_line_that_is_too_long_is_refused_and_its_connection_closed(
    upgrade: bytes, status: bytes
) -> None:
    async def story(live: Live) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(upgrade)
        async with asyncio.timeout(25):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 " + status)
        writer.close()
        await eventually(lambda: not live.state.connections)

    run(story)
