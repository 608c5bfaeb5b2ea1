"""Retention: rules as they are read, and what the sweeper destroys of its own accord."""

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.model.entry import EntryType
from gateway.model.execution import StepStatus
from gateway.model.pii import ErasedError, Owner, PiiClass
from gateway.model.problem import ProblemError
from gateway.rights import RetentionRule, load_retention
from gateway.rights.retention import MAX_RULES
from tests.unit.rights.rights_world import RightsWorld
from tests.unit.runtime.loop_world import SILENCE, WORKSPACE, step

pytestmark = pytest.mark.anyio

MONTH = RetentionRule("shop.*", None, "30d", 30 * 86_400)
DAY = RetentionRule("shop.mail", PiiClass.FREE_TEXT, "1d", 86_400)
INTENT = RetentionRule("controlPlane.intent.submit", None, "30d", 30 * 86_400)


def load(folder: Path, text: str) -> tuple[RetentionRule, ...]:
    (folder / "retention.yaml").write_text(text)
    return load_retention(folder)


def faults(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError) as told:
        load(folder, text)
    assert told.value.problem.code == "POLICIES_INVALID"
    prefix = f"{folder / 'retention.yaml'}:"
    return [(issue.path.removeprefix(prefix), issue.message) for issue in told.value.problem.issues]


def test_rules_are_read_as_they_are_written(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        "rules:\n  - {contract: shop.mail, class: free_text, keep: 1d}\n"
        "  - contract: '*'\n    keep: 90m\n",
    )
    assert rules == (DAY, RetentionRule("*", None, "90m", 5_400))
    assert load_retention(tmp_path / "nowhere") == ()
    assert load(tmp_path, "rules: []\n") == ()


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("rules: 5\n", "1:8", "is a list"),
        ("rule: []\n", "1:1", "there is no 'rule'"),
        ("[]\n", "1:1", "a mapping of rules"),
        ("rules:\n  - {contract: a.b}\n", "2:5", "'keep' is missing"),
        ("rules:\n  - {contract: a b, keep: 1d}\n", "2:16", "names no contracts"),
        ("rules:\n  - {contract: a.b, keep: 1w}\n", "2:27", "is no duration"),
        ("rules:\n  - {contract: a.b, keep: 0d}\n", "2:27", "is no duration"),
        ("rules:\n  - {contract: a.b, keep: 9999999999d}\n", "2:27", "over a hundred years"),
        ("rules:\n  - {contract: a.b, class: secret, keep: 1d}\n", "2:28", "no class"),
        ("rules:\n  - {contract: a.b, keep: 1d, why: x}\n", "2:31", "there is no 'why'"),
        ("rules:\n  - {contract: 5, keep: 1d}\n", "2:16", "is a text"),
        ("rules:\n  - 5\n", "2:5", "a mapping of contract"),
        (
            "rules:\n  - {contract: a.b, keep: 1d}\n  - {contract: a.b, keep: 2d}\n",
            "3:5",
            "keep one of them",
        ),
        ("rules: [\n", "2:1", ""),
    ],
)
def test_every_fault_is_told_with_its_place(
    tmp_path: Path, text: str, place: str, told: str
) -> None:
    found = faults(tmp_path, text)
    assert any(at == place and told in message for at, message in found), found


def test_all_faults_are_told_at_once_and_rules_are_bounded(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "rules:\n  - {contract: a b, keep: x}\n  - 5\n")) == 3
    many = "".join(f"  - {{contract: a.b{n}, keep: 1d}}\n" for n in range(MAX_RULES + 1))
    assert "more than" in faults(tmp_path, f"rules:\n{many}")[0][1]
    assert "over" in faults(tmp_path, "#" * 300_000)[0][1]


def test_a_link_that_leads_nowhere_is_no_absent_file(tmp_path: Path) -> None:
    """Else nothing would be erased in time, without a word."""
    (tmp_path / "retention.yaml").symlink_to("nowhere")
    with pytest.raises(ProblemError) as refused:
        load_retention(tmp_path)
    assert "check its permissions, or its link" in refused.value.problem.issues[0].message
    (tmp_path / "retention.yaml").unlink()
    os.mkfifo(tmp_path / "retention.yaml")
    with pytest.raises(ProblemError, match="it is no regular file"):
        load_retention(tmp_path)


def test_the_shipped_file_keeps_everything() -> None:
    assert load_retention(Path(__file__).parents[3] / "policies") == ()


@pytest.fixture
def rules() -> tuple[RetentionRule, ...]:
    return (MONTH, DAY, INTENT)


@pytest.fixture
async def kept(tmp_path: Path, rules: tuple[RetentionRule, ...]) -> Any:
    made = await RightsWorld(tmp_path, rules=rules).start()
    yield made
    await made.stop()


async def test_the_shortest_rule_that_fits_decides(kept: RightsWorld) -> None:
    lifetime = kept.retention.lifetime
    assert lifetime("shop.mail@1.0.0", "input.body") == 86_400
    assert lifetime("shop.mail@1.0.0", "input.email") == 30 * 86_400
    assert lifetime("shop.mail@1.0.0", "$sealed") == 30 * 86_400
    assert lifetime("shopping.mail@1.0.0", "input.body") is None
    assert lifetime("controlPlane.intent.submit@1.0.0", "input.text") == 30 * 86_400


@pytest.mark.parametrize("rules", [(RetentionRule("*", None, "1d", 86_400),)])
async def test_a_rule_for_all_spares_the_record_of_the_rights(kept: RightsWorld) -> None:
    assert kept.retention.lifetime("shop.mail@1.0.0", "input.body") == 86_400
    assert kept.retention.lifetime("privacy.hold.place@1.0.0", "input.reason") is None


async def test_what_is_over_is_destroyed_and_recorded_without_names(kept: RightsWorld) -> None:
    await kept.mail("ada@x.org")
    await kept.rights.sweeper.sweep()
    assert "Dear ada@x.org" in await kept.texts()
    kept.clock.forward(86_401)
    await kept.rights.sweeper.sweep()
    texts = await kept.texts()
    assert "Dear ada@x.org" not in texts
    assert "ada@x.org" in texts
    kept.clock.forward(30 * 86_400)
    await kept.rights.sweeper.sweep()
    assert await kept.texts() == []
    entries = await kept.journal.read(lambda records: records.entries_after(0, 10_000))
    swept = [entry for entry in entries if entry.type is EntryType.RETENTION_SWEPT]
    assert len(swept) == 2
    assert all(set(entry.body) == {"cause", "keys"} for entry in swept)
    before = len(entries)
    await kept.rights.sweeper.sweep()
    entries = await kept.journal.read(lambda records: records.entries_after(0, 10_000))
    assert len(entries) == before
    assert kept.matches() == []


async def test_nothing_is_kept_longer_than_its_rule_says(kept: RightsWorld) -> None:
    """A key that is used again and again ends all the same."""
    written = kept.clock.moment.timestamp()
    for hours in range(0, 60, 6):
        await kept.mail(f"p{hours}@x.org")
        kept.clock.forward(6 * 3_600)
        await kept.rights.sweeper.sweep()
        age = kept.clock.moment.timestamp() - written
        left = {text for text in await kept.texts() if text.startswith("Dear p")}
        for mailed in range(0, hours + 6, 6):
            if age - mailed * 3_600 > 86_400:
                assert f"Dear p{mailed}@x.org" not in left


async def test_a_hold_keeps_the_persons_data_and_what_stands_beside_it(kept: RightsWorld) -> None:
    mine = await kept.mail("ada@x.org")
    await kept.mail("bob@x.org")
    hold = await kept.hold(kept.named("ada@x.org"))
    kept.clock.forward(40 * 86_400)
    await kept.rights.sweeper.sweep()
    for execution_id, envelope, _ in await kept.envelopes():
        assert kept.is_readable(envelope) is (execution_id in (mine, None))
    overdue = await kept.rights.sweeper.overdue("acme")
    assert overdue.keys == overdue.held > 0
    await kept.lift(hold.id)
    await kept.rights.sweeper.sweep()
    assert (await kept.rights.sweeper.overdue("acme")).keys == 0
    assert not [text for text in await kept.texts() if text.startswith("Dear")]


async def test_a_hold_on_an_execution_keeps_it_and_no_other(kept: RightsWorld) -> None:
    mine, other = await kept.mail("ada@x.org"), await kept.mail("ada@x.org")
    await kept.hold(kept.rights.desk.execution("acme", mine))
    kept.clock.forward(40 * 86_400)
    await kept.rights.sweeper.sweep()
    unowned = [
        (execution_id, envelope)
        for execution_id, envelope, sealed in await kept.envelopes()
        if kept.keyring.data.owner_token(sealed.key_id) is None
    ]
    assert {kept.is_readable(one) for execution_id, one in unowned if execution_id == mine} == {
        True
    }
    assert {kept.is_readable(one) for execution_id, one in unowned if execution_id == other} == {
        False
    }


async def test_a_hold_on_an_execution_keeps_what_is_peoples_own_in_it(kept: RightsWorld) -> None:
    mine = await kept.mail("ada@x.org", "bob@x.org")
    await kept.mail("eve@x.org")
    hold = await kept.hold(kept.rights.desk.execution("acme", mine))
    kept.clock.forward(40 * 86_400)
    await kept.rights.sweeper.sweep()
    texts = await kept.texts()
    assert {"Dear ada@x.org", "Dear bob@x.org"} <= set(texts)
    assert "Dear eve@x.org" not in texts
    await kept.lift(hold.id)
    await kept.rights.sweeper.sweep()
    assert not [text for text in await kept.texts() if text.startswith("Dear")]


async def test_a_hold_on_somebody_keeps_what_is_other_peoples_beside_their_data(
    kept: RightsWorld,
) -> None:
    await kept.mail("ada@x.org", "bob@x.org")
    await kept.hold(kept.named("ada@x.org"))
    kept.clock.forward(40 * 86_400)
    await kept.rights.sweeper.sweep()
    assert {"Dear ada@x.org", "Dear bob@x.org"} <= set(await kept.texts())


async def test_the_sweeper_goes_on_after_whatever_goes_wrong(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await kept.mail("ada@x.org")
    kept.clock.forward(40 * 86_400)

    def fails(*_: Any) -> int:
        raise OSError("ada@x.org is on this disk")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(kept.keyring.data, "destroy", fails)
        await kept.rights.sweeper.sweep()
    assert "OSError" in caplog.text
    assert "ada@x.org" not in caplog.text
    await kept.rights.sweeper.sweep()
    assert await kept.texts() == []


async def test_keys_that_could_not_be_destroyed_are_recorded_once(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept.mail("ada@x.org")
    kept.clock.forward(40 * 86_400)

    def fails(*_: Any) -> int:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(kept.keyring.data, "destroy", fails)
        for _ in range(3):
            await kept.rights.sweeper.sweep()
    await kept.rights.sweeper.sweep()
    assert await kept.texts() == []
    entries = await kept.journal.read(lambda records: records.entries_after(0, 10_000))
    (swept,) = [entry for entry in entries if entry.type is EntryType.RETENTION_SWEPT]
    assert len(swept.body["keys"]) == len(set(swept.body["keys"]))


async def test_a_workspace_whose_keys_cannot_be_destroyed_holds_up_no_other(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {
        workspace: [
            kept.sealer.seal(Owner(workspace, f"person/p{number}"), "shop.mail@1.0.0", "x", "x")
            for number in range(3)
        ]
        for workspace in ("aaa", "zzz")
    }

    def readable(workspace: str) -> int:
        """How many values of a workspace can still be read."""
        found = 0
        for envelope in names[workspace]:
            with contextlib.suppress(ErasedError):
                kept.sealer.unseal(workspace, envelope)
                found += 1
        return found

    kept.clock.forward(40 * 86_400)
    destroy, asked = kept.keyring.data.destroy, []

    def fails(workspace: str, *others: Any) -> int:
        asked.append(workspace)
        if workspace == "aaa":
            raise OSError
        return destroy(workspace, *others)

    monkeypatch.setattr("gateway.rights.sweeper.CHUNK", 1)
    with monkeypatch.context() as patched:
        patched.setattr(kept.keyring.data, "destroy", fails)
        await kept.rights.sweeper.sweep()
    assert (readable("aaa"), readable("zzz")) == (3, 0)
    assert asked.count("aaa") == 1  # what was condemned first is not forgotten for what comes after
    await kept.rights.sweeper.sweep()
    assert readable("aaa") == 0


async def test_what_is_left_of_destroyed_keys_is_removed_by_the_next_sweep(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another process read the store for too long."""
    await kept.mail("ada@x.org")
    kept.clock.forward(40 * 86_400)
    store, forget, asked = kept.keyring.data.store, kept.keyring.data.store.forget_log, []

    def busy() -> None:
        asked.append(1)
        if len(asked) < 3:
            raise TimeoutError
        forget()

    monkeypatch.setattr(store, "forget_log", busy)
    for _ in range(5):
        await kept.rights.sweeper.sweep()
    assert len(asked) == 3


@pytest.mark.parametrize("looked_before", [True, False], ids=["looked before", "looked late"])
async def test_a_hold_on_what_retention_destroys_just_now_is_refused_and_any_other_is_placed(
    kept: RightsWorld, monkeypatch: pytest.MonkeyPatch, looked_before: bool
) -> None:
    await kept.mail("ada@x.org")
    kept.clock.forward(2 * 86_400)
    both = await kept.mail("bob@x.org")
    ada, bob = kept.named("ada@x.org"), kept.named("bob@x.org")
    data, loop, told = kept.keyring.data, asyncio.get_running_loop(), []
    destroy, earlier = data.destroy, await kept.look(ada)

    async def meanwhile() -> None:
        with pytest.raises(ProblemError, match="Retention is destroying") as refused:
            await kept.hold(ada, earlier if looked_before else await kept.look(ada))
        told.append(refused.value.problem.code)
        for other in (bob, kept.rights.desk.execution(WORKSPACE, both)):
            await kept.hold(other, await kept.look(other))

    def destroyed(*given: Any) -> int:
        asyncio.run_coroutine_threadsafe(meanwhile(), loop).result()
        return destroy(*given)

    with monkeypatch.context() as patched:
        patched.setattr(data, "destroy", destroyed)
        await kept.rights.sweeper.sweep()
    assert told == ["CONFLICT"]
    await kept.hold(ada, await kept.look(ada))
    kept.clock.forward(40 * 86_400)
    await kept.rights.sweeper.sweep()
    texts = await kept.texts()
    assert "Dear ada@x.org" not in texts
    assert {"ada@x.org", "Dear bob@x.org"} <= set(texts)


@pytest.mark.parametrize("rules", [(RetentionRule("controlPlane.*", None, "1d", 86_400),)])
async def test_a_run_that_lost_its_text_alone_goes_on_with_what_an_operator_found(
    kept: RightsWorld,
) -> None:
    world = kept.world
    world.actions.will("plain", *[SILENCE] * 4)
    after = step("after", "keyed", ["plain"], extra={"$from": "plain.id"})
    execution_id = await world.begin(step("plain", "plain"), after)
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(20)
    found = await world.step(execution_id, "plain")
    assert found.status is StepStatus.UNRESOLVED
    kept.clock.forward(2 * 86_400)
    await kept.rights.sweeper.sweep()
    text = (await world.execution(execution_id)).text
    assert kept.is_erased(text)
    await world.reconcile(execution_id, "plain", "done", found.attempt, id="by hand")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert world.actions.made("keyed")[0].input["extra"] == "by hand"
