"""Exceptions in logs: types and places, whatever they say and hold."""

import json
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from gateway.model.problem import Problem, ProblemError, refuse
from gateway.telemetry import failure_of, told_failure
from gateway.telemetry.failures import MOST_FRAMES, MOST_LINKS
from tests.unit.telemetry.records import listening

CANARY = "kanari-4711"


class Model(pydantic.BaseModel):
    number: int


def plain() -> None:
    raise ValueError(CANARY)


def noted() -> None:
    error = KeyError(CANARY)
    error.add_note(f"note {CANARY}")
    raise error


def chained() -> None:
    try:
        plain()
    except ValueError as error:
        raise RuntimeError(CANARY) from error


def in_context() -> None:
    try:
        plain()
    except ValueError:
        noted()


def suppressed() -> None:
    try:
        plain()
    except ValueError:
        raise RuntimeError(CANARY) from None


def grouped() -> None:
    inner = ExceptionGroup(CANARY, [ValueError(CANARY), refuse("NOT_FOUND", CANARY)])
    raise ExceptionGroup(CANARY, [inner, OSError(2, CANARY, CANARY)])


def of_pydantic() -> None:
    Model(number=CANARY)  # type: ignore[arg-type]


def of_syntax() -> None:
    compile(f"{CANARY} (", CANARY, "exec")


def of_unicode() -> None:
    CANARY.encode().decode("utf-16")
    (CANARY + "\ud800").encode()


def of_endless_depth() -> None:
    of_endless_depth()


def told_problem() -> None:
    raise refuse("CONFLICT", CANARY)


def named_type() -> None:
    raise type(f"Kind{CANARY}", (Exception,), {})(CANARY)


def in_code_of_an_odd_name() -> None:
    exec(compile("raise ValueError()", f"<{CANARY}€>", "exec"))  # noqa: S102 our own text


RAISERS = [
    plain, noted, chained, in_context, suppressed, grouped, of_pydantic, of_syntax, of_unicode,
    of_endless_depth, told_problem, named_type, in_code_of_an_odd_name,
]  # fmt: skip


def caught(raiser: Callable[[], None]) -> Exception:
    with pytest.raises(Exception) as found:  # noqa: PT011 any of them
        raiser()
    return found.value


@pytest.mark.parametrize("raiser", RAISERS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_nothing_that_an_exception_says_is_told(raiser: Callable[[], None], form: Any) -> None:
    error = caught(raiser)
    with listening("gateway.test", form) as (log, stream):
        log.error("it failed", exc_info=error)
        try:
            raise error
        except Exception:
            log.exception("it failed")
    text = stream.getvalue()
    assert CANARY not in text + told_failure(error)
    assert raiser.__name__ in text or raiser is named_type
    assert "test_failures.py" in text


def types_of(raiser: Callable[[], None]) -> list[tuple[str, str | None]]:
    return [(link["type"], link.get("relation")) for link in failure_of(caught(raiser))]


def test_what_an_exception_came_of_is_told_with_it() -> None:
    assert types_of(chained) == [("RuntimeError", None), ("ValueError", "cause")]
    assert types_of(in_context) == [("KeyError", None), ("ValueError", "context")]
    assert types_of(suppressed) == [("RuntimeError", None)]
    assert types_of(grouped) == [
        ("ExceptionGroup", None),
        ("ExceptionGroup", "member"),
        ("FileNotFoundError", "member"),
        ("ValueError", "member"),
        ("gateway.model.problem.ProblemError", "member"),
    ]


def test_a_problem_is_told_by_its_code_if_that_is_one() -> None:
    (link,) = failure_of(caught(told_problem))
    assert link["code"] == "CONFLICT"
    odd = ProblemError(Problem(CANARY, "", 500, "", "internal"))
    assert "code" not in failure_of(odd)[0]


def test_frames_are_told_by_file_line_and_function_the_innermost_last() -> None:
    (link,) = failure_of(caught(plain))
    assert link["frames"][-1].startswith("tests/unit/telemetry/test_failures.py:")
    assert link["frames"][-1].endswith(" plain")


def test_endless_chains_and_stacks_are_bounded() -> None:
    (link,) = failure_of(caught(of_endless_depth))
    assert len(link["frames"]) == MOST_FRAMES
    error: BaseException = ValueError()
    first = error
    for _ in range(50):
        error.__cause__ = ValueError()
        error = error.__cause__
    error.__cause__ = first
    assert len(failure_of(first)) == MOST_LINKS
    wide = ExceptionGroup("", [ExceptionGroup("", [ValueError()] * 50)] * 50)
    assert len(failure_of(wide)) <= MOST_LINKS


def test_a_failure_is_plain_json() -> None:
    json.dumps(failure_of(caught(grouped)))
