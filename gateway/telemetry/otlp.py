"""Spans by OpenTelemetry, sent by OTLP over HTTP. Imported only where traces are on.

Names of attributes are those of OpenTelemetry's conventions where there is one. What an exception
says is never sent, so its own way of recording them is not used.
"""

import os
from contextvars import ContextVar
from threading import Thread
from types import TracebackType

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from requests import Session

from gateway.telemetry.fields import SAFE_FIELDS, shown
from gateway.telemetry.otlp_session import BriefSession
from gateway.telemetry.spans import NO_SPAN, Kind, Span
from gateway.telemetry.trace_context import TraceContext

PATH = "/v1/traces"
"""Behind the endpoint, by OTLP over HTTP."""

TIMEOUT = 5.0
"""Seconds for which the receiver of spans is waited for, in a thread of its own."""

PARTING = 3.0
"""Seconds for which a process that stops waits for the receiver."""

WAITING = 4096
"""Spans that may wait to be sent. While the receiver is away, further ones are lost."""

_KINDS = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_CONVENTIONS = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "operation_type": "graphql.operation.type",
    "operation_name": "graphql.operation.name",
    "problem": "error.type",
}
_OWN_SESSION = ("_HTTP_TRACES_CREDENTIAL_PROVIDER", "_HTTP_CREDENTIAL_PROVIDER")
_wanted: ContextVar[int | None] = ContextVar("wanted_trace", default=None)


class OtlpRecorder:
    """Sends spans to the base address ``endpoint``.

    ``ratio`` is the share of traces that are recorded, from 0 to 1; whoever calls within a recorded
    trace, or one that is not, decides instead. ``version`` is that of the gateway. What else
    OpenTelemetry's own variables say (``OTEL_*``), such as headers and names, counts too.
    """

    def __init__(self, endpoint: str, ratio: float, version: str, instance: str) -> None:
        named = {
            "service.name": "contract-gateway",
            "service.version": version,
            "service.instance.id": instance,
        }
        exporter = OTLPSpanExporter(
            f"{endpoint.rstrip('/')}{PATH}", timeout=TIMEOUT, session=_session()
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=Resource(named).merge(OTELResourceDetector().detect()),
            id_generator=_Ids(),
            span_limits=SpanLimits(max_attributes=32),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=WAITING))
        self._tracer = self._provider.get_tracer("gateway", version)

    def close(self) -> None:
        """Send what waits, for ``PARTING`` seconds at most, and be done.

        Left to itself, the library would try again for longer than a process may take to stop.
        """
        sending = Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        sending.start()
        sending.join(PARTING)

    def begin(
        self, name: str, kind: Kind, parent: TraceContext | None, trace_id: str | None
    ) -> Span:
        """A span within ``parent``, or else the first of the trace ``trace_id``, or a new one."""
        around = context.Context() if parent is None else _around(parent)
        token = _wanted.set(int(trace_id, 16) if trace_id else None)
        try:
            return _Live(self._tracer.start_span(name, around, _KINDS[kind]))
        finally:
            _wanted.reset(token)

    def child(self, name: str, kind: Kind) -> Span:
        """A span that is part of the present one; ``NO_SPAN`` outside of any."""
        if not trace.get_current_span().get_span_context().is_valid:
            return NO_SPAN
        return _Live(self._tracer.start_span(name, kind=_KINDS[kind]))

    def current(self) -> str | None:
        """The header of the present span."""
        return _header(trace.get_current_span())


class _Live(Span):
    """A span of OpenTelemetry, the present one while the ``with`` over it lasts."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        return _header(self._span)

    def note(self, **fields: object) -> None:
        if unknown := fields.keys() - SAFE_FIELDS.keys():
            raise ValueError(f"not an attribute that may be told: {min(unknown)}; see SAFE_FIELDS")
        for name, value in shown(fields).items():
            if fields[name] is not None:
                self._span.set_attribute(_CONVENTIONS.get(name, f"gateway.{name}"), value)

    def failed(self, problem: str) -> None:
        self._span.set_attribute("error.type", problem)
        self._span.set_status(StatusCode.ERROR)

    def __enter__(self) -> Span:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, at)
        context.detach(self._token)
        self._span.end()


class _Ids(RandomIdGenerator):
    """Fresh ids, but for the trace that a span is to be the first of."""

    def generate_trace_id(self) -> int:
        return _wanted.get() or super().generate_trace_id()


def _session() -> Session | None:
    """How the receiver is asked; None where a provider of credentials is to say that."""
    if any(name.startswith("OTEL_") and name.endswith(_OWN_SESSION) for name in os.environ):
        return None
    return BriefSession()


def _around(parent: TraceContext) -> context.Context:
    flags = TraceFlags(TraceFlags.SAMPLED if parent.is_sampled else TraceFlags.DEFAULT)
    told = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, flags)
    return trace.set_span_in_context(NonRecordingSpan(told), context.Context())


def _header(span: trace.Span) -> str | None:
    found = span.get_span_context()
    if not found.is_valid:
        return None
    ids = (trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id))
    return str(TraceContext(*ids, found.trace_flags.sampled))
