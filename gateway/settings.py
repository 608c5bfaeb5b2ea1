"""Settings: the typed environment (``GATEWAY_*``), each of which is also a flag of the commands.

The fields of ``Settings`` hold each setting's one description; flags and ``docs/settings.md`` come
from there. They are read by ``environment.load_settings``.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from gateway.console_settings import ConsoleSettings
from gateway.identity import MAX_LEEWAY
from gateway.setting_values import (
    ExistingFile,
    Folder,
    Folders,
    HostPatterns,
    NewFolder,
    OidcIssuers,
    Origins,
    Workspaces,
)
from gateway.setting_values import setting as _setting
from gateway.shipped import shipped_policies, shipped_schema

PREFIX = "GATEWAY_"
"""What the environment variable of every setting begins with."""


class Settings(ConsoleSettings):
    """Everything that a deployment can set. Make one with ``load_settings``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: str = _setting(
        "127.0.0.1",
        "Address to listen on.",
        "an address of this machine; 0.0.0.0 means all",
        min_length=1,
    )
    port: int = _setting(
        8000,
        "Port to listen on.",
        "a number from 0 to 65535; 0 takes any free port",
        ge=0,
        le=65535,
    )
    schema_dir: Folders = _setting(
        lambda: (shipped_schema(),),
        "Folders of a deployment's contracts, added to the built-in ones.",
        "existing folders, separated by ':'",
        shown="the shipped schema/",
    )
    policy_dir: Folder = _setting(
        shipped_policies,
        "Folder of the policies: models, rules and their cases.",
        "an existing folder",
        shown="the shipped policies/",
    )
    policy_source: Literal["store", "files"] = _setting(
        "store",
        "What leads once the files have seeded the store: its changesets, or the files at each "
        "start.",
        "store or files",
    )
    policy_workspaces: Workspaces = _setting(
        (),
        "Workspaces whose administrators see and change all policies, not only their own rows.",
        "workspaces, separated by commas",
        shown="none",
    )
    action_hosts: HostPatterns = _setting(
        (),
        "Hosts that http actions may call, private ones included. Without it: any public host.",
        "patterns such as payments.internal:8443,*.example.com,127.0.0.1:*",
        shown="none",
    )
    action_origins: Origins = _setting(
        dict,
        "Where the origins that contracts name really are.",
        "pairs such as http://support.internal=http://127.0.0.1:9000, separated by commas",
        shown="none",
    )
    webhooks: ExistingFile | None = _setting(
        None,
        "File of the endpoints that are told of events, in YAML. Without it: none.",
        "an existing file; see docs/webhooks.md",
        shown="none",
    )
    webhook_hosts: HostPatterns = _setting(
        (),
        "Hosts of webhook endpoints, private ones included. Without it: any public one by https.",
        "patterns such as hooks.internal:8443,*.example.com,127.0.0.1:*",
        shown="none",
    )
    webhook_retry_scale: float = _setting(
        1.0,
        "What the pauses between attempts of a webhook delivery are multiplied with.",
        "a number from 0.000001 to 10",
        ge=0.000001,
        le=10,
        allow_inf_nan=False,
    )
    anchors: ExistingFile | None = _setting(
        None,
        "File of the anchors and witnesses that checkpoints go to, in YAML. Without it: none.",
        "an existing file; see docs/anchors.md",
        shown="none",
    )
    introspection: Literal["caller", "public", "on", "admin", "off"] = _setting(
        "caller",
        "Who may ask for the GraphQL schema, and how much of it they see (docs/introspection.md). "
        "caller: each caller with a token what it may call.",
        "caller, public, on, admin or off",
    )
    documents_dir: NewFolder | None = _setting(
        None,
        "Folder of the manifests of trusted documents, in which `gateway documents add` puts them.",
        "a folder; see docs/trusted-documents.md",
        shown="none",
    )
    trusted_documents: Literal["off", "log", "prefer", "require"] = _setting(
        "off",
        "What trusted documents are for: log tells which others run, prefer keeps them ready, "
        "require runs no others.",
        "off, or with GATEWAY_DOCUMENTS_DIR log, prefer or require",
    )
    apq: Literal["on", "off"] = _setting(
        "off",
        "Whether clients may send a hash for a text that they sent before (automatic persisted "
        "queries).",
        "on or off; with GATEWAY_TRUSTED_DOCUMENTS=require it is off",
    )
    federation: Literal["on", "off"] = _setting(
        "off",
        "Whether a router of Apollo Federation is served: the subgraph's SDL, and entities by key.",
        "on or off; see docs/federation.md",
    )
    http_profile: Literal["spec", "audit"] = _setting(
        "spec",
        "Which statuses GraphQL requests are answered with: those of the current text of GraphQL "
        "over HTTP, or those of the graphql-http audits.",
        "spec or audit; see docs/graphql-http.md",
    )
    oidc_issuers: OidcIssuers = _setting(
        (),
        "OpenID Connect issuers whose tokens are believed.",
        'a JSON list such as [{"issuer": "https://id.example.com", "audience": "gateway"}]',
        shown="none",
        validate_default=True,
    )
    local_tokens: Literal["auto", "on", "off"] = _setting(
        "auto",
        "Whether tokens of `gateway token issue` are believed. auto: only without an OIDC issuer.",
        "auto, on or off",
    )
    token_leeway: float = _setting(
        10.0,
        "Seconds by which the clock of a token's issuer may differ.",
        f"a number from 0 to {MAX_LEEWAY:g}",
        ge=0,
        le=MAX_LEEWAY,
        allow_inf_nan=False,
    )
    revoked_tokens: ExistingFile | None = _setting(
        None,
        "File of the tokens that are believed no more, looked at once a second.",
        "an existing file; see docs/tokens.md",
        shown="none",
    )
    checkpoint_interval: float = _setting(
        60.0,
        "Seconds between two signed checkpoints of the journal.",
        "a number from 1 to 86400",
        ge=1,
        le=86_400,
        allow_inf_nan=False,
    )
    privacy_sweep_interval: float = _setting(
        60.0,
        "Seconds between two looks for personal data that was kept long enough.",
        "a number from 0.05 to 86400",
        ge=0.05,
        le=86_400,
        allow_inf_nan=False,
    )
    privacy_clock_leap: float = _setting(
        7.0,
        "Days that may pass while nothing runs; a clock that says more is not believed at once.",
        "a number from 2 to 36500",
        ge=2,
        le=36_500,
        allow_inf_nan=False,
    )
    body_bytes: int = _setting(
        262_144,
        "Size of the largest request body that is read, in bytes.",
        "a number from 1024 to 16777216",
        ge=1024,
        le=16_777_216,
    )

    @field_validator("trusted_documents")
    @classmethod
    def _has_documents(cls, value: str, info: ValidationInfo) -> str:
        if value != "off" and info.data.get("documents_dir", ...) is None:
            raise ValueError("GATEWAY_DOCUMENTS_DIR names no folder of documents")
        return value

    @field_validator("oidc_issuers")
    @classmethod
    def _believes_whom_people_sign_in_with(
        cls, value: OidcIssuers, info: ValidationInfo
    ) -> OidcIssuers:
        flow = info.data.get("console_oidc")
        if flow is not None and flow.issuer not in {one.issuer for one in value}:
            raise ValueError("the issuer of GATEWAY_CONSOLE_OIDC is not among them")
        return value

    @field_validator("apq")
    @classmethod
    def _fits_trust(cls, value: str, info: ValidationInfo) -> str:
        if value == "on" and info.data.get("trusted_documents") == "require":
            raise ValueError("with GATEWAY_TRUSTED_DOCUMENTS=require clients register nothing")
        return value

    @property
    def believes_local_tokens(self) -> bool:
        """True if development tokens are believed."""
        return self.local_tokens == "on" or (self.local_tokens == "auto" and not self.oidc_issuers)


@dataclass(frozen=True, slots=True)
class Setting:
    """What there is to say of one setting: ``name`` is its argument of ``load_settings``."""

    name: str
    description: str
    expects: str
    default: str
    secret: bool

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"{PREFIX}{self.name.upper()}"

    @property
    def flag(self) -> str:
        """Its flag."""
        return f"--{self.name.replace('_', '-')}"


def _described() -> tuple[Setting, ...]:
    found = []
    inherited = [name for name in Settings.model_fields if name not in Settings.__annotations__]
    for name in (*Settings.__annotations__, *inherited):
        info = Settings.model_fields.get(name)
        if info is None:  # the configuration of the class
            continue
        extra = info.json_schema_extra
        told: dict[str, Any] = extra if isinstance(extra, dict) else {}
        default = told.get("shown", info.default)
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        found.append(
            Setting(name, info.description or "", told["expects"], shown, bool(told.get("secret")))
        )
    return tuple(found)


SETTINGS = _described()
"""Every setting, in the order of the documentation."""


def settings_table() -> str:
    """The reference of all settings as a Markdown table."""
    rows = [
        f"| `{setting.variable}` | `{setting.flag}` | {_cell(setting.default)} |"
        f" {_cell(setting.description)} Set it to {_cell(setting.expects)}. |"
        for setting in SETTINGS
    ]
    return "\n".join(
        ["| variable | flag | default | meaning |", "| --- | --- | --- | --- |", *rows]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
