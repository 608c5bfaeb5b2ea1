"""A network that can be cut: a small TCP proxy on the loopback, in threads of the test."""

import contextlib
import socket
import threading
import time

_CHUNK = 65_536
_TICK = 0.05  # seconds between two looks whether the network is still there


class Proxy:
    """Passes bytes on to ``target``, while the network is whole.

    ``cut`` ends what is connected and refuses what comes; ``stall`` swallows nothing and passes
    nothing on, as a network does that lost its route: nobody is told that the other side is gone.
    ``lose`` does so for ever to what is connected, while new connections are as good as any.
    ``garble`` passes something else on instead of what it is given, once.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lost: set[tuple[socket.socket, socket.socket]] = set()
        self._garbled: tuple[bytes, bytes] | None = None
        self._whole = threading.Event()
        self._whole.set()
        self._is_cut = self._is_closed = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """End all connections, with a reset, and let nobody connect until ``heal``."""
        self._is_cut = True
        self._end_all()

    def stall(self) -> None:
        """Let nothing through in either direction until ``heal``; connections stay open."""
        self._whole.clear()

    def lose(self) -> None:
        """Pass nothing on any more of the connections that there are; they stay open."""
        with self._lock:
            self._lost |= self._pairs

    def garble(self, what: bytes, other: bytes) -> None:
        """Pass ``other`` on where ``what`` is seen next."""
        self._garbled = (what, other)

    def heal(self) -> None:
        """Let everything through again; what was swallowed by nobody arrives now."""
        self._is_cut = False
        self._whole.set()

    def close(self) -> None:
        """End everything, the listener too."""
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._whole.set()
        self._end_all()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_cut:
                self._connect(near)
            else:
                _reset(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target, timeout=5)
        except OSError:
            _reset(near)
            return
        pair = (near, far)
        for end in pair:
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._pairs.add(pair)
        for source, sink in (pair, pair[::-1]):
            passing = threading.Thread(target=self._pass, args=(pair, source, sink), daemon=True)
            passing.start()

    def _pass(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                while pair in self._lost or not self._whole.is_set():
                    if pair not in self._pairs:
                        return
                    time.sleep(_TICK) if pair in self._lost else self._whole.wait(_TICK)
                sink.sendall(self._as_passed(data))
        self._end(pair)

    def _as_passed(self, data: bytes) -> bytes:
        garbled = self._garbled
        if garbled is None or garbled[0] not in data:
            return data
        self._garbled = None
        return data.replace(*garbled, 1)

    def _end_all(self) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            if pair not in self._pairs:
                return
            self._pairs.discard(pair)
        for end in pair:
            _reset(end)


def _reset(end: socket.socket) -> None:
    """Close a connection so that the other side gets a reset, not an orderly end."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        end.shutdown(socket.SHUT_RDWR)
    end.close()
