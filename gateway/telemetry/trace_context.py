"""W3C Trace Context: the header ``traceparent``, read strictly and written.

https://www.w3.org/TR/trace-context/, section 3.2. ``tracestate`` is text of others, which nobody
here can vouch for: it is not passed on.
"""

import re
from dataclasses import dataclass

TRACE_ID = re.compile("(?!0{32})[0-9a-f]{32}")
"""A trace id that is one: not all of it zero."""

_TRACEPARENT = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
"""Version 00 ends with its flags; later versions may add more parts."""

_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span of somebody: its trace, its own id, and whether it is recorded."""

    trace_id: str
    span_id: str
    is_sampled: bool = True

    def __str__(self) -> str:
        """The header that names it as the parent."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


def parse_traceparent(text: str) -> TraceContext | None:
    """The span that a header names; None for anything that is no valid header."""
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    return TraceContext(match[1], match[2], bool(int(match[3], 16) & _SAMPLED))
