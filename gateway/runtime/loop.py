"""The governed loop as one thing that operations are handed."""

from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.ports import Actions, Clock, Dispatcher, Ids, Journal, Sealer
from gateway.pipeline import RateLimiter
from gateway.policy import Policies
from gateway.runtime.compensation import Compensations
from gateway.runtime.compiler import Compiler
from gateway.runtime.consent import Consent
from gateway.runtime.dispatch import StepDispatch
from gateway.runtime.gate import Gate
from gateway.runtime.grants import Grants
from gateway.runtime.keeping import Keeper
from gateway.runtime.lanes import Lanes
from gateway.runtime.lifecycle import Lifecycle
from gateway.runtime.operate import Operator
from gateway.runtime.override import Override
from gateway.runtime.reconcile import Reconciler
from gateway.runtime.replay import Replayer
from gateway.runtime.runner import Runner
from gateway.runtime.turn import Turns
from gateway.runtime.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Loop:
    """intent -> compile -> verify -> approve -> execute -> trace -> replay."""

    registry: Registry
    policies: Policies
    sealer: Sealer
    journal: Journal
    dispatcher: Dispatcher
    compiler: Compiler
    verifier: Verifier
    lifecycle: Lifecycle
    consent: Consent
    grants: Grants
    override: Override
    lanes: Lanes
    operator: Operator
    reconciler: Reconciler
    replayer: Replayer
    runner: Runner
    clock: Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop is built of. ``restored`` is as for ``StepDispatch``."""

    registry: Registry
    policies: Policies
    sealer: Sealer
    journal: Journal
    dispatcher: Dispatcher
    actions: Actions
    limiter: RateLimiter
    ids: Ids
    clock: Clock
    restored: int | None = None


def build_loop(
    parts: Parts, *, owner: str, lease: float, slots: int, cap: int | None = None
) -> Loop:
    """Put the parts of the loop together.

    ``owner`` names this process in claims, which last ``lease`` seconds unless they are prolonged;
    ``slots`` is how many attempts may be under way at a time, ``cap`` how many runs of a workspace
    may be held.
    """
    registry, policies, sealer, ids = parts.registry, parts.policies, parts.sealer, parts.ids
    compiler = Compiler(registry, sealer, lambda: ids.new("plan"))
    verifier = Verifier(registry, policies)
    lifecycle = Lifecycle(ids, sealer, parts.dispatcher)
    grants = Grants(policies, sealer, lambda: ids.new("grant"))
    gate = Gate(policies, sealer, grants, lambda: ids.new("appr"))
    compensations = Compensations(registry, sealer, compiler, verifier, lifecycle)
    dispatch = StepDispatch(registry, policies, sealer, parts.limiter, gate, parts.restored)
    return Loop(
        registry=registry,
        policies=policies,
        sealer=sealer,
        journal=parts.journal,
        dispatcher=parts.dispatcher,
        compiler=compiler,
        verifier=verifier,
        lifecycle=lifecycle,
        consent=Consent(policies, lifecycle),
        grants=grants,
        override=Override(policies, lifecycle),
        lanes=Lanes(policies, lifecycle),
        operator=Operator(lifecycle, compensations),
        reconciler=Reconciler(registry, sealer, lifecycle),
        replayer=Replayer(registry, policies, sealer, compiler, verifier),
        runner=Runner(
            journal=parts.journal,
            turns=Turns(dispatch, compensations, lease),
            sealer=sealer,
            registry=registry,
            actions=parts.actions,
            keeper=Keeper(parts.journal, owner, lease),
            slots=slots,
            cap=cap,
        ),
        clock=parts.clock,
    )
