"""HTTP/1.1 messages whose borders and headers nobody between can have read otherwise.

What uvicorn's parser still lets through is refused here with 400, and the connection closed: the
next bytes on it could be taken for a request that a proxy saw as a part of this one.
"""

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_VERSIONS = frozenset({"1.0", "1.1"})
_CODING = b"transfer-encoding"
_BODY_HEADERS = frozenset({b"content-length", _CODING})


class UnframedError(Exception):
    """A message that can be read in two ways; the parser stops at it."""


class StrictHttp(HttpToolsProtocol):
    """HTTP/1.1 without trailers that count as headers, bodies behind upgrades, or two hosts."""

    _has_headers = False
    _fault: str | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what came. Behind an upgrade that is not made stand further requests, which uvicorn
        would pass over."""
        rest: bytes | None = data
        while rest is not None:
            rest = self._parsed(rest)

    def _parsed(self, data: bytes) -> bytes | None:
        """What stands behind the end of an upgrade, at which the parser stops; else None."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return None
            self._unsupported_upgrade_warning()
            at: int = upgrade.args[0]
            return data[at:] or None
        except HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
        return None

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._has_headers = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, without the space around its value (RFC 9112, section 5.1). A field behind
        the body is passed over: proxies that check headers do not check trailers, and none is to be
        merged unasked (RFC 9110, section 6.5.1)."""
        if self._has_headers:
            return
        name, value = name.lower(), value.strip(b" \t")
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Let the request begin.

        Raises:
            UnframedError: its headers are not in order.
        """
        self._has_headers = True
        self._fault = self._found()
        if self._fault is not None:
            raise UnframedError(self._fault)
        if self.parser.get_http_version() == "1.0":  # which knows no answer before the answer
            self.expect_100_continue = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Tell what was wrong, where that is known, and close."""
        super().send_400_response(self._fault or msg)

    def _found(self) -> str | None:
        """What is wrong with the headers: the version, the host (RFC 9112, section 3.2), a coding
        that nobody takes off the body here or that HTTP/1.0 does not have (section 6.1), or an
        upgrade, at whose headers the parser stops, so that a body would be the next request."""
        names = [name for name, _ in self.headers]
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            return "This version of HTTP is not served here. Use HTTP/1.1."
        hosts = names.count(b"host")
        if hosts > 1 or (not hosts and version == "1.1"):
            return "The request has no host header, or two. Send one."
        codings = [value.lower() for name, value in self.headers if name == _CODING]
        if codings and (codings != [b"chunked"] or version != "1.1"):
            return (
                "The transfer-encoding is not chunked alone, or is that of HTTP/1.0. Send a length."
            )
        if self.parser.should_upgrade() and not self._may_upgrade(names, version):
            return (
                "A connection is upgraded by a GET without a body alone, not in HTTP/1.0, once all "
                "that was asked before is answered. Send no upgrade header."
            )
        return None

    def _may_upgrade(self, names: list[bytes], version: str) -> bool:
        return version == "1.1" and self._is_plain_get(names) and not self._is_busy()

    def _is_busy(self) -> bool:
        """Whether a request waits for its answer, for which all that is written would be taken."""
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request
        return cycle is not None and not cycle.response_complete

    def _is_plain_get(self, names: list[bytes]) -> bool:
        return self.parser.get_method() == b"GET" and _BODY_HEADERS.isdisjoint(names)
