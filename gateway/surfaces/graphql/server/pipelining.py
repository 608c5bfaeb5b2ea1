"""Requests that come before earlier ones of their connection are answered, read a few at a time.

uvicorn reads all that comes, and what it makes of a request of 26 bytes takes some thousand. So
whoever sends such requests without waiting could fill the memory, and take everybody's time.
"""

from asyncio import Transport

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

from gateway.surfaces.graphql.server.framing import StrictHttp

_SLICE = 2048
"""So many bytes are parsed at once. The requests in them may wait, and nothing behind them is read
until they are answered."""


class _Flow(FlowControl):
    """Reading that does not go on while enough is kept: each application that asks for a body, or
    whether its peer is still there, has it go on, and would have as much again kept."""

    is_full = False

    def resume_reading(self) -> None:
        """Read again, unless enough is kept."""
        if not self.is_full:
            super().resume_reading()


class OrderlyHttp(StrictHttp):
    """HTTP/1.1 that parses no further while a request waits behind the one that is worked on."""

    flow: _Flow
    _unread = b""
    """What came behind the requests that wait."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        super().connection_made(transport)
        self.flow = _Flow(transport)

    def data_received(self, data: bytes) -> None:
        """Take what came; it is parsed now or later."""
        if self._unread:
            self._keep(self._unread + data)  # an application that asks for a body has reading go on
        else:
            self._parse(data)

    def on_response_complete(self) -> None:
        """The answer is written: the next request begins, and behind the last more is parsed."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()
        elif self._unread:
            unread, self._unread = self._unread, b""
            self.flow.is_full = False
            self.flow.resume_reading()
            self._parse(unread)

    def parse_part(self, data: bytes) -> None:
        """Parse a few bytes."""
        super().data_received(data)

    def has_ended(self) -> bool:
        """Whether nothing more is read from this connection."""
        return self.transport.is_closing()

    def _parse(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE):
            if self.has_ended():
                return
            if self.pipeline:
                self._keep(data[start:])
                return
            self.parse_part(data[start : start + _SLICE])

    def _keep(self, data: bytes) -> None:
        self._unread = data
        self.flow.is_full = len(data) > HIGH_WATER_LIMIT
        self.flow.pause_reading()
