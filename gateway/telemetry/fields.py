"""The names that logs, metrics and spans may carry, and the form that each value must have.

Whoever adds a metric label or an attribute of a span takes it from here. A new name needs a form
that no free text of a caller fits: a closed set of words, a number, or an identifier that the
gateway made itself. What the values mean stands in ``docs/logging.md``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.decision import Verdict
from gateway.model.entry import EntryType
from gateway.model.execution import ExecutionStatus
from gateway.model.principal import WORKSPACE_PATTERN, PrincipalType

WITHHELD = "(withheld)"
"""What is told instead of a value that does not have its form."""

_METHODS = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT"
_ROUTE = r"(?:/[a-z0-9._{}:-]*)+"


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of a field look like: whole numbers, numbers, or text of a pattern."""

    kind: type[int] | type[float] | type[str]
    pattern: re.Pattern[str] | None = None

    def fits(self, value: object) -> bool:
        """True for a value of this form."""
        if self.pattern is not None:
            return isinstance(value, str) and self.pattern.fullmatch(value) is not None
        if isinstance(value, bool):
            return False
        return isinstance(value, int | float if self.kind is float else int)


def _text(pattern: str) -> Form:
    return Form(str, re.compile(pattern, re.ASCII))


_COUNT = Form(int)
_MILLISECONDS = Form(float)
_SIGNS = r"(?:[_0-9A-Za-z(){}\[\]:=$!?., ]|(?<= )@)*"
_CODE = r"[A-Z][A-Z0-9_]{0,63}"
_HEX = "[0-9a-f]{32}"
_CONTRACT = r"[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*){1,20}@[0-9]{1,9}(?:\.[0-9]{1,9}){2}"
_CONTRACT += r"(?:-[0-9A-Za-z.-]{1,60})?"
_OUTCOMES = (
    *ExecutionStatus,
    *Verdict,
    *(kind.partition(".")[2] for kind in EntryType),
    *("allow", "deny", "ok", "refused", "retryable", "unknown", "signed", "damaged", "none"),
    *("delivered", "dead"),
)

SAFE_FIELDS: Mapping[str, Form] = {
    "method": _text(f"{_METHODS}|other"),
    "route": _text(f"{_ROUTE}|none"),
    "status": _COUNT,
    "close_code": _COUNT,
    "duration_ms": _MILLISECONDS,
    "bytes": _COUNT,
    "request_id": _text("[0-9a-f]{16}"),
    "trace_id": _text("[0-9a-f]{32}"),
    "transport": _text("http|sse|websocket"),
    "operation_type": _text("query|mutation|subscription|none"),
    "operation_name": _text("[_A-Za-z][_0-9A-Za-z]{0,99}"),
    "document": _text(rf"(?:_ )*(?:_|(?:query|mutation|subscription|fragment)(?:[ ({{]{_SIGNS})?)"),
    "digest": _text("sha256:[0-9a-f]{64}"),
    "document_id": _text("sha256:[0-9a-f]{64}"),
    "unparsed_bytes": _COUNT,
    "unparsed_mark": _text("[0-9a-f]{16}"),
    "problem": _text(f"none|{_CODE}"),
    "problems": _COUNT,
    "results": _COUNT,
    "principal_type": _text("|".join(PrincipalType)),
    "workspace": _text(WORKSPACE_PATTERN.pattern),
    "calls": _COUNT,
    "decision_id": _text(f"dec_{_HEX}"),
    "contract": _text(_CONTRACT),
    "outcome": _text("|".join(map(re.escape, _OUTCOMES))),
    "decision": _text("access|verdict"),
    "execution_id": _text(f"exec_{_HEX}"),
    "run_id": _text(f"run_{_HEX}"),
    "step_id": _text(f"step_{_HEX}"),
    "attempt": _COUNT,
    "entry_type": _text("|".join(map(re.escape, EntryType))),
    "reason": _text("calls|runs|delay|requests|connections"),
    "part": _text("writer|reader"),
    "target_kind": _text("anchor|witness"),
    "revision": _text("sha256:[0-9a-f]{64}"),
    "version": _text(r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}"),
    "python": _text(r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}"),
}
"""Every allowed field with the form of its values. A field outside of these is refused."""


def fields(**named: object) -> dict[str, Any]:
    """The ``extra`` of a log call with structured fields; those that are None are left out.

    Raises:
        ValueError: a name is not in ``SAFE_FIELDS``.
    """
    unknown = named.keys() - SAFE_FIELDS.keys()
    if unknown:
        told = ", ".join(sorted(unknown))
        raise ValueError(f"not a field that may be logged: {told}; see SAFE_FIELDS")
    return {"fields": {name: value for name, value in named.items() if value is not None}}


def shown(given: object) -> dict[str, Any]:
    """The fields of a record as they may be told: allowed names, with values of their form."""
    if not isinstance(given, Mapping):
        return {}
    return {
        name: value if SAFE_FIELDS[name].fits(value) else WITHHELD
        for name, value in given.items()
        if name in SAFE_FIELDS
    }
