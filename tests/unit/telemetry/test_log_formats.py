"""How records are told: by the gateway's own loggers, and by those of libraries."""

import io
import json
import logging
from typing import Any

import pytest

from gateway.model.problem import refuse
from gateway.telemetry import fields, handler
from tests.unit.telemetry.records import line_of, listening

CANARY = "kanari-4711"


class Loud:
    """An object whose texts hold what must not be told."""

    def __repr__(self) -> str:
        return CANARY

    __str__ = __repr__


def test_a_record_of_ours_is_one_json_line_with_its_fields() -> None:
    with listening("gateway.test") as (log, stream):
        log.info("run %s took %d steps", "run_1", 3, extra=fields(status=200, workspace="acme"))
    found = line_of(stream)
    time = found.pop("time")
    assert time.endswith("Z")
    assert found == {
        "level": "info",
        "logger": "gateway.test",
        "message": "run run_1 took 3 steps",
        "status": 200,
        "workspace": "acme",
    }


def test_the_text_form_is_one_line_and_more_for_a_failure() -> None:
    with listening("gateway.test", "text") as (log, stream):
        log.warning("it failed", exc_info=refuse("CONFLICT", CANARY), extra=fields(status=409))
    first, *more = stream.getvalue().splitlines()
    assert first.endswith("WARNING gateway.test: it failed status=409")
    assert more == ["  gateway.model.problem.ProblemError CONFLICT"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_record_makes_a_second_line(form: Any) -> None:
    with listening("gateway.test", form) as (log, stream):
        log.info("digest %s", "a\nfake line\r\x1b[31m\u2028\x85b")
    assert stream.getvalue().count("\n") == 1
    assert not {"\r", "\x1b", "\u2028", "\x85"} & set(stream.getvalue())


def test_arguments_of_ours_are_redacted_and_exceptions_among_them_lose_their_text() -> None:
    with listening("gateway.test") as (log, stream):
        log.info(
            "%s %s %s",
            *("alice@example.com", ValueError(CANARY), refuse("NOT_FOUND", CANARY)),
        )
    assert line_of(stream)["message"] == "[e-mail] ValueError NOT_FOUND"


@pytest.mark.parametrize(
    "given",
    [("%s %s", "x"), ("%d", "x"), ("%(a)s", "x"), (Loud(),), (["x", CANARY],), ({"a": CANARY},)],
)
def test_a_message_that_cannot_be_made_costs_nothing_but_itself(given: tuple[Any, ...]) -> None:
    for name in ("gateway.test", "other.test"):
        with listening(name) as (log, stream):
            log.info(*given)
        assert CANARY not in stream.getvalue()
        assert line_of(stream)["message"].startswith("(the ")


def test_half_a_surrogate_pair_is_told_all_the_same() -> None:
    with listening("gateway.test") as (log, stream):
        log.info("digest %s", "\ud800")
    assert line_of(stream)["message"] == "digest \ud800"


def test_a_library_is_told_by_its_template_and_numbers_alone() -> None:
    with listening("uvicorn.test") as (log, stream):
        log.info("%s - %d of %r took %.1f", CANARY, 42, Loud(), 1.5)
    found = line_of(stream)
    assert CANARY not in stream.getvalue()
    assert found["message"].startswith("<str> - 42 of <")
    assert found["message"].endswith(".Loud> took 1.5")
    assert found["place"].startswith("tests/unit/telemetry/test_log_formats.py:")


def test_numbers_that_could_be_of_a_person_are_not_told_of_libraries() -> None:
    with listening("uvicorn.test") as (log, stream):
        log.info("%s %s", 4915112345678, True)
    assert "4915112345678" not in stream.getvalue()


def test_a_constant_message_of_a_library_is_told_and_a_made_one_is_not() -> None:
    with listening("asyncio.test") as (log, stream):
        log.warning("Invalid HTTP request received.")
    assert line_of(stream)["message"] == "Invalid HTTP request received."
    for made in (f"bad {CANARY}", "bad {}".format(CANARY), "bad " + CANARY):  # noqa: UP032 on purpose
        with listening("asyncio.test") as (log, stream):
            log.warning(made)
        found = line_of(stream)
        assert CANARY not in stream.getvalue()
        assert found["message"] == "(the text of this message is withheld)"
        assert "test_log_formats.py:" in found["place"]


def test_a_record_that_comes_from_elsewhere_is_not_believed() -> None:
    stream = io.StringIO()
    record = logging.LogRecord("lib", 30, "elsewhere.py", 7, "constant?", (), None, "somewhere")
    handler("json", stream).handle(record)
    assert json.loads(stream.getvalue())["message"] == "(the text of this message is withheld)"


def test_what_a_record_brings_besides_is_not_told() -> None:
    with listening("gateway.test") as (log, stream):
        log.info("hello", extra={"subject": CANARY, "fields": {"subject": CANARY, "status": 200}})
        log.info("hello", extra={"fields": CANARY}, stack_info=True)
    assert CANARY not in stream.getvalue()
    assert "Stack" not in stream.getvalue()
    assert json.loads(stream.getvalue().splitlines()[0])["status"] == 200


def test_a_handler_that_fails_prints_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            raise ValueError(CANARY + str(record.args))

    stream = io.StringIO()
    writes = handler("json", stream)
    writes.setFormatter(Broken())
    writes.handle(logging.LogRecord("gateway", 30, "a.py", 7, "%s", (CANARY,), None))
    stream.seek(0)
    assert json.loads(stream.read())["message"] == "a log record could not be told"
    stream.close()
    writes.handle(logging.LogRecord("gateway", 30, "a.py", 7, "%s", (CANARY,), None))
    assert CANARY not in "".join(capsys.readouterr())
