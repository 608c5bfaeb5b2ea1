"""Loading: everything that files and settings say, read and checked before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.actions import ActionRunner, HttpActions, PythonActions, check_handlers
from gateway.anchoring import Destinations, load_destinations
from gateway.blobs import Blobs
from gateway.contracts import LiveRegistry, Registry, load_contracts
from gateway.identity import Authenticator, Issuer, LocalIssuer, OidcIssuer, RevocationFile
from gateway.journal import is_endorsed, read_record
from gateway.model.ports import Clock, Records
from gateway.model.problem import Problem, ProblemError
from gateway.model.system import RandomIds, SystemClock, unusable_key
from gateway.pipeline import Bounds
from gateway.privacy import (
    CheckpointKeys,
    CheckpointSigner,
    Keyring,
    Vault,
    finish_rotation,
    open_vault,
)
from gateway.rights import Retention, load_retention
from gateway.settings import Settings
from gateway.sharing import open_blobs
from gateway.shipped import shipped_schema
from gateway.skills import AREA, SkillRegistry, open_skills
from gateway.webhooks import Endpoint, load_endpoints

BUILT_IN = ("control-plane", "policy-admin", "audit", "privacy")
"""Folders of the shipped schema that every gateway loads."""


def contract_folders(schema_dirs: Sequence[Path]) -> list[Path]:
    """The folders to load: the built-in contracts and those of the deployment."""
    return [*built_in_folders(), *schema_dirs]


def built_in_folders() -> list[Path]:
    """The folders of the contracts that every gateway performs itself."""
    folders = (shipped_schema() / name for name in BUILT_IN)
    return [folder for folder in folders if folder.is_dir()]


def load_registry(settings: Settings) -> Registry:
    """The contracts that a gateway with these settings serves.

    Raises:
        ProblemError: CONTRACTS_INVALID with every issue.
    """
    return load_contracts(contract_folders(settings.schema_dir))


def known_contracts(settings: Settings) -> Registry:
    """The contracts that a gateway with these settings knows, those of skills included.

    Raises:
        ProblemError: CONTRACTS_INVALID, or POLICIES_INVALID for a trust policy with faults.
    """
    place = settings.record
    if isinstance(place, Path) and not place.exists():
        return load_registry(settings)
    return read_record(place, lambda records: contracts_in(settings, records))


def contracts_in(settings: Settings, records: Records) -> Registry:
    """As ``known_contracts``, where the record is open already."""
    clock = SystemClock()
    live = LiveRegistry(load_registry(settings), clock.now)
    blobs, policies = open_blobs(settings, AREA), settings.policy_dir
    skills = open_skills(live, blobs=blobs, policy_dir=policies, clock=clock, inspect=lambda _: [])
    try:
        skills.restore(records.all_skills(manifests=True))
    finally:
        blobs.close()
    return live


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a gateway is made of before its journal is open: read, checked, nothing running."""

    settings: Settings
    registry: LiveRegistry
    actions: ActionRunner
    skills: SkillRegistry
    endpoints: tuple[Endpoint, ...]
    destinations: Destinations
    keyring: Keyring
    retention: Retention
    authenticator: Authenticator
    artifacts: Blobs
    evidence: Blobs
    clock: SystemClock

    async def close(self) -> None:
        """Let go of what was opened."""
        await self.actions.close()
        self.artifacts.close()
        self.evidence.close()
        self.keyring.data.close()


def load(settings: Settings) -> Loaded:
    """What these settings name.

    Raises:
        ProblemError: contracts, trust, endpoints, anchors, keys or revoked tokens that a gateway
            cannot run with.
    """
    clock = SystemClock()
    registry = LiveRegistry(load_registry(settings), clock.now)
    actions = open_actions(settings, registry)
    artifacts = open_blobs(settings, AREA)
    skills = open_skills(
        registry,
        blobs=artifacts,
        policy_dir=settings.policy_dir,
        clock=clock,
        inspect=lambda brought: check_handlers(brought, actions),
    )
    endpoints = load_endpoints(settings.webhooks, settings.webhook_hosts, registry)
    destinations = load_destinations(settings.anchors)
    retention = Retention(load_retention(settings.policy_dir), registry)
    keyring = open_keyring(settings)
    told = (endpoints, destinations, keyring, retention, _authenticator(settings, keyring, clock))
    blobs = (artifacts, open_blobs(settings, "evidence"))
    return Loaded(settings, registry, actions, skills, *told, *blobs, clock)


def open_actions(settings: Settings, registry: Registry) -> ActionRunner:
    """What performs actions.

    Raises:
        ProblemError: CONTRACTS_INVALID with every handler that it cannot call.
    """
    http = HttpActions(settings.action_hosts, settings.action_origins)
    actions = ActionRunner(http, PythonActions())
    issues = tuple(check_handlers(registry.operations.values(), actions))
    if issues:
        raise ProblemError(
            Problem(
                code="CONTRACTS_INVALID",
                title="The contracts cannot be served",
                status=500,
                detail=" ".join(f"{issue.path}: {issue.message}" for issue in issues[:3]),
                category="validation",
                issues=issues,
            )
        )
    return actions


def key_folder(settings: Settings) -> Path:
    """The folder of the keys; an earlier release's, inside the data folder, is moved there once.

    Raises:
        ProblemError: KEYS_UNUSABLE when it cannot be moved, or both are there.
    """
    earlier, folder = settings.data_dir / "keys", settings.key_dir
    if not earlier.is_dir() or earlier.absolute() == folder.absolute():
        return folder
    if folder.exists():
        raise unusable_key(
            earlier,
            f"holds keys, and so does {folder}. Keep the folder whose keys sealed the record, as "
            f"{folder}, and move the other away",
        )
    try:
        earlier.rename(folder)
    except OSError as error:
        raise unusable_key(
            earlier, f"could not be moved to {folder} ({error.strerror}). Move it there yourself"
        ) from error
    return folder


def mark_folder(settings: Settings) -> Path:
    """Where the mark of the record is, apart from the record: with the keys where the record is in
    the data folder, else in the data folder."""
    return key_folder(settings) if settings.postgres_url is None else settings.data_dir


def open_keyring(settings: Settings) -> Keyring:
    """The keyring of these settings.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    folder = key_folder(settings)
    database, place = settings.key_database, settings.record
    if not database and isinstance(place, Path):
        finish_rotation(place, CheckpointKeys(folder))
    return Keyring.open(
        folder,
        settings.root_key,
        database=database,
        is_endorsed=lambda key: is_endorsed(place, key),
    )


def bounds_of(settings: Settings) -> Bounds:
    """How much may be under way at once."""
    return Bounds(settings.max_requests, settings.max_waiting_runs, settings.max_delay)


def _authenticator(settings: Settings, keyring: Keyring, clock: Clock) -> Authenticator:
    """What believes tokens: whose, and which no more.

    Raises:
        ProblemError: REVOCATIONS_INVALID.
    """
    issuers: list[Issuer] = [OidcIssuer(config) for config in settings.oidc_issuers]
    if settings.believes_local_tokens:
        issuers.append(_local_issuer(settings, keyring.vault))
    path = settings.revoked_tokens
    revoked = RevocationFile(path, clock) if path is not None else None
    return Authenticator(issuers, clock, settings.token_leeway, revoked)


def checkpoint_signer(settings: Settings) -> CheckpointSigner:
    """What signs checkpoints, for a command that needs no other key.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    folder, database = key_folder(settings), settings.key_database
    if not database:
        return CheckpointKeys(folder).current()
    vault = open_vault(folder, settings.root_key, SystemClock(), database)
    try:
        return vault.checkpoint.current()
    finally:
        vault.store.close()


def local_issuer(settings: Settings, clock: Clock | None = None) -> LocalIssuer:
    """What issues development tokens, for a command; they are issued at the moment of ``clock``.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    if not settings.key_database:
        return LocalIssuer.open(key_folder(settings), clock)
    key_dir, root_key = key_folder(settings), settings.root_key
    vault = open_vault(key_dir, root_key, SystemClock(), settings.key_database)
    try:
        return _local_issuer(settings, vault, clock)
    finally:
        vault.store.close()


def _local_issuer(settings: Settings, vault: Vault, clock: Clock | None = None) -> LocalIssuer:
    if vault.tokens is None:
        return LocalIssuer.open(key_folder(settings), clock)
    return LocalIssuer(vault.tokens.key(), clock or SystemClock(), RandomIds())
