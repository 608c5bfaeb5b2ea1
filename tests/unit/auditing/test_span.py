"""The span that an input names."""

from typing import Any

import pytest

from gateway.auditing import Span, span_of
from gateway.model.problem import ProblemError


@pytest.mark.parametrize(
    ("value", "since", "until"),
    [
        ({"on": "2026-02-28"}, "2026-02-28T00:00:00.000000Z", "2026-03-01T00:00:00.000000Z"),
        ({"on": "9999-12-31"}, "9999-12-31T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"),
        (
            {"from": "2026-01-01T02:00:00+02:00", "to": "2026-01-01t01:00:00z"},
            "2026-01-01T00:00:00.000000Z",
            "2026-01-01T01:00:00.000000Z",
        ),
        ({}, Span().since, Span().until),
    ],
)
def test_days_and_moments_are_in_utc(value: dict[str, Any], since: str, until: str) -> None:
    assert span_of(value) == Span(since, until)


@pytest.mark.parametrize(
    "value",
    [
        {"on": "2026-01-01", "from": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {},
    ],
)
def test_what_is_no_span_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as caught:
        span_of(value, required=True)
    assert caught.value.problem.code == "VALIDATION_FAILED"
