"""Surveying: what looks how a running gateway fares, put together."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from gateway.contracts import Registry
from gateway.health import Checks, Health, Watched
from gateway.journal import DurableJournal
from gateway.loading import Loaded
from gateway.operations import bind_health
from gateway.pipeline import Bindings
from gateway.rights import Reading
from gateway.runtime import Loop
from gateway.settings import Settings

PUBLISHED = "gateway.graphql"
"""The schema that a folder of contracts is published with."""


def surveying(
    loop: Loop,
    loaded: Loaded,
    journal: DurableJournal,
    believed: Callable[[], Reading],
    stack: AsyncExitStack,
) -> Bindings:
    """The handler of what tells how this gateway fares; ``stack`` ends what it does meanwhile.
    ``believed`` tells how far the clock is."""
    settings = loaded.settings
    checks = Checks(loop.policies, partial(differing_schemas, settings, loaded.registry.base))
    stack.push_async_callback(checks.stop)
    watched = Watched(
        journal=journal,
        registry=loaded.registry,
        policies=loop.policies,
        clock=loop.clock,
        destinations=loaded.destinations,
        verifies=loaded.skills.holds,
        runs_waiting=loop.dispatcher.waiting,
        delay=journal.delay,
        objective=settings.objective,
        interval=settings.checkpoint_interval,
        believes_both=settings.believes_local_tokens and bool(settings.oidc_issuers),
        believed=believed,
    )
    return bind_health(Health(watched, checks))


def differing_schemas(settings: Settings, contracts: Registry) -> Sequence[str]:
    """The schemas that lie beside a deployment's contracts and are not what these give."""
    texts = {}
    for folder in settings.schema_dir:
        file = folder / PUBLISHED
        if file.is_file():
            texts[f"{folder.name}/{PUBLISHED}"] = file.read_text(encoding="utf-8", errors="replace")
    if not texts:
        return ()

    from gateway.surfaces.graphql import build_schema, print_sdl  # takes a while, in any thread

    given = print_sdl(build_schema(contracts)).strip()
    return [name for name, text in texts.items() if text.strip() != given]
