"""Reading the file of anchors and witnesses (``GATEWAY_ANCHORS``): all of it is honoured, or it is
refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.actions import HostGuard, Secrets
from gateway.anchoring.targets import Destinations
from gateway.anchoring.written import (
    HOSTS,
    KINDS,
    MAX_ANCHORS,
    MAX_HEADERS,
    MAX_SECRETS,
    MAX_WITNESSES,
    Rules,
    WrittenDestinations,
)
from gateway.contracts.findings import suggestion
from gateway.contracts.yaml_source import Node
from gateway.model.problem import Issue, ProblemError, refused_files
from gateway.webhooks.endpoint_file import in_order, read_document

_SYNTAX, _VALUE = "ANCHOR_SYNTAX", "ANCHOR_VALUE"
_EXPECTED = {
    "hosts": "a list of host patterns, such as [anchors.internal:8443, '*.example.com']",
    "anchors": f"a list of up to {MAX_ANCHORS} anchors, each beginning with '- id:'",
    "witnesses": f"a list of up to {MAX_WITNESSES} witnesses, each with url and key",
    "quorum": "how many of the witnesses must sign each checkpoint, a whole number",
    "retryScale": "a number from 0.000001 to 10",
    "id": "1 to 64 letters, digits, '-' and '_', beginning with a letter or a digit",
    "kind": "file, webhook or log",
    "path": "an absolute path of a file in a folder that exists",
    "url": "an https URL without credentials and fragment",
    "secret": f"1 to {MAX_SECRETS} references such as ${{secret:ANCHOR_WEBHOOK}}, newest first",
    "headers": f"up to {MAX_HEADERS} names of headers with their values",
    "body": 'a value such as {"entry": "{noteBase64}"}',
    "key": "the key that the witness prints at its start, <name>+<id>+<base64>",
}
_MEMBERS = {
    "": ("hosts", "anchors", "witnesses", "quorum", "retryScale"),
    "anchors": ("id", "kind", "path", "url", "secret", "headers", "body"),
    "witnesses": ("url", "key"),
}
Place = tuple[int | str, ...]


def load_destinations(path: Path | None, secrets: Secrets | None = None) -> Destinations:
    """Where checkpoints go.

    Args:
        path: The YAML file; None for nowhere.
        secrets: Where secrets are looked up; all of them must be there.

    Raises:
        ProblemError: ANCHORS_INVALID with every issue; an issue's path is ``file:line:column``.
    """
    if path is None:
        return Destinations()
    root, refused = read_document(path, b"{}")
    if root is None:
        raise _invalid([Issue(at, _SYNTAX, told) for at, told in refused])
    issues = [*_repeated(root, "anchors", "id"), *_repeated(root, "witnesses", "key")]
    guard, wrong = _guard(root)
    issues += wrong
    rules = Rules(guard, secrets or Secrets(), plain=bool(_hosts(root)))
    try:
        written = WrittenDestinations.model_validate(root.plain(), context=rules)
    except ValidationError as error:
        found = [_issue(root, one) for one in error.errors(include_url=False)]
        raise _invalid([*issues, *found]) from None
    if issues:
        raise _invalid(issues)
    return Destinations(
        anchors=tuple(one.target() for one in written.anchors),
        witnesses=tuple(one.target() for one in written.witnesses),
        quorum=written.quorum,
        hosts=tuple(written.hosts),
        retry_scale=written.retryScale,
    )


def guard_of(hosts: tuple[str, ...]) -> HostGuard:
    """The judge of the hosts of anchors and witnesses."""
    return HostGuard(hosts, HOSTS)


def _hosts(root: Node) -> tuple[str, ...]:
    listed = root.value.get("hosts") if isinstance(root.value, dict) else None
    if listed is None or not isinstance(listed.value, list):
        return ()
    return tuple(one.value for one in listed.value if isinstance(one.value, str))


def _guard(root: Node) -> tuple[HostGuard, list[Issue]]:
    """The judge of hosts; where a pattern is none, all are let through but for the issue."""
    try:
        return guard_of(_hosts(root)), []
    except ValueError as error:
        return HostGuard(["*.invalid"]), [Issue(root.place("hosts"), _VALUE, str(error))]


def _issue(root: Node, found: ErrorDetails) -> Issue:
    place, kind = _untagged(found["loc"]), found["type"]
    if kind.startswith("ANCHOR_"):
        return Issue(root.place(*place), kind, found["msg"])
    if kind == "extra_forbidden":
        return _unknown_member(root, place)
    if kind.startswith("union_tag"):
        place = (*place, "kind")
    if kind == "quorum":
        place = ("quorum",)
    member = _member(place)
    if member is None:
        message = "write a mapping with anchors, witnesses and quorum"
        return Issue(root.place(*place), _VALUE, message)
    return Issue(root.place(*place), _VALUE, _told(found, member))


def _told(found: ErrorDetails, member: str) -> str:
    kind = found["type"]
    if kind in ("missing", "union_tag_not_found"):
        return f"{member!r} is missing; write {_EXPECTED[member]}"
    reason = found["msg"].removeprefix("Value error, ") if kind in ("value_error", "quorum") else ""
    told = f"{member!r} is not usable" + (f" ({reason})" if reason else "")
    return f"{told}; write {_EXPECTED[member]}"


def _member(place: Place) -> str | None:
    """The innermost member of the file's own form that a place leads to."""
    return next((one for one in reversed(place) if one in _EXPECTED), None)


def _untagged(place: Place) -> Place:
    """A place without the name of the kind, which pydantic puts after an anchor's number."""
    if len(place) > 2 and place[0] == "anchors" and place[2] in KINDS:
        return (*place[:2], *place[3:])
    return place


def _unknown_member(root: Node, place: Place) -> Issue:
    member, section = str(place[-1]), str(place[0]) if len(place) > 1 else ""
    known = _MEMBERS.get(section, ())
    what = {"anchors": "such an anchor", "witnesses": "a witness"}.get(section, "the file")
    message = f"{what} has no member {member!r}{suggestion(member, known)}"
    return Issue(_key_place(root, place), _VALUE, message)


def _key_place(root: Node, place: Place) -> str:
    """Where the key stands that should not be there."""
    node: Any = root
    for part in place[:-1]:
        node = node.value[part]
    at: str = node.key_place(str(place[-1]))
    return at


def _repeated(root: Node, section: str, member: str) -> Iterator[Issue]:
    """Names that stand there more than once; a witness is known by the name of its key."""
    first: dict[str, str] = {}
    listed = root.value.get(section) if isinstance(root.value, dict) else None
    for item in listed.value if listed and isinstance(listed.value, list) else ():
        own = item.value.get(member) if isinstance(item.value, dict) else None
        if own is None or not isinstance(own.value, str):
            continue
        name = own.value.partition("+")[0]
        if name in first:
            message = f"{name!r} is taken (at {first[name]}); use another"
            yield Issue(own.at, _VALUE, message)
        first.setdefault(name, own.at)


def _invalid(issues: list[Issue]) -> ProblemError:
    title = "The file of anchors and witnesses cannot be honoured"
    return refused_files("ANCHORS_INVALID", title, "the file of GATEWAY_ANCHORS", in_order(issues))
