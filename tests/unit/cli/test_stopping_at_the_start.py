"""``gateway serve`` and ``gateway worker`` that are told to stop before they serve."""

import signal
import subprocess
import sys

import pytest

HANGING = """
import asyncio, contextlib, importlib
from gateway.cli import main

@contextlib.asynccontextmanager
async def running(*_):
    print("starting", flush=True)
    try:
        await asyncio.sleep(60)
        yield
    finally:
        print("undone", flush=True)

importlib.import_module("gateway.cli.{command}").running = running
main(["{command}", "--port", "0"])
"""
"""A process whose start takes a minute."""


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_what_has_begun_ends_in_order(command: str) -> None:
    program = [sys.executable, "-c", HANGING.format(command=command)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30)[0] == "undone\n"
    assert process.returncode == 0
