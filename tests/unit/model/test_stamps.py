"""Moments as text sort like time and say their zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.model.time import after, parse, stamp


def test_a_stamp_has_six_decimals_and_z() -> None:
    assert stamp(datetime(2026, 3, 1, 9, 30, tzinfo=UTC)) == "2026-03-01T09:30:00.000000Z"


def test_a_stamp_is_in_utc_whatever_the_zone_of_the_moment() -> None:
    east = timezone(timedelta(hours=2))
    assert stamp(datetime(2026, 3, 1, 0, 30, 0, 7, tzinfo=east)) == "2026-02-28T22:30:00.000007Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        stamp(datetime(2026, 3, 1))  # noqa: DTZ001 - the missing zone is what is tested


def test_parse_reads_what_stamp_writes() -> None:
    moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert parse(stamp(moment)) == moment


def test_parse_brings_other_offsets_to_utc() -> None:
    moment = parse("2026-03-01T11:30:00+02:00")
    assert (moment.tzinfo, moment.hour) == (UTC, 9)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-01T09:30:00", "2026-03-01"])
def test_parse_refuses_what_names_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|isoformat"):
        parse(text)


def test_after_adds_seconds_and_takes_them_away() -> None:
    start = "2026-12-31T23:59:59.500000Z"
    assert after(start, 0.75) == "2027-01-01T00:00:00.250000Z"
    assert after(start, -59.5) == "2026-12-31T23:59:00.000000Z"


def test_stamps_sort_as_text_like_time() -> None:
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=n * 37) for n in range(99)]
    assert sorted(map(stamp, reversed(moments))) == [stamp(moment) for moment in moments]
