"""What a process tells of exceptions and warnings that nobody handles, and of a debugging loop."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
CANARY = "kanari-4711"
BEFORE = """
import asyncio, gc, logging, sys, threading, warnings
from gateway.telemetry import configure, install_hooks, loop_error
install_hooks()
configure("debug", "json")
CANARY = "kanari" + "-4711"
"""


def told(code: str, **env: str) -> list[dict[str, Any]]:
    """What a process that runs ``code`` writes, line by line."""
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + textwrap.dedent(code)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **env},
    )  # fmt: skip
    assert CANARY not in done.stdout + done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError(CANARY)", "the process ends by an exception"),
        (
            (
                "def run(): raise ValueError(CANARY)\n"
                "thread = threading.Thread(target=run, name=CANARY); thread.start(); thread.join()"
            ),
            "a thread ended by an exception",
        ),
        (
            (
                "class Loud:\n"
                "    def __del__(self): raise ValueError(CANARY)\n"
                "    def __repr__(self): return CANARY\n"
                "one = Loud(); del one; gc.collect()"
            ),
            "an exception that nobody can catch",
        ),
        (
            (
                "async def run():\n"
                "    asyncio.get_running_loop().set_exception_handler(loop_error)\n"
                "    async def fail(): raise ValueError(CANARY)\n"
                "    task = asyncio.create_task(fail(), name=CANARY)\n"
                "    await asyncio.sleep(0.01); del task; gc.collect()\n"
                "asyncio.run(run())"
            ),
            "Task exception was never retrieved in the event loop",
        ),
        (
            (
                "import uvloop\n"
                "async def run():\n"
                "    loop = asyncio.get_running_loop()\n"
                "    loop.set_exception_handler(loop_error)\n"
                "    def fail(given): raise ValueError(given)\n"
                "    loop.call_soon(fail, CANARY); await asyncio.sleep(0.01)\n"
                "uvloop.run(run())"
            ),
            "Exception in callback in the event loop",
        ),
    ],
)
def test_what_nobody_catches_is_told_without_its_text(code: str, message: str) -> None:
    found = next(line for line in told(code) if line["message"] == message)
    assert found["logger"] == "gateway.process"
    (failure,) = found["failure"]
    assert failure["type"] == "ValueError"
    assert failure["frames"]


def test_a_warning_is_told_by_its_kind_and_place() -> None:
    (found,) = told(
        "warnings.warn(CANARY, DeprecationWarning, stacklevel=1)", PYTHONWARNINGS="always"
    )
    assert found["message"].startswith("DeprecationWarning at <string>:")


def test_a_loop_without_our_handler_and_in_debug_mode_tells_no_values_either() -> None:
    code = """
    import time
    async def run():
        def slow(given): time.sleep(0.2); raise ValueError(given)
        asyncio.get_running_loop().call_soon(slow, CANARY)
        await asyncio.sleep(0.3)
    asyncio.run(run(), debug=True)
    """
    found = told(code)
    assert {line["logger"] for line in found} == {"asyncio"}
    assert any(line.get("failure") for line in found)


def test_libraries_are_told_from_warnings_on_at_any_level_and_through_one_handler() -> None:
    code = """
    for name in ("httpx", "httpcore.connection", "websockets.server", "sqlalchemy.engine", "shop"):
        logging.getLogger(name).debug(CANARY)
        logging.getLogger(name).info(CANARY)
    other = logging.getLogger("other")
    logging.getLogger("gateway.x").debug("ours")
    logging.getLogger("uvicorn.error").info("Shutting down")
    """
    assert [line["message"] for line in told(code)] == ["ours", "Shutting down"]


def test_a_handler_that_a_library_brought_is_taken_off() -> None:
    code = """
    logging.getLogger("chatty").addHandler(logging.StreamHandler())
    logging.getLogger("chatty").propagate = False
    configure("info", "json")
    logging.getLogger("chatty").warning("made of " + CANARY)
    """
    (found,) = told(code)
    assert found["message"] == "(the text of this message is withheld)"


def test_the_form_of_a_pipe_is_json_and_may_be_text() -> None:
    code = """
    import io
    for form in ("auto", "text"):
        stream = io.StringIO()
        configure("info", form, stream)
        logging.getLogger("gateway").info("hello")
        print(stream.getvalue()[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + textwrap.dedent(code)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["{", "2"]
