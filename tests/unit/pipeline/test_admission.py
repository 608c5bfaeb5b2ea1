"""Admission: what is refused first, and that places come back."""

import pytest

from gateway.pipeline import Admission, Bounds, Gauges, Priority

NEW, START, ORDINARY, OPERATOR = Priority
WITHIN = {NEW: 50, START: 75, ORDINARY: 75, OPERATOR: 100}


def fits(admission: Admission, priority: Priority) -> bool:
    if admission.admit(priority) is not None:
        return False
    admission.leave()
    return True


@pytest.mark.parametrize("priority", Priority)
def test_each_priority_may_fill_its_own_share_of_the_calls(priority: Priority) -> None:
    admission = Admission(Bounds(calls=100))
    for _ in range(WITHIN[priority]):
        assert admission.admit(priority) is None
    assert admission.in_progress == WITHIN[priority]
    assert [one for one in Priority if fits(admission, one)] == [
        one for one in Priority if WITHIN[one] > WITHIN[priority]
    ]
    for _ in range(WITHIN[priority]):
        admission.leave()
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


def test_a_refusal_says_when_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(Bounds(calls=4))
    for _ in range(4):
        assert admission.admit(OPERATOR) is None
    refused = [admission.admit(OPERATOR) for _ in range(1000)]
    told = refused[0]
    assert told is not None
    assert (told.code, told.status, told.retryable) == ("SERVICE_UNAVAILABLE", 503, True)
    assert told.retry_after == 1.0
    assert None not in refused
    assert admission.in_progress == 4  # whoever is refused has taken no place
    assert len(caplog.records) == 1  # a flood of calls is no flood of lines
