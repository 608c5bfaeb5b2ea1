"""A collector of spans on this machine: it takes OTLP over HTTP and decodes it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.world import wait_until


@dataclass(frozen=True)
class Seen:
    """One span that came in; ids in hex, ``parent`` empty for the first of a trace."""

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    attributes: dict[str, str | int]
    is_error: bool

    @classmethod
    def of(cls, span: trace_pb2.Span) -> "Seen":
        told = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
        kind = trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
        ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
        is_error = span.status.code == trace_pb2.Status.STATUS_CODE_ERROR
        return cls(*ids, span.name, kind, told, is_error)


@dataclass
class SpanReceiver:
    """Takes spans on a port of its own; ``bodies`` are the requests as they came."""

    bodies: list[bytes] = field(default_factory=list)
    spans: list[Seen] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self.path, body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.resources.append(told)
            for scope in resource.scope_spans:
                self.spans += [Seen.of(span) for span in scope.spans]

    def of(self, trace: str) -> list[Seen]:
        """The spans of a trace."""
        return [span for span in self.spans if span.trace == trace]

    def wait(self, trace: str, reached: Callable[[list[Seen]], bool]) -> list[Seen]:
        """The spans of a trace, once they are enough."""
        wait_until(lambda: reached(self.of(trace)), 20, lambda: f"{self.of(trace)}")
        return self.of(trace)
