"""Waiting for descriptors of any number."""

import math
import select

_READABLE = select.POLLIN | select.POLLERR | select.POLLHUP  # who reads then learns what is wrong


def await_any(
    seconds: float, *reading: int, writing: int | None = None
) -> tuple[frozenset[int], bool]:
    """Wait until there is something to be read, or ``writing`` takes more, but no longer than so
    many seconds; returns those that may be read, and whether ``writing`` may be written.

    ``select.select`` takes no descriptor above 1023, and a process that serves thousands of clients
    gets such ones whenever it connects anew.

    Raises:
        OSError: one of them is closed.
    """
    poll = select.poll()
    for descriptor in reading:
        also = select.POLLOUT if descriptor == writing else 0
        poll.register(descriptor, select.POLLIN | also)
    if writing is not None and writing not in reading:
        poll.register(writing, select.POLLOUT)
    found = dict(poll.poll(math.ceil(max(seconds, 0) * 1000)))
    if any(events & select.POLLNVAL for events in found.values()):
        raise OSError("a descriptor that is waited for is closed")
    readable = frozenset(one for one in reading if found.get(one, 0) & _READABLE)
    failing = select.POLLERR | select.POLLHUP | select.POLLOUT
    return readable, writing is not None and bool(found.get(writing, 0) & failing)
