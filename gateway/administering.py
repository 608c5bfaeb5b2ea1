"""Administering: policies while they are watched, changed and explained."""

from contextlib import AsyncExitStack
from functools import partial

from gateway.administration import (
    Analyses,
    InForce,
    PolicyWatch,
    Scopes,
    Shadows,
    shadowing,
)
from gateway.duties import Noticing
from gateway.environment import process_environment
from gateway.events import EventFeed
from gateway.journal import DurableJournal, Times, open_audit
from gateway.model.ports import Dispatcher
from gateway.model.time import stamp
from gateway.operations import bind_auditing, bind_changesets, bind_impact, bind_policy_reading
from gateway.pipeline import Bindings
from gateway.runtime import Loop
from gateway.settings import Settings


async def noticing(looks: Noticing, stack: AsyncExitStack) -> None:
    """Have this process notice what others do, until the end."""
    stack.push_async_callback(looks.stop)
    await looks.start()


async def watch_policy(
    journal: DurableJournal,
    in_force: InForce,
    dispatcher: Dispatcher,
    feed: EventFeed,
    stack: AsyncExitStack,
) -> None:
    """Follow the policy that the record names; after each change whoever waits looks again."""

    async def wake_runs() -> None:
        await journal.wake_waiting()
        dispatcher.schedule(stamp(journal.clock.now()))

    watch = PolicyWatch(journal, in_force, wake_runs, feed.recheck)
    await watch.start()
    stack.push_async_callback(watch.stop)


async def administration(
    loop: Loop, in_force: InForce, settings: Settings, stack: AsyncExitStack
) -> Bindings:
    """The handlers of what administers policy, and of what finds out the effects of a change."""
    journal, clock = loop.journal, loop.clock
    scopes = Scopes(frozenset(settings.policy_workspaces))
    analyses = Analyses(journal, clock, process_environment(settings))
    shadows = Shadows(journal, loop.policies, scopes, clock)
    stack.push_async_callback(analyses.stop)
    if settings.postgres_url is not None:
        await noticing(Noticing(journal, shadowing, shadows.look), stack)
    await shadows.start()
    stack.push_async_callback(shadows.stop)
    files_lead = settings.policy_source == "files"
    return {
        **bind_changesets(loop, scopes, in_force, shadows.report, files_lead=files_lead),
        **bind_policy_reading(loop, scopes),
        **bind_impact(loop, scopes, analyses, shadows),
        **bind_auditing(loop, scopes, partial(open_audit, settings.record, Times())),
    }
