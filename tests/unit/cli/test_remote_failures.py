"""Commands that call a gateway, where there is none, or something else answers."""

import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.cli import execution_start, main
from gateway.cli.remote import client
from gateway.cli.remote.target import Target, address, claims
from gateway.model.problem import ProblemError

LIST = ("execution", "list")
A_TOKEN = "a.b.c"
EXECUTION = (
    *("executionId", "intentId", "planId", "runId", "status", "riskTier"),
    *("requiresApproval", "createdAt", "updatedAt", "allowedActions"),
)
EVIL = "\x1b]0;owned\x07"


class Answerer(BaseHTTPRequestHandler):
    """Answers everything with what its server was told to."""

    def do_GET(self) -> None:
        self._answer(self.server.told["file"])  # type: ignore[attr-defined] # set below

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_POST(self) -> None:
        told: dict[str, Any] = self.server.told  # type: ignore[attr-defined] # set below
        self.server.asked.append({name.lower(): text for name, text in self.headers.items()})  # type: ignore[attr-defined] # the same
        asked = self.rfile.read(int(self.headers["content-length"]))
        self._answer(told["commands"] if b"mutation" in asked and "commands" in told else told)

    def _answer(self, told: dict[str, Any]) -> None:
        self.send_response(told.get("status", 200))
        for name, value in told.get("headers", {}).items():
            self.send_header(name, value)
        body = told.get("body", b"")
        self.send_header("content-length", str(told.get("length", len(body))))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Peer:
    """What listens where a gateway should; ``told`` is what it answers."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answerer)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if context else "http"
        self.told: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []
        self._server.told, self._server.asked = self.told, self.asked  # type: ignore[attr-defined] # for the handler
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def answer(self, body: bytes, **told: Any) -> None:
        self.told.clear()
        self.told.update(told, body=body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def peer_of(context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    made = Peer(context)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with peer_of() as made:
        yield made


def run(url: str, *arguments: str, token: str | None = A_TOKEN, **more: str | None) -> Result:
    """Run a command on the gateway at ``url``."""
    env = {"GATEWAY_URL": url, "GATEWAY_TOKEN": token, "GATEWAY_TOKEN_FILE": None, **more}
    return CliRunner(env=env).invoke(main, arguments or LIST, catch_exceptions=False)


def failed(done: Result, code: str) -> str:
    """What a command said that ended with one clean message."""
    assert (done.exit_code, done.stdout) == (1, "")
    *_, last = done.stderr.splitlines()
    assert done.stderr.count(f"gateway: {code}: ") == 1
    assert last == f"See docs/errors/{code}.md."
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_gateway_that_is_away_is_told_with_the_remedy() -> None:
    with peer_of() as gone:
        url = gone.url
    said = failed(run(url), "SERVER_UNREACHABLE")
    assert f"Nothing answers at {url} (Connection refused)" in said
    assert "gateway serve" in said


def test_a_host_without_a_name_is_told() -> None:
    said = failed(run("http://gateway.invalid"), "SERVER_UNREACHABLE")
    assert "Nothing answers at http://gateway.invalid" in said
    assert "the token goes unencrypted to http://gateway.invalid" in said


@pytest.mark.parametrize(
    ("body", "told", "said"),
    [
        (b"<html>Welcome</html>", {}, "answered 200 without a GraphQL answer"),
        (b"", {"status": 301, "headers": {"location": "/x"}}, "answered 301 without"),
        (b"[]", {}, "without a GraphQL answer"),
        (b'{"ok": true}', {"status": 404}, "answered 404 without"),
        (b"[" * 100_000, {}, "without a GraphQL answer"),
        (b"\xff\xfe", {}, "without a GraphQL answer"),
        (b'{"data": null}', {}, "neither data nor errors"),
        (b'{"data": {"found": null}}', {}, "neither data nor errors"),
        (b'{"errors": "no"}', {}, "errors that are no list"),
        (b'{"errors": {"0": 1}, "data": {}}', {}, "errors that are no list"),
        (b'{"data": {}}', {}, "other data than it was asked for"),
        (b'{"data": {"found": {"items": [], "total": 0}, "x": 1}}', {}, "other data than it was"),
        (b'{"data": {"found": "text"}}', {}, "other data than it was asked for"),
        (b'{"data": {"found": []}}', {}, "other data than it was asked for"),
        (b'{"data": {"found": {"items": null, "total": 1}}}', {}, "other data than it was"),
        (b'{"data": {"found": {"items": [{}], "total": 1}}}', {}, "other data than it was"),
    ],
)
def test_an_answer_that_is_no_gateways_is_told(
    peer: Peer, body: bytes, told: dict[str, Any], said: str
) -> None:
    peer.answer(body, **told)
    assert said in failed(run(peer.url), "ANSWER_UNUSABLE")


def test_an_answer_without_end_is_not_read_to_its_end(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1000)
    peer.answer(b" " * 2000)
    assert "sent more than 1000 bytes" in failed(run(peer.url), "ANSWER_UNUSABLE")


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "x"])
def test_nothing_is_unpacked(peer: Peer, encoding: str) -> None:
    """A few bytes would become as many as there is memory for."""
    peer.asked.clear()
    peer.answer(gzip.compress(b" " * 2000), headers={"content-encoding": encoding})
    said = failed(run(peer.url), "ANSWER_UNUSABLE")
    assert "it packed its answer, which it was asked not to do" in said
    assert [asked["accept-encoding"] for asked in peer.asked] == ["identity"]


def test_lines_of_a_stream_are_bounded_and_end_where_they_do(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1000)
    body = "data: \u2028\r\n\n:".encode() + b" " * 2000
    peer.answer(body, headers={"content-type": "text/event-stream"})
    with (
        client.Client(Target(peer.url, A_TOKEN)) as calling,
        calling.stream("subscription { event }") as lines,
    ):
        assert [next(lines), next(lines)] == ["data: \u2028", ""]
        with pytest.raises(ProblemError) as told:
            next(lines)
    assert "sent a line of more than 1000 bytes" in told.value.problem.detail


def test_an_answer_that_is_cut_may_have_been_a_success(peer: Peer) -> None:
    peer.answer(b'{"data"', length=100)
    said = failed(run(peer.url), "SERVER_UNREACHABLE")
    assert "A command may have taken effect: look before you give it again." in said


@pytest.mark.parametrize("entry", [{}, None, {"extensions": 1}, {"message": 1}])
def test_errors_without_a_problem_are_told_all_the_same(peer: Peer, entry: object) -> None:
    peer.answer(json.dumps({"errors": [entry]}).encode())
    assert "It did not say why." in failed(run(peer.url), "INTERNAL_ERROR")


def test_what_a_gateway_says_steers_no_terminal(peer: Peer) -> None:
    problem = {"title": EVIL, "detail": EVIL, "issues": [{"path": EVIL, "message": EVIL}, 1]}
    extensions = {"code": "../../etc", "problem": problem}
    peer.answer(json.dumps({"errors": [{"message": EVIL, "extensions": extensions}]}).encode())
    assert failed(run(peer.url), "INTERNAL_ERROR").isprintable() is False  # it has line ends
    assert "\x1b" not in run(peer.url).stderr


def test_a_watch_of_what_sends_no_stream_is_told(peer: Peer) -> None:
    execution: dict[str, Any] = {**dict.fromkeys(EXECUTION), "executionId": "e"}
    execution["status"] = "RUNNING"
    peer.answer(json.dumps({"data": {"found": {"execution": execution}}}).encode())
    done = run(peer.url, "execution", "watch", "e", "--json")
    assert "sent no event stream" in failed(done, "ANSWER_UNUSABLE")


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_start_that_is_cut_names_the_execution_that_it_had_begun(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    intent = {"executionId": "exec_1", "intentId": "i", "status": "RECEIVED", "receivedAt": "now"}
    peer.answer(json.dumps({"data": {"done": intent}}).encode())  # which is no compiled plan
    if interrupted:
        monkeypatch.setattr(execution_start, "compiled", _interrupt)
    done = run(peer.url, *("execution", "start", "--text", "x", "--workspace", "acme", "--json"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Execution exec_1 was begun." in done.stderr
    assert "`gateway execution show exec_1`" in done.stderr
    assert ("Aborted!" if interrupted else "ANSWER_UNUSABLE") in done.stderr


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


LOGIN = {"body": b"<html>Log in</html>", "headers": {"content-type": "text/html"}}
"""What a proxy answers with status 200 in the place of a gateway."""


def test_a_page_of_a_proxy_is_no_evidence(peer: Peer, tmp_path: Path) -> None:
    bundle = {"runId": "r", "evidenceBundleCount": 1, "exportedAt": "now"}
    execution = {**dict.fromkeys(EXECUTION), "executionId": "e", "runId": "r", "status": "FAILED"}
    found = json.dumps({"data": {"found": {"execution": execution}}}).encode()
    exported = {"body": json.dumps({"data": {"done": bundle}}).encode()}
    peer.answer(found, commands=exported, file=LOGIN)
    file = tmp_path / "evidence.zip"
    done = run(peer.url, "evidence", "export", "e", "-o", str(file))
    assert "it sent no application/zip" in failed(done, "ANSWER_UNUSABLE")
    assert list(tmp_path.iterdir()) == []


def test_a_page_of_a_proxy_is_no_upload(peer: Peer) -> None:
    peer.answer(b"", file=LOGIN)
    with client.Client(Target(peer.url, A_TOKEN)) as calling, pytest.raises(ProblemError) as told:
        calling.upload("/skills/artifacts/x", b"archive")
    assert told.value.problem.code == "ANSWER_UNUSABLE"


def test_without_a_token_nothing_is_sent(peer: Peer) -> None:
    peer.asked.clear()
    for token in (None, "", "  "):
        assert "No token was given" in failed(run(peer.url, token=token), "UNAUTHENTICATED")
    for token in ("a b", "a\nb", "ä"):
        assert "is none: it holds spaces" in failed(run(peer.url, token=token), "UNAUTHENTICATED")
    assert peer.asked == []


def test_a_token_comes_from_a_file_or_standard_input(peer: Peer, tmp_path: Path) -> None:
    peer.answer(b'{"data": {"found": {"items": [], "total": 0}}}')
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    peer.asked.clear()
    assert run(peer.url, *LIST, "--token-file", str(file)).exit_code == 0
    assert run(peer.url, GATEWAY_TOKEN_FILE=str(file)).exit_code == 0
    env = {"GATEWAY_URL": peer.url}
    piped = CliRunner(env=env).invoke(main, [*LIST, "--token-file", "-"], input="from-a-pipe\n")
    assert piped.exit_code == 0
    sent = [headers["authorization"] for headers in peer.asked]
    assert sent == ["Bearer from-a-file", "Bearer from-a-file", "Bearer from-a-pipe"]
    assert run(peer.url, *LIST, "--token-file", str(tmp_path / "none")).exit_code == 2


@pytest.mark.parametrize(
    "url",
    ["gateway", "ftp://host", "http://", "http://u:secret@host", "http://h:x", "http://h?a=b"],
)
def test_what_is_no_address_is_a_wrong_call_and_not_repeated(url: str) -> None:
    done = run(url)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "this is no address of a gateway" in done.stderr
    assert "secret" not in done.stderr


def test_an_address_may_name_a_path_and_the_endpoint() -> None:
    assert address("https://host/gate/graphql/") == "https://host/gate"
    assert Target("https://host/gate", "t").endpoint == "https://host/gate/graphql"
    assert "secret" not in repr(Target("https://host", "secret"))


def test_what_a_token_says_is_read_without_trusting_its_form() -> None:
    assert claims("e30.eyJzdWIiOiJvbGdhIn0.x") == {"sub": "olga"}
    for token in ("", "a.b", "a.%.c", "a.W10.c", "a.////.c", "opaque"):
        assert claims(token) == {}
    assert Target("https://host", "a.eyJzdWIiOjF9.c").claim("sub") is None


def test_a_certificate_that_is_not_trusted_is_told_and_one_that_is_named_is_taken(
    tmp_path: Path,
) -> None:
    certificate = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with peer_of(context) as safe:
        safe.answer(b'{"data": {"found": {"items": [], "total": 0}}}')
        said = failed(run(safe.url), "SERVER_UNREACHABLE")
        assert f"No safe connection to {safe.url}: self-signed certificate" in said
        assert "SSL_CERT_FILE" in said
        assert run(safe.url, SSL_CERT_FILE=str(certificate)).exit_code == 0


def _self_signed(folder: Path) -> Path:
    """A key and a certificate of 127.0.0.1 that nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_told(
    peer: Peer, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    done = run(peer.url, SSL_CERT_FILE=str(file))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"SSL_CERT_FILE names {file}, which cannot be read" in done.stderr
    assert "See docs/errors/SETTINGS_INVALID.md." in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "ftp://bob:secret@127.0.0.1"),
        ("ALL_PROXY", "socks5://bob:secret@127.0.0.1:1"),
        ("NO_PROXY", "[::secret"),
    ],
)
def test_a_proxy_that_cannot_be_asked_is_told_without_its_password(
    peer: Peer, name: str, value: str
) -> None:
    done = run(peer.url, **{name: value})
    assert (done.exit_code, done.stdout) == (2, "")
    assert "gateway: SETTINGS_INVALID: " in done.stderr
    assert name in done.stderr
    assert "secret" not in done.stderr
