"""The fair queue: whose turn it is, and who has to wait."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dispatch.fair_queue import FairQueue
from gateway.model.claims import DueRun


def runs(workspace: str, count: int, *, urgent: bool = False) -> list[DueRun]:
    kind = "u" if urgent else "b"
    return [DueRun(f"{workspace}-{kind}{n}", workspace, urgent) for n in range(count)]


def drained(queue: FairQueue) -> list[DueRun]:
    found = []
    while (run := queue.pop()) is not None:
        found.append(run)
        queue.done(run)
    return found


def test_workspaces_take_turns_and_each_keeps_its_order() -> None:
    queue = FairQueue(room=100)
    for run in (*runs("noisy", 5), *runs("quiet", 2), *runs("third", 1)):
        assert queue.push(run)

    told = [run.run_id for run in drained(queue)]

    assert told == [
        *("noisy-b0", "quiet-b0", "third-b0"),
        *("noisy-b1", "quiet-b1", "noisy-b2", "noisy-b3", "noisy-b4"),
    ]


def test_runs_for_which_a_caller_waits_come_first_but_not_for_ever() -> None:
    queue = FairQueue(room=100)
    for run in (*runs("w", 4), *runs("w", 20, urgent=True)):
        assert queue.push(run)

    told = [run.urgent for run in drained(queue)]

    assert told == [*([True] * 7 + [False]) * 2, *[True] * 6, False, False]


def test_a_run_waits_only_once() -> None:
    queue = FairQueue(room=1)
    (run,) = runs("w", 1)
    assert queue.push(run)
    assert queue.push(run)
    assert len(queue) == 1
    assert run.run_id in queue
    assert queue.pop() == run
    assert run.run_id not in queue


def test_one_workspace_gets_half_of_the_room() -> None:
    queue = FairQueue(room=10)
    assert [queue.push(run) for run in runs("noisy", 7)] == [True] * 5 + [False] * 2
    assert [queue.push(run) for run in runs("quiet", 7)] == [True] * 5 + [False] * 2
    assert not queue.room_left
    assert not queue.push(DueRun("x", "third"))


def test_what_is_found_has_room_of_its_own() -> None:
    queue = FairQueue(room=10)
    for run in (*runs("noisy", 5), *runs("quiet", 5)):
        assert queue.push(run)
    found = [DueRun(f"found-{number}", "noisy") for number in range(2)]
    assert [queue.push(run, found=True) for run in found] == [True, False]  # half of a fourth
    assert queue.push(DueRun("x", "third"), found=True)
    assert queue.room_for_found == 0
    taken = [run.run_id for run in drained(queue)]
    assert taken[:3] == ["noisy-b0", "quiet-b0", "x"]
    assert "found-0" in taken
    assert (queue.room_left, queue.room_for_found) == (10, 12)


def test_a_workspace_at_its_cap_waits_until_one_of_its_runs_is_done() -> None:
    queue = FairQueue(room=100, cap=2)
    for run in (*runs("noisy", 4), *runs("quiet", 1)):
        queue.push(run)
    taken = [queue.pop() for _ in range(3)]
    assert [run and run.workspace for run in taken] == ["noisy", "quiet", "noisy"]
    assert queue.pop() is None
    assert len(queue) == 2

    assert taken[0] is not None
    queue.done(taken[0])

    assert queue.pop() == DueRun("noisy-b2", "noisy")
    assert queue.pop() is None


def test_clearing_lets_go_of_what_waits() -> None:
    queue = FairQueue(room=100)
    for run in runs("w", 3):
        queue.push(run)
    queue.clear()
    assert (len(queue), queue.pop()) == (0, None)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans()), max_size=200),
    st.integers(1, 5) | st.none(),
)
def test_nothing_is_lost_nothing_comes_twice_and_nobody_waits_for_ever(
    steps: list[tuple[str, bool, bool]], cap: int | None
) -> None:
    """Whatever is let in comes out once; and with four workspaces that all have something waiting,
    none waits for more than the turns of the others."""
    queue = FairQueue(room=50, cap=cap)
    let_in: set[str] = set()
    out: list[DueRun] = []
    held: list[DueRun] = []
    for number, (workspace, urgent, takes) in enumerate(steps):
        if takes:
            run = queue.pop()
            if run is not None:
                out.append(run)
                held.append(run)
            elif held:
                queue.done(held.pop(0))
        elif queue.push(DueRun(f"{workspace}{number}", workspace, urgent)):
            let_in.add(f"{workspace}{number}")
        if cap is not None and held:
            assert max(Counter(run.workspace for run in held).values()) <= cap
    for run in held:
        queue.done(run)
    rest = drained(queue)
    assert Counter(run.run_id for run in out + rest) == Counter(let_in)


@pytest.mark.parametrize("others", [1, 3, 10])
def test_a_quiet_workspace_never_waits_longer_than_one_turn_of_each_other(others: int) -> None:
    queue = FairQueue(room=10_000)
    for name in range(others):
        for run in runs(f"noisy{name}", 300):
            queue.push(run)
    for _ in range(50):
        taken = queue.pop()
        assert taken is not None
        queue.done(taken)
    queue.push(DueRun("q", "quiet"))
    waited = 0
    while (run := queue.pop()) != DueRun("q", "quiet"):
        assert run is not None
        queue.done(run)
        waited += 1
    assert waited <= others
