"""A backup is restored while the world went on: nothing that may have happened happens again."""

import shutil
from pathlib import Path

from tests.acceptance.drafts import approve, lookup, refund, reply, waiting
from tests.acceptance.restoring import (
    Doubtful,
    asked,
    assert_nothing_is_repeated,
    completed,
    refuses_to_serve,
    replies,
)
from tests.world import World


def back_up(world: World, file: Path) -> None:
    done = world.gateway.command("journal", "backup", str(file))
    assert done.returncode == 0, done.stderr


def put_back(world: World, file: Path) -> None:
    """The data folder is lost, and the backup takes its place."""
    gateway = world.gateway
    gateway.stop()
    shutil.rmtree(gateway.data_dir)
    gateway.data_dir.mkdir()
    shutil.copy(file, gateway.data_dir / "gateway.db")


def test_what_was_done_after_the_backup_is_not_done_again(own_world: World, tmp_path: Path) -> None:
    keyed = waiting(own_world, [refund(250)])
    unkeyed = asked(own_world, [reply("told")])
    both = waiting(own_world, [refund(251), reply("then told", dependsOn=["refund"])])
    undone = asked(own_world, [reply("not told")])
    back_up(own_world, tmp_path / "backup.db")
    for run in (keyed, unkeyed, both):  # what the backup will not know
        approve(own_world.fiona, "fiona", run)
        completed(own_world, run)
    put_back(own_world, tmp_path / "backup.db")

    refuses_to_serve(own_world)
    assert "4 runs were under way" in own_world.gateway.accept_restore()
    own_world.gateway.start()

    runs = Doubtful(keyed, unkeyed, both, undone)
    assert_nothing_is_repeated(own_world, own_world, runs, seconds=10)

    bodies = ("told", "then told", "not told")
    assert [replies(own_world, body) for body in bodies] == [1, 1, 1]
    assert len(own_world.service.effects("refund")) == 2
    fresh = own_world.run([lookup(), reply("after the restore", dependsOn=["order"])])
    completed(own_world, fresh)
    verified = own_world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout


def test_a_draft_that_was_started_after_the_backup_is_not_started_anew(
    own_world: World, tmp_path: Path
) -> None:
    planned = own_world.compile([refund(7, "keyed"), reply("once", dependsOn=["keyed"])])
    own_world.verify(planned)
    back_up(own_world, tmp_path / "backup.db")
    value = {"executionId": planned["executionId"], "planId": planned["planId"]}
    own_world.olga.mutate("controlPlaneExecutionStart", "runId", value)
    completed(own_world, planned)
    put_back(own_world, tmp_path / "backup.db")
    own_world.gateway.accept_restore()
    own_world.gateway.start()

    own_world.olga.mutate("controlPlaneExecutionStart", "runId", value)

    # Another run has other keys, so that not even a keyed step may be done again.
    own_world.wait(planned["executionId"], "UNRESOLVED")
    assert own_world.step(planned["executionId"], "keyed")["status"] == "UNRESOLVED"
    assert len(own_world.service.effects("refund")) == 1
    assert replies(own_world, "once") == 1
