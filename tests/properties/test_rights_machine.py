"""Any sequence of mail, erasures, holds, sweeps, restarts and restores keeps the promises.

What was destroyed once never opens again. What nobody erased and no rule let go stays readable.
What is held stays. Tables, entries and keys agree.
"""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.model.ports import Page, Records
from gateway.model.problem import ProblemError
from gateway.model.rights import Erasure, ErasureStatus, RightsFilter
from gateway.rights import RetentionRule
from tests.properties.amounts import examples
from tests.unit.rights.rights_world import RightsWorld

PEOPLE = [f"{name}@x.org" for name in ("ada", "bob", "cy")]
DAY = 86_400
RULES = (RetentionRule("shop.mail", None, "10d", 10 * DAY),)


class Machine(RuleBasedStateMachine):
    """Rules act on a gateway's record and keys; the invariants look at every envelope."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.dead: set[str] = set()  # keys that were seen destroyed
        self.held: dict[str, list[str]] = {}  # a hold's keys, as they were when it was placed
        self.is_backed_up = False
        self.world: RightsWorld

    def run(self, doing):  # type: ignore[no-untyped-def] # whatever is awaited
        return self.loop.run_until_complete(doing)

    @initialize()
    def begin(self) -> None:
        self.world = RightsWorld(Path(self.folder.name), rules=RULES)
        self.run(self.world.start())

    @rule(names=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True))
    def mail(self, names: list[str]) -> None:
        self.run(self.world.mail(*names))

    @rule(name=st.sampled_from(PEOPLE))
    def ask_and_approve(self, name: str) -> None:
        try:
            self.run(self.world.approve(self.run(self.world.ask(self.world.named(name)))))
        except ProblemError as error:
            if error.problem.code != "CONFLICT":
                raise

    @rule()
    def sweep(self) -> None:
        self.run(self.world.rights.sweeper.sweep())

    @rule(name=st.sampled_from(PEOPLE))
    def erase(self, name: str) -> None:
        self.ask_and_approve(name)
        self.sweep()

    @rule()
    def let_everything_expire(self) -> None:
        self.world.clock.forward(11 * DAY)
        self.sweep()

    @rule(name=st.sampled_from(PEOPLE))
    def write_and_hold(self, name: str) -> None:
        self.mail([name])
        self.hold(name)

    @rule(name=st.sampled_from(PEOPLE))
    def hold(self, name: str) -> None:
        named = self.world.named(name)
        hold = self.run(self.world.hold(named))
        self.held[hold.id] = self.world.keyring.data.keys_of(named.owner)

    @rule()
    def lift(self) -> None:
        for hold in self.run(self.world.active_holds())[:1]:
            self.run(self.world.lift(hold.id))

    @rule(days=st.sampled_from([1, 4]))
    def wait(self, days: int) -> None:
        self.world.clock.forward(days * DAY)

    @rule()
    def restart(self) -> None:
        self.run(self.world.restart())

    @rule()
    def back_up(self) -> None:
        self.run(self.world.stop())
        self.world.back_up(self.world.data, "kept-data")
        self.world.back_up(self.world.key_dir, "kept-keys")
        self.is_backed_up = True
        self.run(self.world.start())

    @rule(name=st.sampled_from(PEOPLE), what=st.sampled_from(["data", "keys", "key store"]))
    def erase_and_restore(self, name: str, what: str) -> None:
        self.mail([name])
        self.back_up()
        self.erase(name)
        self.what_is_gone_stays_gone()
        self.restore(what)

    @precondition(lambda self: self.is_backed_up)
    @rule(what=st.sampled_from(["data", "keys", "key store"]))
    def restore(self, what: str) -> None:
        self.held.clear()
        self.run(self.world.stop())
        kept = self.world.folder / ("kept-data" if what == "data" else "kept-keys")
        if what == "data":
            self.world.restore(kept, self.world.data)
        elif what == "keys":
            self.world.restore(kept, self.world.key_dir)
        else:
            self.world.restore_keys_beside_tombstones(kept)
        self.run(self.world.start())

    def is_destroyed(self, key_id: str) -> bool:
        """True for a key of which the key store says so."""
        row = self.world.keyring.data.store.data_key(key_id)
        return row is not None and row.destroyed_at is not None

    @invariant()
    def what_is_gone_stays_gone(self) -> None:
        keys = self.world.keyring.data
        for _, envelope, sealed in self.run(self.world.envelopes()):
            if self.is_destroyed(sealed.key_id):
                self.dead.add(sealed.key_id)
            if sealed.key_id in self.dead:
                assert not self.world.is_readable(envelope)
            elif keys.is_there(sealed.key_id):
                assert self.world.is_readable(envelope)

    @invariant()
    def only_what_the_record_says_is_gone(self) -> None:
        # One without a tombstone was not here when it was destroyed, and may be in another store.
        buried = {tombstone.key_id for tombstone in self.world.keyring.data.tombstones}
        dead = sorted(self.dead & buried)
        assert self.run(self.world.journal.read(lambda r: r.uncondemned(dead))) == []

    @invariant()
    def what_was_erased_is_gone_whole(self) -> None:
        targets = [self.world.named(name).subject.target for name in PEOPLE]
        read = self.world.journal.read
        found = self.run(read(lambda records: _erasures(records, targets)))
        over = [one for one in found if one.status is ErasureStatus.ERASED]
        condemned = self.run(read(lambda records: _condemned(records, over)))
        assert not any(map(self.world.keyring.data.is_there, condemned))

    @invariant()
    def what_is_held_stays(self) -> None:
        """Retention and erasures pass over whoever is held, from the hold on."""
        is_there = self.world.keyring.data.is_there
        for hold in self.run(self.world.active_holds()):
            assert all(map(is_there, self.held.get(hold.id, [])))

    @invariant()
    def tables_and_entries_agree(self) -> None:
        assert self.world.matches() == []

    def teardown(self) -> None:
        self.run(self.world.stop())
        self.loop.close()
        self.folder.cleanup()


def _erasures(records: Records, targets: list[str]) -> list[Erasure]:
    found = [records.erasures(RightsFilter("acme", "", target=one), Page(100)) for one in targets]
    return [erasure for page, _ in found for erasure in page]


def _condemned(records: Records, erasures: list[Erasure]) -> list[str]:
    return [key_id for erasure in erasures for key_id in records.condemned_by(erasure.id)]


def test_no_sequence_brings_back_what_was_erased() -> None:
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples(24), stateful_step_count=14, deadline=None)
    )
