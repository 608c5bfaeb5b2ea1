"""Admission: what is refused first, and that places come back."""

from contextlib import ExitStack

import pytest

from gateway.model.problem import ProblemError
from gateway.pipeline import Admission, Bounds, Gauges, Priority

NEW, START, ORDINARY, OPERATOR = Priority
WITHIN = {NEW: 50, START: 75, ORDINARY: 75, OPERATOR: 100}


def fits(admission: Admission, priority: Priority) -> bool:
    try:
        with admission.admit(priority):
            return True
    except ProblemError:
        return False


@pytest.mark.parametrize("priority", Priority)
def test_each_priority_may_fill_its_own_share_of_the_calls(priority: Priority) -> None:
    admission = Admission(Bounds(calls=100))
    with ExitStack() as held:
        for _ in range(WITHIN[priority]):
            held.enter_context(admission.admit(priority))
        assert admission.in_progress == WITHIN[priority]
        assert [one for one in Priority if fits(admission, one)] == [
            one for one in Priority if WITHIN[one] > WITHIN[priority]
        ]
    assert admission.in_progress == 0
    assert fits(admission, priority)


@pytest.mark.parametrize(
    ("waiting", "fitting"),
    [
        (49, [NEW, START, ORDINARY, OPERATOR]),
        (50, [START, ORDINARY, OPERATOR]),
        (99, [START, ORDINARY, OPERATOR]),
        (100, [ORDINARY, OPERATOR]),
        (10_000, [ORDINARY, OPERATOR]),
    ],
)
def test_runs_that_wait_hold_off_only_what_would_add_to_them(
    waiting: int, fitting: list[Priority]
) -> None:
    admission = Admission(Bounds(waiting_runs=100), Gauges(waiting_runs=lambda: waiting))
    assert [one for one in Priority if fits(admission, one)] == fitting


@pytest.mark.parametrize(
    ("delay", "fitting"),
    [
        (0.05, [NEW, START, ORDINARY, OPERATOR]),
        (0.06, [START, ORDINARY, OPERATOR]),
        (0.2, [START, ORDINARY, OPERATOR]),
        (0.21, [ORDINARY, OPERATOR]),
        (0.41, [OPERATOR]),
        (60.0, [OPERATOR]),
    ],
)
def test_a_record_that_is_behind_holds_off_what_is_new_first(
    delay: float, fitting: list[Priority]
) -> None:
    admission = Admission(Bounds(delay=0.2), Gauges(delay=lambda: delay))
    assert [one for one in Priority if fits(admission, one)] == fitting


def test_a_place_comes_back_from_a_call_that_failed() -> None:
    admission = Admission(Bounds(calls=4))
    for _ in range(10):
        with pytest.raises(LookupError), admission.admit(OPERATOR):
            raise LookupError
    assert admission.in_progress == 0


def test_a_refusal_says_when_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(Bounds(calls=4))
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(admission.admit(OPERATOR))
        for _ in range(1000):
            with pytest.raises(ProblemError) as refused, admission.admit(OPERATOR):
                raise AssertionError("there is no place")
    told = refused.value.problem
    assert (told.code, told.status, told.retryable) == ("SERVICE_UNAVAILABLE", 503, True)
    assert told.retry_after == 1.0
    assert len(caplog.records) == 1  # a flood of calls is no flood of lines
