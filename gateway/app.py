"""The composition root: the only place that picks implementations and puts the rooms together."""

import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.actions import ActionRunner, HttpActions, PythonActions, check_handlers
from gateway.contracts import Registry, load_contracts
from gateway.dispatch import EmbeddedDispatcher
from gateway.identity import Authenticator, Issuer, LocalIssuer, OidcIssuer
from gateway.journal import Checkpointer, SqliteJournal
from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError
from gateway.model.system import RandomIds, SystemClock
from gateway.operations import DirectCalls, bind, require_handlers
from gateway.pipeline import Call, CallRecorder, Direct, Pipeline, RateLimiter
from gateway.policy import Policies, load_policies
from gateway.privacy import Keyring, KeyringSealer
from gateway.runtime import Loop, Parts, build_loop
from gateway.settings import Settings
from gateway.shipped import shipped_schema
from gateway.surfaces.graphql import Introspection, Limits, build_schema, graphql_routes

_log = logging.getLogger(__name__)

BUILT_IN = ("control-plane", "policy-admin")
"""Folders of the shipped schema that every gateway loads."""

WRITER = "embedded"
"""The name of this process in the chains of workspaces: one process serves a data folder."""

_LEASE_MARGIN = 15.0
_ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs: what doors and benchmarks need of it."""

    settings: Settings
    registry: Registry
    policies: Policies
    journal: SqliteJournal
    loop: Loop
    pipeline: Pipeline
    authenticator: Authenticator

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
    registry = load_registry(settings)
    policies = load_policies(settings.policy_dir, registry)
    actions = _actions(settings, registry)
    keyring = Keyring.open(settings.data_dir)
    authenticator = Authenticator(_issuers(settings), clock, settings.token_leeway)
    limiter = RateLimiter(clock)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(actions.close)
        journal = await SqliteJournal.open(settings.database_path, clock=clock, writer=WRITER)
        stack.push_async_callback(journal.close)
        dispatcher = EmbeddedDispatcher(journal, clock)
        sealer = KeyringSealer(keyring)
        parts = Parts(registry, policies, sealer, journal, dispatcher, actions, limiter, ids)
        slots = settings.max_in_flight_steps
        loop = build_loop(parts, owner=ids.new("proc"), lease=_lease(registry), slots=slots)
        recorder = CallRecorder(journal, sealer, clock)
        pipeline = _pipeline(loop, actions, limiter, recorder)
        adopted = await journal.adopt()
        if adopted:
            _log.info("resuming %d runs of an earlier process", adopted)
        await _activate(journal, policies)
        checkpointer = Checkpointer(journal, keyring.signer, settings.checkpoint_interval)
        await checkpointer.start()
        stack.push_async_callback(checkpointer.stop)
        recorder.start()
        stack.push_async_callback(recorder.stop)
        dispatcher.start(loop.runner.advance)
        stack.push_async_callback(dispatcher.stop)
        yield Gateway(settings, registry, policies, journal, loop, pipeline, authenticator)


def _pipeline(
    loop: Loop, actions: ActionRunner, limiter: RateLimiter, recorder: CallRecorder
) -> Pipeline:
    """The governed call around the loop, with a handler for every contract.

    Raises:
        ProblemError: CONTRACTS_INVALID with every contract that nobody performs.
    """
    bindings = bind(loop)
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


def create_app(gateway: Gateway) -> Starlette:
    """The HTTP application of a running gateway: ``/graphql``, ``/healthz`` and ``/readyz``."""
    settings = gateway.settings
    graphql = graphql_routes(
        build_schema(gateway.registry),
        gateway,
        gateway.authenticate,
        introspection=Introspection(settings.introspection),
        may_introspect=lambda principal: gateway.policies.holds(principal, _ADMIN),
        limits=Limits(body_bytes=settings.body_bytes),
    )

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        """Ready: the journal answers, and this process decides under the policy in force."""
        try:
            head = await gateway.journal.read(lambda records: records.policy_head())
        except ProblemError as error:
            return JSONResponse({"status": "not ready", "code": error.problem.code}, 503)
        if head != gateway.policies.revision:
            return JSONResponse({"status": "not ready", "policyVersion": head}, 503)
        return JSONResponse({"status": "ready", "policyVersion": head})

    return Starlette(routes=[*graphql, Route("/healthz", healthz), Route("/readyz", readyz)])


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on, bound before anything else starts, so that its port is known.

    Raises:
        ProblemError: SETTINGS_INVALID when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        told = (
            f"{settings.host}:{settings.port} cannot be listened on: {reason}. Set GATEWAY_PORT "
            "to a free port (0 takes any) or GATEWAY_HOST to an address of this machine."
        )
        raise ProblemError(
            Problem("SETTINGS_INVALID", "The settings are not valid", 500, told, "validation")
        ) from error
    return sock


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
    return max(timeouts, default=0.0) + _LEASE_MARGIN


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
