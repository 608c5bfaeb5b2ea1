"""controlPlane.evidence.attach"""

import re
from collections.abc import Iterator

from gateway.model.evidence import EvidenceKind
from gateway.model.execution import Execution
from gateway.model.json import JsonObject, encode
from gateway.model.lane import TEAM_CLEANUP, TEAM_SNAPSHOT
from gateway.model.ports import Tx
from gateway.model.problem import Issue, invalid
from gateway.model.time import parse, stamp
from gateway.operations.common import acting, present
from gateway.operations.lane_views import view_of
from gateway.pipeline import Admitted
from gateway.runtime import Attachment, Loop, require_execution, require_run

MAX_CONTENT = 16 * 1024
"""How many bytes the content of an item may have as JSON."""

_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_STATE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")
_TELLS_STATE = (TEAM_SNAPSHOT, TEAM_CLEANUP)


def attach(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Attach an artifact, a piece of evidence or a risk to an execution."""
    value, subject = admitted.value, acting(admitted, "attachedBy")
    issues = [*_which_issues(value), *_item_issues(value, tx.now)]
    if issues:
        raise invalid(issues)
    execution = _execution(admitted, tx)
    evidence_id = loop.lanes.attach(tx, execution, _attachment(value), subject)
    view = view_of(loop, tx, execution, tx.now)
    return present(
        {
            "evidenceId": evidence_id,
            "executionId": execution.id,
            "runId": execution.run_id,
            "kind": value["kind"],
            "key": value["key"],
            "attachedAt": tx.now,
            "terminalReadiness": view.readiness.value.upper() if view else None,
        }
    )


def _execution(admitted: Admitted, tx: Tx) -> Execution:
    value = admitted.value
    if value.get("runId") is not None:
        return require_run(tx, admitted.principal.workspace, admitted.value["runId"])
    return require_execution(tx, admitted.principal.workspace, value["executionId"])


def _which_issues(value: JsonObject) -> Iterator[Issue]:
    if (value.get("runId") is None) == (value.get("executionId") is None):
        told = "Name either the run (`runId`) or the execution (`executionId`)."
        yield Issue("/input/runId", "REQUIRED", told)


def _item_issues(value: JsonObject, now: str) -> Iterator[Issue]:
    """Everything wrong with what is attached, beyond what its types say."""
    if not _KEY.fullmatch(value["key"]):
        told = "A key is a lower-case letter, then letters, digits, _, . or - (64 at most)."
        yield Issue("/input/key", "INVALID_FORMAT", told)
    if all(value.get(name) is None for name in ("digest", "uri", "content")):
        told = "Give the content, or the digest or the uri of content that is held elsewhere."
        yield Issue("/input/content", "REQUIRED", told)
    if value.get("digest") is not None and not _DIGEST.fullmatch(value["digest"]):
        told = "A digest is `sha256:` and 64 lower-case hex digits."
        yield Issue("/input/digest", "INVALID_FORMAT", told)
    if value.get("blocking") and value["kind"] != "RISK":
        yield Issue("/input/blocking", "NOT_ALLOWED", "Only a RISK is blocking.")
    yield from _content_issues(value)
    yield from _time_issues(value, now)


def _content_issues(value: JsonObject) -> Iterator[Issue]:
    content = value.get("content")
    if content is None:
        return
    if len(encode(content).encode()) > MAX_CONTENT:
        told = f"The content has at most {MAX_CONTENT} bytes as JSON. Hold it elsewhere, by digest."
        yield Issue("/input/content", "TOO_LONG", told)
    status = content.get("status") if _tells_state(value) else None
    if status is not None and not (isinstance(status, str) and _STATE.fullmatch(status)):
        told = "A status is a word: a letter, then letters, digits, _, . or - (32 at most)."
        yield Issue("/input/content/status", "INVALID_FORMAT", told)


def _time_issues(value: JsonObject, now: str) -> Iterator[Issue]:
    if value.get("validUntil") is None:
        return
    try:
        until = _moment(value["validUntil"])
    except (ValueError, OverflowError):
        yield Issue("/input/validUntil", "OUT_OF_RANGE", "The moment lies outside the calendar.")
        return
    if until <= now:
        yield Issue("/input/validUntil", "OUT_OF_RANGE", "It has passed: attach what is valid.")


def _attachment(value: JsonObject) -> Attachment:
    until, content = value.get("validUntil"), value.get("content")
    status = content.get("status") if content and _tells_state(value) else None
    return Attachment(
        kind=EvidenceKind(value["kind"].lower()),
        key=value["key"],
        digest=value.get("digest"),
        uri=value.get("uri"),
        content=content,
        note=value.get("note"),
        # What the gate asks of the content stands beside it, for the content itself is sealed.
        state=None if status is None else status.lower(),
        valid_until=None if until is None else _moment(until),
        blocking=bool(value.get("blocking")),
        resolves=value.get("resolves"),
    )


def _moment(text: str) -> str:
    """The stamp of a DateTime, which may be written in lower case."""
    return stamp(parse(text.upper()))


def _tells_state(value: JsonObject) -> bool:
    return value["kind"] == "ARTIFACT" and value["key"] in _TELLS_STATE
