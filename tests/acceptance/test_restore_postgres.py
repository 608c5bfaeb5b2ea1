"""A database is restored to a moment of its past while the world went on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.drafts import approve, lookup, refund, reply, waiting
from tests.acceptance.recovered_postgres import RecoveredPostgres
from tests.acceptance.restoring import (
    Doubtful,
    asked,
    assert_nothing_is_repeated,
    completed,
    refuses_to_serve,
    replies,
    unresolved,
)
from tests.acceptance.two_gateways import Pair, start_all, two_gateways
from tests.world import wait_until


@pytest.fixture
def server() -> Iterator[RecoveredPostgres]:
    made = RecoveredPostgres()
    made.start()
    yield made
    made.remove()


@pytest.fixture
def pair(tmp_path: Path, server: RecoveredPostgres) -> Iterator[Pair]:
    with two_gateways(tmp_path, server) as made:
        yield made


def stop_both(pair: Pair, how: signal.Signals = signal.SIGTERM) -> None:
    for world in pair.both:
        world.gateway.stop(how)


def start_both(pair: Pair) -> None:
    start_all([world.gateway for world in pair.both])


def test_what_was_done_after_the_moment_is_not_done_again(
    pair: Pair, server: RecoveredPostgres, tmp_path: Path
) -> None:
    a, b = pair.both
    before = a.run([refund(1, "before"), reply("before", dependsOn=["before"])])
    completed(a, before)
    base = server.back_up()
    keyed = waiting(a, [refund(250)])
    unkeyed = asked(b, [reply("told")])
    both = waiting(b, [refund(251), reply("then told", dependsOn=["refund"])])
    undone = asked(a, [reply("not told")])
    server.name_this_moment("middle")
    for world, run in ((b, keyed), (a, unkeyed), (a, both)):  # what the record will not know
        approve(world.fiona, "fiona", run)
        completed(world, run)
    server.archived()
    stop_both(pair, signal.SIGKILL)
    server.restore(base, recovery_target_name="middle")

    for world in pair.both:
        refuses_to_serve(world)
    told = pair.command("journal", "accept-restore")
    assert "4 runs were under way" in told
    start_both(pair)

    assert_nothing_is_repeated(a, b, Doubtful(keyed, unkeyed, both, undone), seconds=20)

    bodies = ("before", "told", "then told", "not told")
    assert [replies(a, body) for body in bodies] == [1, 1, 1, 1]
    assert len(a.service.effects("refund")) == 3
    completed(b, b.run([lookup(), reply("after the restore", dependsOn=["order"])]))
    stop_both(pair)
    assert "record.restored" in {row[0] for row in pair.rows("SELECT DISTINCT type FROM entry")}
    pair.command("audit", "verify")

    start_both(pair)
    archive = tmp_path / "archive"
    told = pair.command("journal", "archive", "--through", "1000000", "--to", str(archive))
    assert "with them 6 executions" in told
    verified = pair.command("audit", "verify", "--archive", str(archive))
    assert "archived" in verified
    told = pair.command("journal", "restore", *map(str, archive.iterdir()))
    assert "reach into other segments" not in told
    assert a.execution(keyed["executionId"])["status"] == "COMPLETED"
    pair.command("audit", "verify", "--archive", str(archive))


def test_a_gateway_that_lives_through_a_restore_writes_nothing(
    pair: Pair, server: RecoveredPostgres
) -> None:
    a, b = pair.both
    base = server.back_up()
    run = asked(a, [reply("told")])
    server.name_this_moment("middle")
    approve(b.fiona, "fiona", run)
    completed(a, run)
    server.archived()

    server.restore(base, recovery_target_name="middle")

    wait_until(lambda: "restored to before" in a.gateway.log() + b.gateway.log(), 30)
    for world in pair.both:
        refused = world.olga.refused(
            "controlPlaneIntentSubmit", "executionId", {"workspaceId": "acme", "text": "Again"}
        )
        assert refused["code"] == "SERVICE_UNAVAILABLE"
    refused = a.gateway.command("journal", "accept-restore")
    assert "are connected to the database" in refused.stderr
    stop_both(pair, signal.SIGKILL)
    pair.command("journal", "accept-restore")
    start_both(pair)
    unresolved(b, run)
    assert replies(a, "told") == 1


def test_a_server_that_lost_nothing_is_accepted_as_such(
    pair: Pair, server: RecoveredPostgres
) -> None:
    """Recovered to its very end, as a standby that had confirmed each commit."""
    a, b = pair.both
    base = server.back_up()
    run = asked(a, [reply("once")])
    stop_both(pair)
    server.archived()
    server.restore(base)

    refuses_to_serve(a)
    assert "accepted as complete; 1 runs" in pair.command(
        "journal", "accept-restore", "--nothing-lost"
    )
    start_both(pair)
    approve(b.fiona, "fiona", run)
    completed(a, run)
    assert replies(a, "once") == 1


def test_what_lost_something_is_not_accepted_as_complete(
    pair: Pair, server: RecoveredPostgres
) -> None:
    a = pair.a
    base = server.back_up()
    server.name_this_moment("middle")
    completed(a, a.run([lookup()]))
    stop_both(pair)
    server.archived()
    server.restore(base, recovery_target_name="middle")

    refused = a.gateway.command("journal", "accept-restore", "--nothing-lost")

    assert refused.returncode == 1
    assert "PRECONDITION_FAILED" in refused.stderr
    refuses_to_serve(a)
