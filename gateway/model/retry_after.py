"""``Retry-After``: for how long a service wants to be left alone (RFC 9110, section 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 24 * 3600.0
"""The longest that a service can put anything off, in seconds."""

WAITING = (429, 503)
"""The statuses of answers whose ``Retry-After`` counts."""

_ASCTIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", re.ASCII)
"""The oldest of the three forms of HTTP dates (RFC 9110, section 5.6.7), which names no zone."""


def retry_after(status: int, value: str | None, now: datetime) -> float | None:
    """The seconds that the ``Retry-After`` header of an answer asks for, at most a day; None where
    its status has it count for nothing, and where it is absent or cannot be understood."""
    if status not in WAITING:
        return None
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:10])
    else:
        try:
            seconds = (_date(text) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _date(text: str) -> datetime:
    """An HTTP date in any of its three forms; a moment of UTC in all of them."""
    date = parsedate_to_datetime(text)
    return date.replace(tzinfo=UTC) if _ASCTIME.fullmatch(text) else date
