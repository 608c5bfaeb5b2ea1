"""The log line of an operation, the same whichever transport it came by.

Who asked is told by kind and workspace, never by name: subjects are often e-mail addresses. The
record has the subject, and the trace leads to it. Variables are never told.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal

from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import STANDARD, ProblemError
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.operations.execution import Operation
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.server.lifetime import PeerGoneError
from gateway.surfaces.graphql.shapes import Shape, unparsed
from gateway.telemetry import fields, metrics, spans
from gateway.telemetry.deciding import Gathering, end_gathering, gather_decisions
from gateway.telemetry.instruments import is_counting
from gateway.telemetry.sparing import Sparing

_log = logging.getLogger("gateway.operations")

_sparing = Sparing()

Transport = Literal["http", "sse", "websocket"]


class OperationLine(AbstractContextManager["OperationLine"]):
    """Gathers what is told of an operation, and tells it when the ``with`` over it ends.

    ``request_id`` and ``trace_id`` are those of the request or of the connection. ``is_spared``
    says, at the end, that neither this nor any other line is to be told of it but at debug level.
    """

    is_spared = False
    operation: Operation | None = None
    _shape: Shape | None = None
    _status = 200
    _results = 0
    _has_served = False
    _is_handed_on = False
    _span = spans.NO_SPAN
    _gathering: Gathering | None = None

    def __init__(
        self,
        transport: Transport,
        request_id: str | None,
        trace_id: str | None,
        parameters: Parameters,
        principal: Principal | None = None,
    ) -> None:
        self.principal = principal
        self._transport = transport
        self._ids = (request_id, trace_id)
        self._parameters = parameters
        self._codes: list[str] = []
        self._decided: list[str] = []
        self._began = time.perf_counter()
        self._is_told = _log.isEnabledFor(logging.INFO)

    def answered(self, body: JsonObject) -> None:
        """Note the body of one result."""
        self._results += 1
        if "errors" in body:
            self._note(body["errors"])
            data = body.get("data") or {}
            self._has_served |= any(value is not None for value in data.values())
        else:
            self._has_served = True

    def failed(self, error: BaseException) -> None:
        """Note why the operation was not run, or not to its end."""
        if isinstance(error, RequestRefusedError):
            self._shape = error.shape.shape if error.shape is not None else None
            self._note(error.errors)
            self._status = error.status
        elif isinstance(error, ProblemError):
            self._codes.append(error.problem.code)
            self._status = error.problem.status
        elif isinstance(error, Exception) and not isinstance(error, PeerGoneError):
            self._codes.append("INTERNAL_ERROR")
            self._status = STANDARD["INTERNAL_ERROR"].status

    def __enter__(self) -> "OperationLine":
        if self._is_told:
            self._gathering = gather_decisions(self._decided)
        if spans.is_tracing():
            self._span = spans.child("graphql").__enter__()
        return self

    def hand_on(self) -> None:
        """Tell nothing yet: the operation goes on after this ``with``, and has another then."""
        self._is_handed_on = True

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        is_over = error is not None or not self._is_handed_on
        self._is_handed_on = False
        if error is not None:
            self.failed(error)
        if self._gathering is not None:
            end_gathering(self._gathering)
            self._gathering = None
        if self._span is not spans.NO_SPAN:
            self._end_span()
        if not is_over:
            return
        if is_counting():
            kind, problem = self._kind() or "none", self._problem() or "none"
            metrics.operations.add(self._transport, kind, problem)
        if self._is_told:
            self.is_spared = self._is_put_off() and _sparing.is_spared()
            level = logging.DEBUG if self.is_spared else logging.INFO
            if _log.isEnabledFor(level):
                _log.log(level, "operation", extra=self._told())

    def _is_put_off(self) -> bool:
        """True where nothing was answered or even decided, and the caller was told to come
        again."""
        is_refused = bool(self._codes) and set(self._codes) == {"SERVICE_UNAVAILABLE"}
        return is_refused and not self._decided and not self._has_served

    def _end_span(self) -> None:
        operation, span = self.operation, self._span
        name = operation.document.shape.name_of(operation.definition) if operation else None
        span.note(transport=self._transport, operation_type=self._kind(), operation_name=name)
        problem = self._problem()
        if problem is not None:
            span.failed(problem)
        span.__exit__(None, None, None)

    def _kind(self) -> str | None:
        return self.operation.definition.operation.value if self.operation else None

    def _problem(self) -> str | None:
        return self._codes[0] if self._codes else None

    def _note(self, entries: Sequence[JsonObject]) -> None:
        self._codes += [entry["extensions"]["code"] for entry in entries]

    def _unparsed(self) -> Shape:
        text = self._parameters.query
        return unparsed(text) if text is not None else Shape()

    def _told(self) -> dict[str, Any]:
        request_id, trace_id = self._ids
        principal, operation = self.principal, self.operation
        shape, name, document_id = self._shape or self._unparsed(), None, None
        decided = self._decided
        if operation is not None:
            document_id = operation.document_id
            shape = operation.document.shape.shape
            name = operation.document.shape.name_of(operation.definition)
        return fields(
            transport=self._transport,
            operation_type=self._kind(),
            operation_name=name,
            document=shape.document,
            digest=shape.digest,
            document_id=document_id,
            unparsed_bytes=shape.unparsed_bytes,
            unparsed_mark=shape.unparsed_mark,
            status=self._status,
            problem=self._problem(),
            problems=len(self._codes) or None,
            results=self._results,
            duration_ms=round((time.perf_counter() - self._began) * 1000, 3),
            principal_type=principal.type.value if principal else None,
            workspace=principal.workspace or None if principal else None,
            calls=len(decided) or None,
            decision_id=decided[0] if decided else None,
            request_id=request_id,
            trace_id=trace_id,
        )
