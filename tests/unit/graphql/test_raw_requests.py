"""What HTTP clients cannot be made to send, written to a real server by hand."""

import contextlib
import json
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from gateway.surfaces.graphql import Limits
from tests.unit.graphql.support import FakeDoor, application, serving

BODY = b'{"query":"{ shopPing { done } }"}'
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"content-length: %d\r\n" % len(BODY)
TE = b"transfer-encoding: chunked\r\n"
JSON = b"content-type: application/json\r\n"
UPGRADE = b"connection: upgrade\r\nupgrade: %b\r\n"
KEY = b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
GET = b"GET /graphql?query=%b HTTP/1.1\r\nhost: a\r\ngraphql-require-preflight: 1\r\n\r\n"
PING = {"data": {"shopPing": {"done": True}}}


def post(
    *more: bytes,
    body: bytes = BODY,
    line: bytes = b"POST /graphql HTTP/1.1",
    length: bytes = LENGTH,
    host: bytes = b"host: a\r\n",
) -> bytes:
    """A POST as clients send it, but for what is given."""
    return b"".join([line, b"\r\n", host, JSON, length, *more, b"\r\n", body])


@dataclass
class Site:
    """A server and the door behind it."""

    url: str
    door: FakeDoor

    def send(self, *parts: bytes, ends: bool = False) -> bytes:
        """Write ``parts`` and read until the server closes."""
        return b"".join(self._received(*parts, ends=ends))

    def ask(self, *parts: bytes) -> tuple[int, bytes]:
        """The status and the body of the first answer."""
        received = b""
        for block in self._received(*parts):
            received += block
            head, _, body = received.partition(b"\r\n\r\n")
            size = re.search(rb"\r\ncontent-length: (\d+)", head)
            if size and len(body) >= int(size[1]):
                return int(head.split()[1]), body
        raise AssertionError(f"no whole answer: {received!r}")

    def _received(self, *parts: bytes, ends: bool = False) -> Iterator[bytes]:
        parts_ = urlsplit(self.url)
        address = (str(parts_.hostname), int(parts_.port or 0))
        with (
            socket.create_connection(address, timeout=10) as sock,
            contextlib.suppress(ConnectionError),
        ):
            for part in parts:
                sock.sendall(part)
            if ends:
                sock.shutdown(socket.SHUT_WR)
            while block := sock.recv(65536):
                yield block


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    door = FakeDoor()
    with serving(application(door, limits=Limits(body_seconds=1))) as url:
        yield Site(url, door)


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """The server of this file, which must be well afterwards."""
    running.door.calls.clear()
    yield running
    status, body = running.ask(post(b"connection: close\r\n"))
    assert (status, json.loads(body)) == (200, PING)


UNFRAMED = {
    "lengths that agree": post(LENGTH),
    "lengths that differ": post(b"content-length: 5\r\n"),
    "a list of lengths": post(length=b"content-length: 33, 33\r\n"),
    "a signed length": post(length=b"content-length: +33\r\n"),
    "a negative length": post(length=b"content-length: -1\r\n"),
    "a length in hex": post(length=b"content-length: 0x21\r\n"),
    "an endless length": post(length=b"content-length: " + b"9" * 40 + b"\r\n"),
    "a length and chunks": post(TE, body=CHUNKED),
    "chunks twice": post(TE, TE, length=b"", body=CHUNKED),
    "another coding": post(b"transfer-encoding: xchunked\r\n", length=b"", body=CHUNKED),
    "a coding before chunks": post(
        b"transfer-encoding: gzip, chunked\r\n", length=b"", body=CHUNKED
    ),
    "an empty coding": post(b"transfer-encoding: ,chunked\r\n", length=b"", body=CHUNKED),
    "chunks in HTTP/1.0": post(
        TE, length=b"", body=CHUNKED, line=b"POST /graphql HTTP/1.0", host=b""
    ),
    "a chunk of no size": post(TE, length=b"", body=b"zz\r\nhello\r\n0\r\n\r\n"),
    "a negative chunk": post(TE, length=b"", body=b"-1\r\nhello\r\n0\r\n\r\n"),
    "an endless chunk": post(TE, length=b"", body=b"f" * 20 + b"\r\nhello\r\n0\r\n\r\n"),
    "lines that end with LF": post().replace(b"\r\n", b"\n"),
    "a space before a colon": post(b"accept : text/csv\r\n"),
    "a folded header": post(b"x-a: b\r\n accept: text/csv\r\n"),
    "a NUL in a header": post(b"x-a: a\x00b\r\n"),
    "a CR in a header": post(b"x-a: a\rb\r\n"),
    "a name that is none": post(b"x(a: b\r\n"),
    "a header without colon": post(b"nothing\r\n"),
    "a header without name": post(b": b\r\n"),
    "no host": post(host=b""),
    "two hosts": post(host=b"host: a\r\nhost: b\r\n"),
    "HTTP/2 on a line": post(line=b"POST /graphql HTTP/2.0"),
    "HTTP/0.9": b"GET /graphql\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 50,
    "rubbish": b"\x00\x01\x02\r\n\r\n",
    "a method in small letters": post(line=b"post /graphql HTTP/1.1"),
    "bytes in the path": post(line=b"POST /graphql\xff HTTP/1.1"),
    "bytes in the query": GET % b"\xff\xfe",
    "spaces in the query": GET % b"{ __typename }",
    "an upgrade with a body": post(UPGRADE % b"h2c"),
    "a WebSocket with a body": post(UPGRADE % b"websocket"),
    "a WebSocket by POST": post(UPGRADE % b"websocket", length=b"", body=b""),
    "a WebSocket in HTTP/1.0": b"GET /graphql HTTP/1.0\r\nhost: a\r\n%b%b\r\n"
    % (UPGRADE % b"websocket", KEY),
    "a WebSocket without key": b"GET /graphql HTTP/1.1\r\nhost: a\r\n%b\r\n"
    % (UPGRADE % b"websocket"),
}


@pytest.mark.parametrize("request_", UNFRAMED.values(), ids=UNFRAMED)
def test_a_message_that_can_be_read_in_two_ways_is_refused_and_the_connection_closed(
    site: Site, request_: bytes
) -> None:
    behind = post(b"connection: close\r\n")
    answer = site.send(request_, behind)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1 ") == 1, "what comes behind is no request"
    assert site.door.calls == []


def test_what_is_wrong_with_the_headers_is_said(site: Site) -> None:
    for request, told in (
        (UNFRAMED["no host"], b"host header"),
        (UNFRAMED["HTTP/2 on a line"], b"Use HTTP/1.1"),
        (UNFRAMED["an upgrade with a body"], b"upgrade header"),
        (UNFRAMED["a coding before chunks"], b"transfer-encoding"),
        (UNFRAMED["chunks in HTTP/1.0"], b"transfer-encoding"),
    ):
        assert told in site.ask(request)[1]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_trailers_are_no_headers_however_the_bytes_are_cut(site: Site, size: int) -> None:
    trailer = b"authorization: Bearer admin\r\n"
    whole = post(TE, length=b"", body=CHUNKED.removesuffix(b"\r\n") + trailer + b"\r\n")
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    status, body = site.ask(*parts)
    assert (status, json.loads(body)) == (200, PING)
    assert [call["principal"].subject for call in site.door.calls] == ["anonymous"]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (post(b"content-type: text/plain\r\n"), 400, "BAD_REQUEST"),
        (post(b"authorization: a\r\nAUTHORIZATION: a\r\n"), 400, "BAD_REQUEST"),
        (post(b"accept: \xff\xfe\r\n"), 406, "NOT_ACCEPTABLE"),
        (post(b"content-encoding: \xff\r\n"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (post(b"authorization: Bearer \xff\r\n"), 401, "UNAUTHENTICATED"),
        (post(length=b"content-length: 50\r\n"), 408, "TIMEOUT"),
        (post(length=b"", body=b""), 400, "BAD_REQUEST"),
        (post(TE, length=b"", body=b"1\r\n{\r\n"), 408, "TIMEOUT"),
        (GET % b"%00", 400, "GRAPHQL_PARSE_FAILED"),
        (GET % b"%zz", 400, "GRAPHQL_PARSE_FAILED"),
        (GET % b"%ED%A0%80", 400, "BAD_REQUEST"),
        (GET % b"%7B__typename%7D&variables=%7B%22a%22:%22%5Cud800%22%7D", 400, "BAD_REQUEST"),
        (post(line=b"DELETE /graphql HTTP/1.1"), 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_what_the_endpoint_refuses_has_the_form_of_graphql(
    site: Site, request_: bytes, status: int, code: str
) -> None:
    found, body = site.ask(request_)
    (error,) = json.loads(body)["errors"]
    assert (found, error["extensions"]["code"]) == (status, code)
    assert site.door.calls == []


@pytest.mark.parametrize(
    "request_",
    [
        post(line=b"POST /graphql HTTP/1.0", host=b""),
        post(b"expect: 100-continue\r\n", line=b"POST /graphql HTTP/1.0", host=b""),
        post(line=b"POST http://elsewhere/graphql HTTP/1.1"),
        post(b"accept: text/csv\r\naccept: application/json\r\n"),
        post(b"x-a: \xff\xfe\r\n"),
        post(TE, length=b"", body=CHUNKED.replace(b"\r\n", b";a=b\r\n", 1)),
        GET % b"{shopPing{done}}",
        post(length=b"content-length:\t%d \t\r\n" % len(BODY)),
        post(b"transfer-encoding: Chunked \r\n", length=b"", body=CHUNKED),
        post(b"accept:\t application/json \r\n"),
    ],
)
def test_what_is_unusual_and_clear_is_answered(site: Site, request_: bytes) -> None:
    status, body = site.ask(request_)
    assert (status, json.loads(body)) == (200, PING)


def test_space_around_a_value_is_no_part_of_it(site: Site) -> None:
    status, _ = site.ask(post(b"authorization: \t Bearer admin\t \r\n"))
    assert (status, [call["principal"].subject for call in site.door.calls]) == (200, ["ada"])
    asked = post(b"expect: 100-continue \r\n", b"connection: close\r\n")
    assert site.send(asked).startswith(b"HTTP/1.1 100 ")


def test_a_head_has_no_body_and_does_not_disturb_what_follows(site: Site) -> None:
    head = b"HEAD /graphql HTTP/1.1\r\nhost: a\r\n\r\n"
    answers = site.send(head, post(b"connection: close\r\n"))
    first, second = answers.split(b"\r\n\r\nHTTP/1.1 ")
    assert first.startswith(b"HTTP/1.1 405 ")
    assert second.startswith(b"200 ")


def test_requests_in_a_row_are_answered_in_their_order(site: Site) -> None:
    wrong = post(body=b'{"query":"{"}     ', length=b"content-length: 18\r\n")
    answers = site.send(post() + wrong + post(b"connection: close\r\n"))
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400", b"200"]


def test_a_body_that_ends_too_early_is_nobodys_failure(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "gateway"):
        assert site.send(post(length=b"content-length: 50\r\n"), ends=True) == b""
    assert site.door.calls == []
    assert caplog.records == []
