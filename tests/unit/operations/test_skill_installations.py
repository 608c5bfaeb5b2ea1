"""Installing a skill in a unit of work: what the process knows of it, and from when on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model.ports import Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError, refuse
from gateway.operations.skills import INSTALL, bind_skills
from gateway.pipeline import Admitted, Call, Command
from gateway.skills import Checked
from tests.unit.runtime.loop_world import LoopWorld
from tests.unit.skills.test_skill_registry import BASE, Shelf, installed, skill

pytestmark = pytest.mark.anyio
OLGA = Principal(PrincipalType.HUMAN, "olga", "acme", frozenset({"admin"}))
STOP = "desk.plan.stop@1.0.0"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Place:
    """A gateway's skills over a real record."""

    def __init__(self, world: LoopWorld, shelf: Shelf) -> None:
        self.world = world
        self.shelf = shelf
        bound = bind_skills(world.loop, shelf.skills)[INSTALL]
        assert isinstance(bound, Command)
        self.install = bound.apply

    def apply(self, checked: Checked, tx: Tx) -> None:
        contract, request = BASE.operations[INSTALL], checked.request
        value = {
            "skillKey": request.key,
            "version": request.version,
            "artifactDigest": request.artifact_digest,
            "manifest": request.manifest,
        }
        access = self.world.loop.policies.access(OLGA, contract)
        told = self.install(
            Admitted(Call(contract, value, OLGA), value, access, prepared=checked), tx
        )
        assert isinstance(told, dict)
        assert told["status"] == "INSTALLED"

    async def begin(self, checked: Checked) -> None:
        """An installation that is undone: another process was faster, or the disk is full."""

        def failing(tx: Tx) -> None:
            self.apply(checked, tx)
            raise refuse("CONFLICT", "Somebody was faster.")

        with pytest.raises(ProblemError, match="Somebody was faster"):
            await self.world.journal.write(failing)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    world = await LoopWorld.open(tmp_path)
    (tmp_path / "shelf").mkdir()
    yield Place(world, Shelf(tmp_path / "shelf"))
    await world.journal.close()


async def test_a_unit_that_is_undone_leaves_no_contracts_behind(place: Place) -> None:
    live = place.shelf.live
    undone = place.shelf.check(*skill())
    await place.begin(undone)
    assert STOP not in live.operations

    other = place.shelf.check(*skill(changes={"Cancel": "End"}))
    assert other.bundle.digests != undone.bundle.digests
    await place.world.journal.write(lambda tx: place.apply(other, tx))
    assert live.operations[STOP].digest == other.bundle.digests[STOP]
    assert live.of("acme").operations[STOP] is live.operations[STOP]


async def test_what_another_process_installed_meanwhile_is_taken_up(place: Place) -> None:
    """The other one's contracts have the same references and another content."""
    undone = place.shelf.check(*skill())
    await place.begin(undone)
    theirs = installed(place.shelf.check(*skill(changes={"Cancel": "End"})))
    place.shelf.skills.restore([theirs])
    assert place.shelf.live.of("acme").operations[STOP].digest == theirs.contracts[STOP]


async def test_what_was_undone_here_is_learned_when_another_process_installs_it(
    place: Place,
) -> None:
    undone = place.shelf.check(*skill())
    place.shelf.skills.expect(undone)
    place.shelf.skills.publish_all([installed(undone)])
    assert place.shelf.live.extended("acme") is None
    place.shelf.skills.restore([installed(undone)])
    assert STOP in place.shelf.live.of("acme").operations
    assert STOP in place.shelf.live.operations


async def test_skills_of_one_transaction_are_held_against_one_another(place: Place) -> None:
    first = place.shelf.check(*skill())
    changes = {"desk.plan": "desk.order", "[ACTIVE, CANCELLED]": "[ACTIVE, GONE]"}
    second = place.shelf.check(*skill("acme.more", "1.0.0", changes=changes))

    def both(tx: Tx) -> None:
        place.apply(first, tx)
        assert place.shelf.skills.clashes(second, "acme", tx.all_skills())

    await place.world.journal.write(both)
