"""TLS that breaks behind its handshake, as under TLS 1.3 where a server misses a certificate of the
client: a connection that failed, whoever called."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.actions import HostGuard, Secrets
from gateway.model.action import Unknown
from gateway.model.contract import HttpHandler
from gateway.model.system import SystemClock
from gateway.webhooks import Endpoint
from gateway.webhooks.post import Poster
from gateway.webhooks.schedule import Attempt
from tests.unit.actions.raw_server import make_call, make_contract, opened
from tests.unit.actions.test_action_hosts import certificate
from tests.webhook_receiver import SECRET

NAME = "shop.internal"


async def at_home(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


async def refuse(
    tls: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Shake hands as far as it goes, tell the client what it lacks, and let the client end it."""
    given, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls.wrap_bio(given, said, server_side=True)
    while True:
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(said.read())
            given.write(await reader.read(65_536))
        except ssl.SSLError:
            writer.write(said.read())
            break
    with contextlib.suppress(OSError):
        while await reader.read(65_536):
            continue


@contextlib.asynccontextmanager
async def demanding(folder: Path) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """A server that wants a certificate of its clients: its address, and what trusts it."""
    tls = certificate(folder, NAME)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.minimum_version = ssl.TLSVersion.TLSv1_3

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(refuse(tls, reader, writer))
        serving.append(task)
        task.add_done_callback(lambda _: writer.transport.abort())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield (
            f"https://{NAME}:{port}/",
            ssl.create_default_context(cafile=folder / "server.pem"),
        )
    finally:
        server.close()
        await asyncio.gather(*serving)
        await asyncio.sleep(0)  # lets aborted transports close


def test_an_attempt_that_such_a_server_refuses_is_of_unknown_outcome(tmp_path: Path) -> None:
    async def scenario() -> object:
        async with (
            demanding(tmp_path) as (url, trusting),
            opened(hosts=["*.internal"], tls=trusting, resolve=at_home) as actions,
        ):
            handler = HttpHandler("POST", url)
            return await actions.perform(make_call(make_contract(handler)), handler)

    told = "The connection failed after the request was sent (ReadError)."
    assert asyncio.run(scenario()) == Unknown(told)


@pytest.mark.parametrize("body", [b"{}", b"{}" * 1_000_000])
def test_a_message_that_such_a_server_refuses_counts_as_an_attempt(
    tmp_path: Path, body: bytes
) -> None:
    async def scenario() -> Attempt:
        guard, secrets = HostGuard(["*.internal"]), Secrets({"S": SECRET})
        async with demanding(tmp_path) as (url, trusting):
            poster = Poster(guard, secrets, SystemClock(), tls=trusting, resolve=at_home)
            endpoint = Endpoint("hook", "acme", url, ("${secret:S}",), ("*",))
            try:
                return await poster.post(endpoint, "msg_1", body)
            finally:
                await poster.close()

    told = asyncio.run(scenario())
    assert told == Attempt(None, "The connection failed (ReadError).")
