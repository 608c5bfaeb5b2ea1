"""Requests that come before earlier ones are answered: none is lost."""

import pytest

from tests.unit.graphql.test_quick_connections import Answering, connected, turns

pytestmark = pytest.mark.anyio

GET = b"GET /%d HTTP/1.1\r\nhost:a\r\n\r\n"
UPGRADE = b"GET /%d HTTP/1.1\r\nhost:a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("count", [1, 300])
async def test_what_comes_behind_an_upgrade_that_is_not_made_is_no_less_a_request(
    count: int,
) -> None:
    app = Answering()
    one, _ = connected(app)
    one.data_received(UPGRADE % 0 + b"".join(GET % number for number in range(1, count)))
    for _ in range(count):
        await turns()
    assert [scope["path"] for scope in app.scopes] == [f"/{number}" for number in range(count)]
    one.connection_lost(None)
