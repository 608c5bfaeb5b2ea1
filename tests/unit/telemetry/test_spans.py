"""Spans: none where traces are off, safe attributes, and the header of W3C Trace Context."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.environment import load_settings
from gateway.model.problem import ProblemError, refuse
from gateway.observing import observing
from gateway.telemetry import otlp, spans
from gateway.telemetry.otlp import OtlpRecorder
from gateway.telemetry.spans import NO_SPAN
from gateway.telemetry.trace_context import TraceContext, parse_traceparent
from tests.span_receiver import Seen, SpanReceiver

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def receiver() -> Iterator[SpanReceiver]:
    receiver = SpanReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told last is waited for, however slow the machine is."""
    monkeypatch.setattr(otlp, "PARTING", 60.0)
    monkeypatch.setattr(otlp, "TIMEOUT", 60.0)


@pytest.fixture
def recorder(patient: None, receiver: SpanReceiver) -> Iterator[OtlpRecorder]:
    recorder = OtlpRecorder(receiver.url, 1.0, "0.1.0", "here")
    spans.install(recorder)
    yield recorder
    spans.install(None)
    recorder.close()


def sent(recorder: OtlpRecorder, receiver: SpanReceiver) -> dict[str, Seen]:
    """What came to the collector, by name."""
    recorder.close()
    return {span.name: span for span in receiver.spans}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"00-{TRACE}-{PARENT}-01", TraceContext(TRACE, PARENT, True)),
        (f"00-{TRACE}-{PARENT}-00", TraceContext(TRACE, PARENT, False)),
        (f"cc-{TRACE}-{PARENT}-03-more", TraceContext(TRACE, PARENT, True)),
        (f"00-{TRACE}-{PARENT}-01-more", None),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        (f" 00-{TRACE}-{PARENT}-01", None),
        ("", None),
        ("kanari", None),
    ],
)
def test_a_header_is_read_strictly(text: str, expected: TraceContext | None) -> None:
    assert parse_traceparent(text) == expected


@pytest.mark.parametrize("is_sampled", [True, False])
def test_a_header_is_written_as_it_is_read(is_sampled: bool) -> None:
    told = TraceContext(TRACE, PARENT, is_sampled)
    assert parse_traceparent(str(told)) == told


def test_where_traces_are_off_there_is_no_span() -> None:
    assert spans.child("call") is spans.begin("request", "server") is NO_SPAN
    with spans.child("call") as span:
        span.note(contract="a.b@1.0.0")
        assert span.traceparent is None
    assert spans.current_traceparent() is None


def test_outside_of_any_span_there_is_no_part_of_one(recorder: OtlpRecorder) -> None:
    assert spans.child("call") is NO_SPAN
    with spans.begin("request", "server"):
        assert spans.child("call") is not NO_SPAN
    assert spans.child("call") is NO_SPAN


def test_parts_belong_to_the_span_around_them(
    recorder: OtlpRecorder, receiver: SpanReceiver
) -> None:
    with spans.begin("request", "server", TraceContext(TRACE, PARENT)) as request:
        with spans.child("call") as call:
            assert spans.current_traceparent() == call.traceparent
        assert spans.current_traceparent() == request.traceparent
    found = sent(recorder, receiver)
    assert found["request"].parent == PARENT
    assert found["call"].parent == found["request"].id
    assert {span.trace for span in found.values()} == {TRACE}
    assert receiver.resources[0]["service.instance.id"] == "here"


def test_a_span_may_begin_a_trace_that_is_named(
    recorder: OtlpRecorder, receiver: SpanReceiver
) -> None:
    with spans.begin("run", "internal", None, TRACE):
        pass
    with spans.begin("request", "server"):
        pass
    found = sent(recorder, receiver)
    assert (found["run"].trace, found["run"].parent) == (TRACE, "")
    assert found["request"].trace != TRACE


def test_a_trace_that_is_not_recorded_goes_on_all_the_same(
    recorder: OtlpRecorder, receiver: SpanReceiver
) -> None:
    with spans.begin("request", "server", TraceContext(TRACE, PARENT, is_sampled=False)):
        told = parse_traceparent(spans.current_traceparent() or "")
        assert told is not None
        assert (told.trace_id, told.is_sampled) == (TRACE, False)
    assert sent(recorder, receiver) == {}


def test_a_share_of_traces_is_recorded(patient: None, receiver: SpanReceiver) -> None:
    recorder = OtlpRecorder(receiver.url, 0.0, "0.1.0", "here")
    with recorder.begin("request", "server", None, None):
        pass
    with recorder.begin("asked for", "server", TraceContext(TRACE, PARENT), None):
        pass
    assert sent(recorder, receiver).keys() == {"asked for"}


def test_a_collector_that_does_not_answer_holds_up_no_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        recorder = OtlpRecorder(url, 1.0, "0.1.0", "here")
        for _ in range(600):  # more than one batch
            with recorder.begin("request", "server", None, None):
                pass
        recorder.close()
        (sending,) = (one for one in threading.enumerate() if one.name == "last-spans")
    sending.join(30)  # it draws random numbers, which other tests must not notice
    assert not sending.is_alive()


class _Odd(BaseHTTPRequestHandler):
    """A receiver that answers as ``odd`` of its server says; ``came`` holds the connections."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append(self.client_address)  # type: ignore[attr-defined] # set below
        self.server.odd(self)  # type: ignore[attr-defined] # the same

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _without_end(answer: BaseHTTPRequestHandler) -> None:
    answer.send_response(200)
    answer.end_headers()
    with suppress(OSError):  # whoever asked has gone
        for _ in range(1000):
            answer.wfile.write(bytes(1 << 20))
        answer.server.read_all = True  # type: ignore[attr-defined] # nobody should


def _elsewhere(answer: BaseHTTPRequestHandler) -> None:
    answer.send_response(307)
    answer.send_header("location", "/other")
    answer.send_header("content-length", "0")
    answer.end_headers()


def _in_two_words(answer: BaseHTTPRequestHandler) -> None:
    answer.send_response(200)
    answer.send_header("content-length", "2")
    answer.end_headers()
    answer.wfile.write(b"{}")


@contextmanager
def odd_receiver(
    odd: Callable[[BaseHTTPRequestHandler], None],
) -> Iterator[tuple[ThreadingHTTPServer, OtlpRecorder]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    server.odd, server.came, server.read_all = odd, [], False  # type: ignore[attr-defined] # above
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    recorder = OtlpRecorder(f"http://127.0.0.1:{server.server_port}", 1.0, "0.1.0", "here")
    yield server, recorder
    recorder.close()
    server.shutdown()
    server.server_close()
    serving.join()


def _send_batches(recorder: OtlpRecorder, most: int) -> None:
    for _ in range(most):
        with recorder.begin("request", "server", None, None):
            pass
    recorder.close()


def test_an_answer_without_end_is_not_read(patient: None) -> None:
    with odd_receiver(_without_end) as (server, recorder):
        _send_batches(recorder, 1)
    assert not server.read_all  # type: ignore[attr-defined] # as above


def test_a_receiver_that_is_elsewhere_is_a_failure(
    patient: None, caplog: pytest.LogCaptureFixture
) -> None:
    with odd_receiver(_elsewhere) as (_, recorder):
        _send_batches(recorder, 1)
    assert "Failed to export spans batch" in caplog.text


def test_a_connection_serves_for_many_batches(patient: None) -> None:
    with odd_receiver(_in_two_words) as (server, recorder):
        _send_batches(recorder, 2000)
    came = server.came  # type: ignore[attr-defined] # as above
    assert len(came) > 1
    assert len(set(came)) == 1


def test_only_safe_attributes_are_told(recorder: OtlpRecorder, receiver: SpanReceiver) -> None:
    with spans.begin("request", "server") as span:
        span.note(route="/graphql", status=200, contract="Alice Smith", outcome=None)
        with pytest.raises(ValueError, match="not an attribute that may be told: subject"):
            span.note(subject="alice")
    assert sent(recorder, receiver)["request"].attributes == {
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "gateway.contract": "(withheld)",
    }


def test_an_exception_is_told_by_its_code_or_its_type(
    recorder: OtlpRecorder, receiver: SpanReceiver
) -> None:
    for name, error in (("code", refuse("CONFLICT", "kanari")), ("type", KeyError("kanari"))):
        with pytest.raises(type(error)), spans.begin(name, "server"):
            raise error
    found = sent(recorder, receiver)
    told = {name: span.attributes["error.type"] for name, span in found.items()}
    assert told == {"code": "CONFLICT", "type": "KeyError"}
    assert all(span.is_error for span in found.values())
    assert b"kanari" not in b"".join(receiver.bodies)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER", "nobody"),
    ],
)
def test_a_variable_that_the_library_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for other in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(other)
    monkeypatch.setenv(name, value)
    settings = load_settings(traces="otlp")
    with pytest.raises(ProblemError) as refused, observing(settings):
        raise AssertionError("it began")
    told = refused.value.problem
    assert told.code == "SETTINGS_INVALID"
    assert [(issue.path, issue.code) for issue in told.issues] == [(name, "SETTING_INVALID")]
    assert not spans.is_tracing()
