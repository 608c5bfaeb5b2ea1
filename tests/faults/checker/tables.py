"""What ARCHITECTURE.md says of the states of an execution, written down once more.

The checker must not learn from the code that it checks, so it has tables of its own; a test holds
them to the page.
"""

UNDER_WAY = frozenset({"RUNNING", "WAITING_APPROVAL", "PAUSED"})
OVER = frozenset({"COMPLETED", "BLOCKED", "FAILED", "REJECTED", "EXPIRED", "CANCELLED", "ABORTED"})

_SHORT = frozenset({"FAILED", "REJECTED", "EXPIRED", "CANCELLED", "ABORTED"})

TRANSITIONS: dict[str, frozenset[str]] = {
    "RECEIVED": frozenset({"COMPILED", "CANCELLED"}),
    "COMPILED": frozenset({"COMPILED", "VERIFIED", "BLOCKED", "CANCELLED"}),
    "VERIFIED": frozenset({"COMPILED", "VERIFIED", "RUNNING", "BLOCKED", "CANCELLED"}),
    "RUNNING": _SHORT | {"RUNNING", "WAITING_APPROVAL", "PAUSED", "UNRESOLVED", "COMPLETED"},
    "WAITING_APPROVAL": _SHORT | {"RUNNING", "WAITING_APPROVAL", "PAUSED", "UNRESOLVED"},
    "PAUSED": _SHORT | {"RUNNING", "PAUSED", "COMPLETED"},
    "UNRESOLVED": frozenset({"RUNNING", "CANCELLED", "ABORTED"}),
    "BLOCKED": frozenset(),
    "COMPLETED": frozenset(),
    "FAILED": frozenset({"RUNNING"}),
    "REJECTED": frozenset(),
    "EXPIRED": frozenset({"RUNNING"}),
    "CANCELLED": frozenset(),
    "ABORTED": frozenset(),
}
"""What may follow what."""

_ENDED = {state: state for state in _SHORT}
_ALL_UNDER_WAY = ("RUNNING", "WAITING_APPROVAL", "PAUSED")

COMMANDS: dict[str, dict[str, str]] = {
    "cancel": dict.fromkeys(
        ("RECEIVED", "COMPILED", "VERIFIED", *_ALL_UNDER_WAY, "UNRESOLVED"), "CANCELLED"
    ),
    "pause": dict.fromkeys(("RUNNING", "WAITING_APPROVAL"), "PAUSED"),
    "resume": {"PAUSED": "RUNNING"},
    "shutdown": dict.fromkeys((*_ALL_UNDER_WAY, "UNRESOLVED"), "CANCELLED"),
    "abort": dict.fromkeys((*_ALL_UNDER_WAY, "UNRESOLVED"), "ABORTED"),
    "retry": dict.fromkeys(("UNRESOLVED", "FAILED", "EXPIRED"), "RUNNING"),
    "reconcile": {
        **{state: state for state in _ALL_UNDER_WAY},
        **_ENDED,
        "UNRESOLVED": "RUNNING",
    },
    "compensate": dict(_ENDED),
}
"""In which states an operator's command has an effect, and which state follows from it."""
