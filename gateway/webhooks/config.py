"""Reading the file of endpoints (``GATEWAY_WEBHOOKS``): all of it is honoured, or it is refused."""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.actions import HostGuard, Secrets
from gateway.actions.hosts import HostRefusedError
from gateway.actions.secrets import SecretMissingError
from gateway.contracts import Registry
from gateway.contracts.findings import suggestion
from gateway.contracts.yaml_source import Node
from gateway.model.decision import Treatment
from gateway.model.principal import WORKSPACE_PATTERN
from gateway.model.problem import Issue, ProblemError, refused_files
from gateway.webhooks.endpoint import Endpoint, covers
from gateway.webhooks.endpoint_file import in_order, read_document, require_url, require_usable

_log = logging.getLogger(__name__)

MAX_ENDPOINTS = 256
MAX_SECRETS = 4
MAX_TYPES = 100

_SYNTAX, _VALUE = "WEBHOOK_SYNTAX", "WEBHOOK_VALUE"
_EXPECTED = {
    "id": "1 to 64 letters, digits, '-' and '_', beginning with a letter or a digit",
    "workspace": "the name of a workspace: small letters, digits, '-', '_' and '.', 63 at most",
    "url": "an https URL without credentials and fragment",
    "secret": f"1 to {MAX_SECRETS} references such as ${{secret:BILLING_WEBHOOK}}, newest first",
    "types": f"1 to {MAX_TYPES} event keys, such as controlPlane.execution.completed, "
    "controlPlane.execution.* or '*'",
    "pii": "partial, mask, hash, full or drop",
    "source": "a URI, such as https://gateway.example.com/acme",
    "enabled": "true or false",
}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the values are judged with; ``plain`` allows http beside https."""

    guard: HostGuard
    secrets: Secrets
    plain: bool


def _rules(info: ValidationInfo) -> _Rules:
    given: _Rules | None = info.context
    if given is None:
        raise RuntimeError("endpoints are validated with rules")
    return given


def _judged_url(url: str, info: ValidationInfo) -> str:
    rules = _rules(info)
    try:
        require_url(url, rules.guard, "GATEWAY_WEBHOOK_HOSTS", plain=rules.plain)
    except HostRefusedError as error:
        raise PydanticCustomError("WEBHOOK_HOST_REFUSED", "{told}", {"told": str(error)}) from None
    return url


def _judged_secret(reference: str, info: ValidationInfo) -> str:
    try:
        require_usable(reference, _rules(info).secrets)
    except SecretMissingError as error:
        raise PydanticCustomError("WEBHOOK_SECRET", "{told}", {"told": str(error)}) from None
    return reference


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
_Workspace = Annotated[str, Field(pattern=rf"^{WORKSPACE_PATTERN.pattern}$")]
_Url = Annotated[str, Field(max_length=2000), AfterValidator(_judged_url)]
_Reference = Annotated[
    str, Field(pattern=r"^\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}$"), AfterValidator(_judged_secret)
]
_Type = Annotated[str, Field(pattern=r"^(\*|[A-Za-z][A-Za-z0-9_.-]{0,199}(\.\*)?)$")]
_Source = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]{1,500}$")]


class _Written(BaseModel):
    """An endpoint as the file has it."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    id: _Id
    workspace: _Workspace
    url: _Url
    secret: Annotated[
        list[_Reference], BeforeValidator(_listed), Field(min_length=1, max_length=MAX_SECRETS)
    ]
    types: Annotated[list[_Type], Field(min_length=1, max_length=MAX_TYPES)]
    pii: Literal["partial", "mask", "hash", "full", "drop"] = "drop"
    source: _Source | None = None
    enabled: bool = True

    def endpoint(self) -> Endpoint:
        return Endpoint(
            id=self.id,
            workspace=self.workspace,
            url=self.url,
            secrets=tuple(self.secret),
            types=tuple(self.types),
            pii=Treatment(self.pii),
            source=self.source,
            enabled=self.enabled,
        )


_FILE = TypeAdapter(Annotated[list[_Written], Field(max_length=MAX_ENDPOINTS)])


def load_endpoints(
    path: Path | None, hosts: Collection[str], registry: Registry, secrets: Secrets | None = None
) -> tuple[Endpoint, ...]:
    """The endpoints that a file lists; a type that covers no event is logged as a warning.

    Args:
        path: The YAML file; None for no endpoints.
        hosts: Patterns of the hosts that may be called (``GATEWAY_WEBHOOK_HOSTS``); without any,
            every public address, over https alone.
        registry: Knows the events that there are.
        secrets: Where the endpoints' secrets are looked up; all of them must be there.

    Raises:
        ProblemError: WEBHOOKS_INVALID with every issue; an issue's path is ``file:line:column``.
    """
    if path is None:
        return ()
    rules = _Rules(guard_of(hosts), secrets or Secrets(), plain=bool(hosts))
    root, refused = read_document(path, b"[]")
    if root is None:
        raise _invalid([Issue(at, _SYNTAX, told) for at, told in refused])
    issues = list(_repeated(root))
    written: list[_Written] = []
    try:
        written = _FILE.validate_python(root.plain(), context=rules)
    except ValidationError as error:
        issues += [_issue(root, found) for found in error.errors(include_url=False)]
    if issues:
        raise _invalid(issues)
    endpoints = tuple(one.endpoint() for one in written)
    for told in _idle_types(endpoints, {event.meta.key for event in registry.events.values()}):
        _log.warning("%s", told)  # of the operator's own file
    return endpoints


def guard_of(hosts: Collection[str]) -> HostGuard:
    """The judge of the hosts of endpoints."""
    return HostGuard(hosts, "GATEWAY_WEBHOOK_HOSTS")


def _idle_types(endpoints: tuple[Endpoint, ...], keys: Collection[str]) -> Iterator[str]:
    """A sentence for each type that covers none of the event ``keys`` that there are."""
    for endpoint in endpoints:
        for pattern in endpoint.types:
            if not any(covers(pattern, key) for key in keys):
                told = f"webhook endpoint {endpoint.id}: {pattern!r} covers no event"
                yield told + suggestion(pattern, keys)


def _issue(root: Node, found: ErrorDetails) -> Issue:
    place, kind = found["loc"], found["type"]
    member = str(place[1]) if len(place) > 1 else None
    if kind == "extra_forbidden":
        message = f"an endpoint has no member {member!r}{suggestion(member or '', _EXPECTED)}"
        return Issue(_key_place(root, place), _VALUE, message)
    if kind.startswith("WEBHOOK_"):
        return Issue(root.place(*place), kind, found["msg"])
    if member is None:
        message = f"write a list of up to {MAX_ENDPOINTS} endpoints, each beginning with '- id:'"
        return Issue(root.place(*place), _VALUE, message)
    reason = found["msg"].removeprefix("Value error, ") if kind == "value_error" else ""
    told = f"{member!r} is missing" if kind == "missing" else f"{member!r} is not usable"
    told += f" ({reason})" if reason else ""
    return Issue(root.place(*place), _VALUE, f"{told}; write {_EXPECTED[member]}")


def _key_place(root: Node, place: tuple[int | str, ...]) -> str:
    """Where the key stands that an endpoint should not have."""
    items = root.value
    assert isinstance(items, list)  # noqa: S101 - only members of a list's items can be unknown
    return items[int(place[0])].key_place(str(place[1]))


def _repeated(root: Node) -> Iterator[Issue]:
    """Ids that stand there more than once in one workspace."""
    first: dict[tuple[str, str], str] = {}
    for item in root.value if isinstance(root.value, list) else ():
        if not isinstance(item.value, dict):
            continue
        own, workspace = item.value.get("id"), item.value.get("workspace")
        if own is None or not isinstance(own.value, str):
            continue
        place = (str(workspace.value) if workspace is not None else "", own.value)
        if place in first:
            message = f"the id {own.value!r} is taken (at {first[place]}); use another"
            yield Issue(own.at, _VALUE, message)
        first.setdefault(place, own.at)


def _invalid(issues: list[Issue]) -> ProblemError:
    title = "The file of webhook endpoints cannot be honoured"
    what = "the file of GATEWAY_WEBHOOKS"
    return refused_files("WEBHOOKS_INVALID", title, what, in_order(issues))
