"""From names to addresses: each name is asked for once at a time, in a thread of its own.

The threads in which an event loop asks the system's resolver are few (uvloop has two of them), so
that a few names whose servers do not answer would hold up whoever needs another.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From host and port to the addresses of the host, the preferred one first."""


async def resolve_host(host: str, port: int) -> list[str]:
    """Ask the system's resolver.

    Raises:
        OSError: the name has no address.
        UnicodeError: it has a label that DNS cannot hold.
    """
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def ask() -> None:
        found, failure = [], None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:
            failure = error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(_settle, answer, addresses, failure)

    try:
        threading.Thread(target=ask, name="resolver", daemon=True).start()
    except RuntimeError as error:  # the process may have no more threads
        raise OSError(f"nobody can be asked for {host}") from error
    return await answer


def _settle(
    answer: "asyncio.Future[list[str]]", addresses: list[str], failure: Exception | None
) -> None:
    if answer.done():  # nobody waits any more
        return
    if failure is not None:
        answer.set_exception(failure)
    else:
        answer.set_result(addresses)


class Lookups:
    """Asks ``resolve`` for each name once at a time: whoever asks meanwhile gets the same answer.

    One that takes long goes on although nobody waits for it any more, so that no name ever has
    more than one.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host.

        Raises:
            OSError, UnicodeError: it has none.
        """
        name = host, port
        lookup = self._under_way.get(name)
        if lookup is None:
            lookup = self._under_way[name] = asyncio.ensure_future(self._resolve(host, port))
            lookup.add_done_callback(lambda ended: self._forget(name, ended))
        await asyncio.wait({lookup})
        if lookup.cancelled():
            raise OSError("nobody looks names up any more")
        return lookup.result()

    def close(self) -> None:
        """Wait for no answer any more."""
        for lookup in tuple(self._under_way.values()):
            lookup.cancel()

    def _forget(self, name: tuple[str, int], ended: "asyncio.Future[list[str]]") -> None:
        del self._under_way[name]
        if not ended.cancelled():
            ended.exception()  # which nobody may have waited for
