"""For how long a service wants to be left alone."""

from datetime import UTC, datetime

import pytest

from gateway.model.retry_after import retry_after

MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("999999999999999999999", 86_400.0),
        ("Sun, 01 Mar 2026 09:31:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2126 09:00:00 GMT", 86_400.0),
        ("Sunday, 01-Mar-26 09:31:00 GMT", 60.0),
        ("Sun Mar  1 09:31:00 2026", 60.0),
        (" Sun Mar 01 09:31:00 2026", 60.0),
        ("Sun Mar  1 09:61:00 2026", None),
        ("Sun, 01 Mar 2026 09:31:00", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after(429, value, MOMENT) == retry_after(503, value, MOMENT) == seconds
    assert retry_after(500, value, MOMENT) is None
