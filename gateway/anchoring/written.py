"""The form of the file of anchors and witnesses, and what its values are judged with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gateway.actions import HostGuard, Secrets
from gateway.actions.hosts import HostRefusedError
from gateway.actions.secrets import SecretMissingError
from gateway.anchoring.targets import (
    DEFAULT_BODY,
    AnchorTarget,
    FileTarget,
    LogTarget,
    WebhookTarget,
    WitnessTarget,
)
from gateway.anchoring.templates import PARTS, names_the_checkpoint, unknown_parts
from gateway.contracts.findings import nearest
from gateway.transparency import COSIGNATURE, NoteError, Verifier
from gateway.webhooks.endpoint_file import require_url, require_usable

HOSTS = "`hosts` of this file"
MAX_ANCHORS = 32
MAX_WITNESSES = 32
MAX_SECRETS = 4
MAX_HEADERS = 20
_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What the values are judged with; ``plain`` allows http beside https."""

    guard: HostGuard
    secrets: Secrets
    plain: bool


def _rules(info: ValidationInfo) -> Rules:
    given: Rules | None = info.context
    if given is None:
        raise RuntimeError("anchors are validated with rules")
    return given


def _coded(code: str, told: object) -> PydanticCustomError:
    return PydanticCustomError(code, "{told}", {"told": str(told)})


def _judged_url(url: str, info: ValidationInfo) -> str:
    rules = _rules(info)
    try:
        require_url(url, rules.guard, HOSTS, plain=rules.plain)
    except HostRefusedError as error:
        raise _coded("ANCHOR_HOST_REFUSED", error) from None
    return url


def _judged_secret(reference: str, info: ValidationInfo) -> str:
    try:
        require_usable(reference, _rules(info).secrets)
    except SecretMissingError as error:
        raise _coded("ANCHOR_SECRET", error) from None
    return reference


def _judged_header(value: str, info: ValidationInfo) -> str:
    for told in _rules(info).secrets.missing_from(value):
        raise _coded("ANCHOR_SECRET", told)
    return value


def _judged_headers(headers: dict[str, str]) -> dict[str, str]:
    if own := sorted(name for name in headers if name.lower() in _OWN_HEADERS):
        raise ValueError(f"{own[0]} is set by the gateway")
    return headers


def _judged_body(body: JsonValue) -> JsonValue:
    for name in unknown_parts(body):
        raise ValueError(f"{{{name}}} is no part of a checkpoint{nearest(name, PARTS)}")
    if not names_the_checkpoint(body):
        raise ValueError(
            "it sends no {note}, {noteBase64} or {noteSha256}, so it would show nothing"
        )
    return body


def _judged_path(path: str) -> str:
    if not Path(path).is_absolute():
        raise ValueError("it is not absolute")
    try:
        has_folder, is_folder = Path(path).parent.is_dir(), Path(path).is_dir()
    except OSError as error:  # such as of a folder that the gateway may not look into
        raise ValueError(f"it cannot be looked at: {error.strerror}") from None
    if not has_folder:
        raise ValueError("its folder does not exist")
    if is_folder:
        raise ValueError("it is a folder")
    return path


def _judged_key(text: str) -> str:
    try:
        key = Verifier.parse(text)
    except NoteError as error:
        raise ValueError(str(error)) from None
    if key.algorithm != COSIGNATURE:
        raise ValueError("it is the key of a log and not of a witness (algorithm 04)")
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
_Url = Annotated[str, Field(max_length=2000), AfterValidator(_judged_url)]
_Reference = Annotated[
    str, Field(pattern=r"^\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}$"), AfterValidator(_judged_secret)
]
_HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
_HeaderValue = Annotated[
    str, Field(pattern=r"^[\x20-\x7e]{1,2000}$"), AfterValidator(_judged_header)
]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class WrittenFile(_Written):
    """An anchor that is a file."""

    id: _Id
    kind: Literal["file"]
    path: Annotated[str, Field(max_length=1000), AfterValidator(_judged_path)]

    def target(self) -> AnchorTarget:
        """What it means."""
        return FileTarget(self.id, Path(self.path))


class WrittenWebhook(_Written):
    """An anchor that is told by a signed message."""

    id: _Id
    kind: Literal["webhook"]
    url: _Url
    secret: Annotated[
        list[_Reference], BeforeValidator(_listed), Field(min_length=1, max_length=MAX_SECRETS)
    ]

    def target(self) -> AnchorTarget:
        """What it means."""
        return WebhookTarget(self.id, self.url, tuple(self.secret))


class WrittenLog(_Written):
    """An anchor that is a transparency log."""

    id: _Id
    kind: Literal["log"]
    url: _Url
    headers: Annotated[
        dict[_HeaderName, _HeaderValue],
        Field(max_length=MAX_HEADERS),
        AfterValidator(_judged_headers),
    ] = Field(default_factory=dict)
    body: Annotated[JsonValue, AfterValidator(_judged_body)] = Field(
        default_factory=lambda: dict(DEFAULT_BODY)
    )

    def target(self) -> AnchorTarget:
        """What it means."""
        return LogTarget(self.id, self.url, self.headers, self.body)


class WrittenWitness(_Written):
    """A witness."""

    url: _Url
    key: Annotated[str, Field(max_length=1000), AfterValidator(_judged_key)]

    def target(self) -> WitnessTarget:
        """What it means."""
        return WitnessTarget(self.url.rstrip("/"), Verifier.parse(self.key))


_Anchor = Annotated[WrittenFile | WrittenWebhook | WrittenLog, Field(discriminator="kind")]
KINDS = ("file", "webhook", "log")


class WrittenDestinations(_Written):
    """The whole file."""

    hosts: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)
    anchors: Annotated[list[_Anchor], Field(max_length=MAX_ANCHORS)] = Field(default_factory=list)
    witnesses: Annotated[list[WrittenWitness], Field(max_length=MAX_WITNESSES)] = Field(
        default_factory=list
    )
    quorum: Annotated[int, Field(ge=0)] = 0
    retryScale: Annotated[float, Field(ge=0.000001, le=10, strict=False)] = 1.0  # noqa: N815 - as the file writes it

    @model_validator(mode="after")
    def _quorum_can_be_had(self) -> "WrittenDestinations":
        if self.quorum > len(self.witnesses):
            told = f"{self.quorum} are wanted and the file names {len(self.witnesses)}"
            raise _coded("quorum", told)
        return self
