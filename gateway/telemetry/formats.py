"""The two forms of a log record: one JSON object a line, and text for a terminal."""

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from gateway.telemetry.failures import failure_of, place
from gateway.telemetry.fields import shown
from gateway.telemetry.messages import is_own, message_of


class JsonFormat(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        body = told(record)
        try:
            return orjson.dumps(body).decode()
        except (TypeError, ValueError):  # half a surrogate pair, or a number beyond 64 bits
            return json.dumps(body, allow_nan=False, default=str)


class TextFormat(logging.Formatter):
    """A record as text: one line, and one more for each frame of what went wrong."""

    def format(self, record: logging.LogRecord) -> str:
        """The text, without its end."""
        body = told(record)
        head = f"{body.pop('time')} {body.pop('level').upper()} {body.pop('logger')}: "
        message, failure = body.pop("message"), body.pop("failure", [])
        named = "".join(f" {name}={_value(value)}" for name, value in body.items())
        return "\n  ".join([head + message + named, *_lines(failure)])


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What is told of a record, in order."""
    body: dict[str, Any] = {
        "time": _time(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": message_of(record),
        **shown(getattr(record, "fields", None)),
    }
    if not is_own(record):
        body["place"] = place(record.pathname, record.lineno, record.funcName or "?")
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        body["failure"] = failure_of(error)
    return body


def _time(created: float) -> str:
    milliseconds = int(created * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=2)
def _second(since: int) -> str:
    """A second since 1970 in UTC; there are many lines in one where much is told."""
    return datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _value(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text


def _lines(failure: list[dict[str, Any]]) -> list[str]:
    lines = []
    for link in failure:
        relation = f"{link['relation']}: " if "relation" in link else ""
        lines.append(f"{relation}{link['type']} {link.get('code', '')}".rstrip())
        lines += [f"  {frame}" for frame in link["frames"]]
    return lines
