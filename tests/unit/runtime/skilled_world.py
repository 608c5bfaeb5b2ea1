"""Another process over the record of a loop's world, whose files lack what a skill brings."""

from gateway.contracts import Bundle, LiveRegistry, Offer, Registry
from gateway.model.entry import EntryType, NewEntry
from gateway.runtime import Loop
from tests.unit.runtime.loop_world import WORKSPACE, LoopWorld

KEYED, DONE = "shop.keyed@1.0.0", "shop.keyed.done@1.0.0"


class Worker:
    """That process; the world itself has the contracts in its files."""

    def __init__(self, world: LoopWorld) -> None:
        whole = world.registry
        operations = [one for ref, one in whole.operations.items() if ref != KEYED]
        events = [one for ref, one in whole.events.items() if ref != DONE]
        self.live = LiveRegistry(Registry(operations, events), world.clock.now)
        self.bundle = Bundle({KEYED: whole.operations[KEYED]}, {DONE: whole.events[DONE]}, ())
        world.registry = self.live
        self.loop: Loop = world.process()
        world.registry = whole

    def takes_up(self) -> None:
        """What it does soon after the installation."""
        self.live.learn(self.bundle)
        self.live.took_up("skill_1")
        self.live.offer(WORKSPACE, [Offer(self.bundle)])


async def install(world: LoopWorld, bundle: Bundle) -> None:
    """Another process installs a skill that brings these contracts."""
    body = {
        "installationId": "skill_1",
        "skillKey": "shop",
        "version": "1.0.0",
        "publisher": "acme",
        "provenance": "",
        "manifestDigest": "",
        "artifactDigest": "",
        "manifest": {},
        "contracts": bundle.digests,
        "trustDigest": "",
    }
    await _append(world, EntryType.SKILL_INSTALLED, body)


async def disable(world: LoopWorld) -> None:
    """Another process takes the skill out of use."""
    await _append(world, EntryType.SKILL_DISABLED, {"skillKey": "shop", "version": "1.0.0"})


async def _append(world: LoopWorld, kind: EntryType, body: dict[str, object]) -> None:
    fact = NewEntry(kind, WORKSPACE, body, actor="olga")
    await world.journal.write(lambda tx: tx.append(fact))
