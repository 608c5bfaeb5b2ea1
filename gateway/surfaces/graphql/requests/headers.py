"""What the headers of a request say, whichever transport it opens."""

from starlette.types import Scope

from gateway.surfaces.graphql.errors import http_refusal
from gateway.telemetry.trace_context import TraceContext, parse_traceparent

REQUEST_ID = "gateway.request_id"
"""The key of a request's id in its ASGI scope."""

SPARED = "gateway.spared"
"""The key there that says that its line is told at debug level alone (``telemetry.sparing``)."""


class RequestHeaders:
    """The headers of one request, put in order once however many of them are looked up."""

    __slots__ = ("_all", "_by_name")

    def __init__(self, scope: Scope) -> None:
        self._all: list[tuple[bytes, bytes]] = scope["headers"]
        self._by_name: dict[bytes, bytes] = dict(self._all)  # ASGI has their names in lower case

    def __contains__(self, name: str) -> bool:
        return name.encode() in self._by_name

    def single(self, name: str) -> str | None:
        """The one value of a header, or None.

        Raises:
            ProblemError: BAD_REQUEST where the header comes twice, so that nobody upstream can
                have read another value.
        """
        value = self._by_name.get(name.encode())
        if value is None:
            return None
        if len(self._by_name) < len(self._all) and len(self._values(name)) > 1:
            detail = f"The header {name} comes {len(self._values(name))} times. Send it once."
            raise http_refusal("BAD_REQUEST", detail, f"header:{name}")
        return value.decode("latin-1")

    def joined(self, name: str) -> str | None:
        """All values of a header that is a list (RFC 9110, section 5.3), or None."""
        if len(self._by_name) == len(self._all):
            return self.single(name)
        return ", ".join(self._values(name)) or None

    @property
    def trace_id(self) -> str | None:
        """The trace of a valid ``traceparent``, else None."""
        found = self.parent
        return found.trace_id if found is not None else None

    @property
    def parent(self) -> TraceContext | None:
        """The span that a valid ``traceparent`` names (W3C Trace Context), else None."""
        if "traceparent" not in self:
            return None
        values = self._values("traceparent")
        return parse_traceparent(values[0]) if len(values) == 1 else None

    def _values(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1") for each, value in self._all if each == wanted]


def request_id(scope: Scope) -> str | None:
    """The id that the access log gave to this request, if there is one."""
    found: str | None = scope.get(REQUEST_ID)
    return found
