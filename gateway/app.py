"""The composition root: the only place that picks implementations and puts the rooms together."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.actions import ActionRunner
from gateway.administering import administration, noticing, watch_policy
from gateway.administration import InForce, Seeded, put_in_force
from gateway.advancing import Advancing, Role, reminders, require_role
from gateway.anchoring import Destinations
from gateway.bounding import connection_limits
from gateway.companions import COMPANIONS
from gateway.contracts import Bundle, LiveRegistry, contents_of
from gateway.events import EventFeed
from gateway.evidence import Exporter, build_exporter
from gateway.identity import Authenticator
from gateway.journal import (
    Checkpointer,
    DurableJournal,
    keep_mark,
    open_journal,
)
from gateway.loading import Loaded, bounds_of, load, mark_folder
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError
from gateway.model.system import RandomIds
from gateway.observing import is_observed, observing
from gateway.operations import (
    ArtifactUploads,
    DirectCalls,
    EvidenceDownloads,
    bind,
    bind_checkpoints,
    bind_evidence,
    bind_privacy,
    bind_skills,
    require_handlers,
    with_readings,
)
from gateway.outgoing import Outgoing
from gateway.pipeline import (
    Admission,
    Bindings,
    Call,
    CallRecorder,
    Direct,
    Gauges,
    ObservedPipeline,
    Pipeline,
    RateLimiter,
)
from gateway.policy import Policies
from gateway.privacy import KeyringSealer
from gateway.rights import Pace, Rights, open_rights
from gateway.runtime import Loop
from gateway.settings import Settings
from gateway.sharing import open_limits
from gateway.skills import follow_skills
from gateway.surfaces.graphql import Connections
from gateway.surveying import surveying

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs: what doors and benchmarks need of it. ``look_for_keys`` raises where the
    store of keys cannot be read."""

    settings: Settings
    registry: LiveRegistry
    policies: Policies
    journal: DurableJournal
    loop: Loop
    pipeline: Pipeline
    authenticator: Authenticator
    feed: EventFeed
    downloads: EvidenceDownloads
    uploads: ArtifactUploads
    connections: Connections
    destinations: Destinations
    look_for_keys: Callable[[], object]

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


@contextlib.asynccontextmanager
async def running(settings: Settings, role: Role = Role.GATEWAY) -> AsyncIterator[Gateway]:
    """A gateway from its settings; it runs until the context ends.

    A worker is made of the same parts; what it lacks is doors.

    Raises:
        ProblemError: contracts, policies, keys or data that it cannot run with.
    """
    require_role(settings, role)
    loaded = load(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(loaded.close)
        stack.enter_context(observing(settings))
        journal = await open_journal(
            *(settings.record, settings.data_dir),
            clock=loaded.clock,
            before_commit=loaded.keyring.data.settle,
            companions=COMPANIONS,
            reminders=reminders(settings),
        )
        stack.push_async_callback(journal.close)
        loaded.keyring.require_unchanged()  # they were opened before the folder was locked
        keeper = await keep_mark(journal, mark_folder(settings))
        stack.push_async_callback(keeper.stop)
        if settings.postgres_url is not None:
            await noticing(follow_skills(journal, loaded.skills), stack)
        installed = await journal.read(lambda records: records.all_skills(manifests=True))
        loaded.skills.restore(installed)
        # Rules may speak of the contracts of skills.
        files = (settings.policy_source, settings.policy_dir)
        seeded = await put_in_force(journal, *files, loaded.registry)
        advancing = Advancing(settings, journal, role)
        yield await _started(loaded, seeded, journal, advancing, stack)


async def _started(
    loaded: Loaded,
    seeded: Seeded,
    journal: DurableJournal,
    advancing: Advancing,
    stack: contextlib.AsyncExitStack,
) -> Gateway:
    """The gateway on its journal, with everything running that ``stack`` then stops."""
    settings = loaded.settings
    limits = open_limits(settings, loaded.clock)
    stack.callback(limits.close)
    limiter = RateLimiter(limits)
    sealer = KeyringSealer(loaded.keyring, loaded.retention.lifetime)
    policies = Policies(seeded.revision)
    restored = await journal.read(lambda records: records.restored_at_position())
    loop = advancing.loop(loaded, policies, sealer, limiter, restored)
    recorder = CallRecorder(journal, sealer, loaded.clock)
    outgoing = Outgoing(loaded, journal, sealer)
    exporter = _exporter(loaded, journal, sealer, outgoing.checkpointer)
    await exporter.sweep()
    swept = (settings.record, Pace(settings.privacy_sweep_interval, settings.privacy_clock_leap))
    rights = await open_rights(loop, loaded.keyring, loaded.retention, RandomIds(), *swept)
    in_force = InForce(policies)
    bindings = {
        **_bindings(loop, loaded, exporter, outgoing.checkpointer, rights),
        **await administration(loop, in_force, settings, stack),
        **surveying(loop, loaded, journal, rights.calendar.look, stack),
    }
    admission = Admission(bounds_of(settings), Gauges(advancing.waiting, journal.delay))
    pipeline = _pipeline(settings, loop, loaded.actions, limiter, recorder, bindings, admission)
    await _resume(journal, seeded)
    feed = EventFeed(journal, loaded.registry, lambda: loop.policies, sealer, recorder)
    await watch_policy(journal, in_force, advancing.dispatcher, feed, stack)
    await outgoing.start(rights.sweeper, stack)
    recorder.start()
    stack.push_async_callback(recorder.stop)
    await advancing.start(loop, stack)
    stack.callback(feed.close)
    downloads = EvidenceDownloads(pipeline, exporter.store)
    return _gateway(loaded, journal, loop, pipeline, feed, downloads)


def _gateway(
    loaded: Loaded,
    journal: DurableJournal,
    loop: Loop,
    pipeline: Pipeline,
    feed: EventFeed,
    downloads: EvidenceDownloads,
) -> Gateway:
    """What the doors are given."""
    settings = loaded.settings
    return Gateway(
        settings=settings,
        registry=loaded.registry,
        policies=loop.policies,
        journal=journal,
        loop=loop,
        pipeline=pipeline,
        authenticator=loaded.authenticator,
        feed=feed,
        downloads=downloads,
        uploads=ArtifactUploads(pipeline, loaded.skills.store),
        connections=Connections(connection_limits(settings)),
        destinations=loaded.destinations,
        look_for_keys=loaded.keyring.vault.store.root_key,
    )


async def _resume(journal: DurableJournal, seeded: Seeded) -> None:
    """Have runs go on that an earlier process left, and those that wait look at a new policy."""
    adopted = await journal.adopt()
    if adopted:
        _log.info("resuming %d runs of an earlier process", adopted)
    if seeded.is_new:
        await journal.wake_waiting()  # what they were asked may have changed


def _bindings(
    loop: Loop, loaded: Loaded, exporter: Exporter, checkpointer: Checkpointer, rights: Rights
) -> Bindings:
    """The handlers of the built-in contracts, but for those of administration."""
    return {
        **bind(loop),
        **bind_evidence(loop, exporter),
        **bind_skills(loop, loaded.skills),
        **bind_checkpoints(checkpointer.checkpoint, loaded.destinations),
        **bind_privacy(loop, rights),
    }


def _exporter(
    loaded: Loaded, journal: DurableJournal, sealer: KeyringSealer, checkpointer: Checkpointer
) -> Exporter:
    registry, skills = loaded.registry, loaded.skills
    contents = contents_of(Bundle(registry.operations, registry.events, registry.drafts))
    return build_exporter(
        *(journal, sealer, loaded.keyring.signer, loaded.clock, checkpointer.checkpoint),
        blobs=loaded.evidence,
        content_of=lambda digest: contents.get(digest) or skills.content_of(digest),
    )


def _pipeline(
    settings: Settings,
    loop: Loop,
    actions: ActionRunner,
    limiter: RateLimiter,
    recorder: CallRecorder,
    bindings: Bindings,
    admission: Admission,
) -> Pipeline:
    """The governed call around the loop, with a handler for every contract.

    Raises:
        ProblemError: CONTRACTS_INVALID with every contract that nobody performs.
    """
    require_handlers(loop.registry, bindings)
    direct = DirectCalls(loop, recorder)
    kind = ObservedPipeline if is_observed(settings) else Pipeline
    return kind(
        registry=loop.registry,
        policies=loop.policies,
        journal=loop.journal,
        sealer=loop.sealer,
        actions=actions,
        limiter=limiter,
        recorder=recorder,
        bindings=with_readings(loop.registry, bindings),
        direct=Direct(direct.perform, direct.resume),
        admission=admission,
        answer_bytes=settings.max_answer_bytes,
    )
