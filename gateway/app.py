"""The composition root: the only place that picks implementations and puts the rooms together."""

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.actions import ActionRunner, HttpActions, PythonActions, check_handlers
from gateway.contracts import Bundle, LiveRegistry, Registry, contents_of, load_contracts
from gateway.dispatch import EmbeddedDispatcher
from gateway.events import EventFeed
from gateway.evidence import Exporter, build_exporter
from gateway.identity import Authenticator, Issuer, LocalIssuer, OidcIssuer
from gateway.journal import Checkpointer, SqliteJournal
from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError
from gateway.model.system import RandomIds, SystemClock
from gateway.operations import (
    ArtifactUploads,
    DirectCalls,
    EvidenceDownloads,
    bind,
    bind_evidence,
    bind_skills,
    require_handlers,
)
from gateway.pipeline import Call, CallRecorder, Direct, Pipeline, RateLimiter
from gateway.policy import Policies, load_policies
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime import Loop, Parts, build_loop
from gateway.settings import Settings
from gateway.shipped import shipped_schema
from gateway.skills import MAX_TIMEOUT, SkillRegistry, open_skills
from gateway.surfaces.graphql import (
    Connections,
)
from gateway.webhooks import build_webhooks, load_endpoints

_log = logging.getLogger(__name__)

BUILT_IN = ("control-plane", "policy-admin")
"""Folders of the shipped schema that every gateway loads."""

WRITER = "embedded"
"""The name of this process in the chains of workspaces: one process serves a data folder."""

_LEASE_MARGIN = 15.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs: what doors and benchmarks need of it."""

    settings: Settings
    registry: LiveRegistry
    policies: Policies
    journal: SqliteJournal
    loop: Loop
    pipeline: Pipeline
    authenticator: Authenticator
    feed: EventFeed
    downloads: EvidenceDownloads
    uploads: ArtifactUploads
    connections: Connections = field(default_factory=Connections)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Who is calling, by the Authorization header; a token that does not hold is counted.

        Raises:
            ProblemError: UNAUTHENTICATED, or SERVICE_UNAVAILABLE without its issuer's keys.
        """
        try:
            return await self.authenticator.authenticate(authorization)
        except ProblemError:
            await self.pipeline.recorder.refused_token()
            raise

    async def call(
        self,
        contract: OperationContract,
        input: JsonObject,  # noqa: A002 - the word of the contract format
        *,
        principal: Principal,
        idempotency_key: str | None,
        trace_id: str | None,
    ) -> JsonObject:
        """One governed call (``Pipeline.call``), in the shape that doors ask for."""
        return await self.pipeline.call(Call(contract, input, principal, idempotency_key, trace_id))


def contract_folders(schema_dirs: Sequence[Path]) -> list[Path]:
    """The folders to load: the built-in contracts and those of the deployment."""
    built_in = [shipped_schema() / name for name in BUILT_IN]
    return [*(folder for folder in built_in if folder.is_dir()), *schema_dirs]


def load_registry(settings: Settings) -> Registry:
    """The contracts that a gateway with these settings serves.

    Raises:
        ProblemError: CONTRACTS_INVALID with every issue.
    """
    return load_contracts(contract_folders(settings.schema_dir))


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway from its settings; it runs until the context ends.

    Raises:
        ProblemError: contracts, policies, keys or data that it cannot run with.
    """
    clock, ids = SystemClock(), RandomIds()
    registry = LiveRegistry(load_registry(settings), clock.now)
    policies = load_policies(settings.policy_dir, registry)
    actions = _actions(settings, registry)
    skills = open_skills(
        registry,
        data_dir=settings.data_dir,
        policy_dir=settings.policy_dir,
        clock=clock,
        inspect=lambda brought: check_handlers(brought, actions),
    )
    keyring = Keyring.open(settings.data_dir)
    authenticator = Authenticator(_issuers(settings), clock, settings.token_leeway)
    limiter = RateLimiter(clock)
    contents = contents_of(Bundle(registry.operations, registry.events, registry.drafts))
    endpoints = load_endpoints(settings.webhooks, settings.webhook_hosts, registry)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(actions.close)
        journal = await SqliteJournal.open(settings.database_path, clock=clock, writer=WRITER)
        stack.push_async_callback(journal.close)
        dispatcher = EmbeddedDispatcher(journal, clock)
        sealer = KeyringSealer(keyring)
        parts = Parts(registry, policies, sealer, journal, dispatcher, actions, limiter, ids, clock)
        slots = settings.max_in_flight_steps
        loop = build_loop(parts, owner=ids.new("proc"), lease=_lease(registry), slots=slots)
        recorder = CallRecorder(journal, sealer, clock)
        checkpointer = Checkpointer(journal, keyring.signer, settings.checkpoint_interval)
        exporter = build_exporter(
            *(journal, sealer, keyring.signer, clock, checkpointer.checkpoint),
            folder=settings.data_dir / "evidence",
            content_of=lambda digest: contents.get(digest) or skills.content_of(digest),
        )
        await exporter.sweep()
        pipeline = _pipeline(loop, actions, limiter, recorder, exporter, skills)
        skills.restore(await journal.read(lambda records: records.all_skills(manifests=True)))
        adopted = await journal.adopt()
        if adopted:
            _log.info("resuming %d runs of an earlier process", adopted)
        await _activate(journal, policies)
        await checkpointer.start()
        stack.push_async_callback(checkpointer.stop)
        recorder.start()
        stack.push_async_callback(recorder.stop)
        if endpoints:
            hosts, scale = settings.webhook_hosts, settings.webhook_retry_scale
            webhooks = build_webhooks(endpoints, hosts, scale, journal, clock, sealer)
            stack.push_async_callback(webhooks.stop)
            await webhooks.start()
        dispatcher.start(loop.runner.advance)
        stack.push_async_callback(dispatcher.stop)
        feed = EventFeed(journal, registry, lambda: loop.policies, sealer, recorder)
        stack.callback(feed.close)
        downloads = EvidenceDownloads(pipeline, exporter.store)
        uploads = ArtifactUploads(pipeline, skills.store)
        yield Gateway(
            settings,
            registry,
            policies,
            journal,
            loop,
            pipeline,
            authenticator,
            feed,
            downloads,
            uploads,
        )


def _pipeline(
    loop: Loop,
    actions: ActionRunner,
    limiter: RateLimiter,
    recorder: CallRecorder,
    exporter: Exporter,
    skills: SkillRegistry,
) -> Pipeline:
    """The governed call around the loop, with a handler for every contract.

    Raises:
        ProblemError: CONTRACTS_INVALID with every contract that nobody performs.
    """
    bindings = bind(loop) | bind_evidence(loop, exporter) | bind_skills(loop, skills)
    require_handlers(loop.registry, bindings)
    direct = DirectCalls(loop, recorder)
    return Pipeline(
        registry=loop.registry,
        policies=loop.policies,
        journal=loop.journal,
        sealer=loop.sealer,
        actions=actions,
        limiter=limiter,
        recorder=recorder,
        bindings=bindings,
        direct=Direct(direct.perform, direct.resume),
    )


def _actions(settings: Settings, registry: Registry) -> ActionRunner:
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


def _issuers(settings: Settings) -> list[Issuer]:
    issuers: list[Issuer] = [OidcIssuer(config) for config in settings.oidc_issuers]
    if settings.believes_local_tokens:
        issuers.append(LocalIssuer.open(settings.data_dir))
    return issuers


def _lease(registry: Registry) -> float:
    """Seconds that a claim lasts without a turn: longer than any attempt can take."""
    timeouts = [
        contract.handler.timeout for contract in registry.operations.values() if contract.handler
    ]
    return max([*timeouts, MAX_TIMEOUT]) + _LEASE_MARGIN


async def _activate(journal: SqliteJournal, policies: Policies) -> None:
    """Put the loaded policy revision in force, recorded if it is another one than before.

    Runs that wait are then looked at again, for what they were asked may have changed.
    """

    def unit(tx: Tx) -> bool:
        if tx.policy_head() == policies.revision:
            return False
        body = {"revision": policies.revision, "source": "files"}
        tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))
        return True

    if await journal.write(unit):
        await journal.wake_waiting()
