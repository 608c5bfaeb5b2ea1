"""Processes that begin with the gateway imported: forks of one that did nothing else.

Importing takes a second or two of a core, which hundreds of starts would spend again. What is
forked is a child of the test like any other: it has memory, signals and an exit code of its own.
"""

import atexit
import ctypes
import gc
import inspect
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
_MAX_REQUEST = 1_000_000


class Forked(subprocess.Popen[Any]):
    """``subprocess.Popen`` of ``python -m MODULE`` or ``python -c CODE``, forked where that is the
    same.

    It is not the same where Python itself is set up in another way, nor beyond Linux: there the
    command is started from nothing.
    """

    def _execute_child(self, args: Any, *more: Any) -> None:
        named = dict(zip(_PARAMETERS, more, strict=True))
        if not _forks(args, named):
            super()._execute_child(args, *more)  # type: ignore[misc]
            return
        streams = [named[stream] for stream in ("p2cread", "c2pwrite", "errwrite")]
        request = {
            "how": args[1],
            "what": args[2],
            "arguments": [str(one) for one in args[3:]],
            "cwd": str(named["cwd"] or Path.cwd()),
            "env": dict(os.environ if named["env"] is None else named["env"]),
        }
        streams = [fd if fd >= 0 else own for own, fd in enumerate(streams)]
        self.pid = _nursery().fork(request, streams)
        self._child_created = True
        self._close_pipe_fds(*(named[stream] for stream in _PIPES))  # type: ignore[attr-defined]


_START_OF_ALL = subprocess.Popen._execute_child  # type: ignore[attr-defined]
_PARAMETERS = tuple(inspect.signature(_START_OF_ALL).parameters)[2:]
_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


def _forks(args: Any, named: dict[str, Any]) -> bool:
    """Whether a fork is the same as a start."""
    env = os.environ if named["env"] is None else named["env"]
    of_python = {name for name in {*env, *os.environ} if name.startswith("PYTHON")}
    plain = not (named["pass_fds"] or named["preexec_fn"] or named["start_new_session"])
    return (
        sys.platform == "linux"
        and plain
        and args[0] == sys.executable
        and args[1] in ("-m", "-c")
        and all(env.get(name) == os.environ.get(name) for name in of_python)
    )


def run_to_end(command: Sequence[Any], timeout: float = 60, **options: Any) -> Any:
    """Run a command and return what it wrote and its exit code, as ``subprocess.run`` does."""
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with Forked(list(command), **piped) as process:
        try:
            told, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, told, errors)


class _Nursery:
    """The process that is forked, and the way to ask it."""

    def __init__(self) -> None:
        # What it forks becomes a child of this process as soon as its own parent is gone.
        assert ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) == 0
        self._lock = threading.Lock()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def fork(self, request: dict[str, Any], streams: list[int]) -> int:
        """A new process that does as ``request`` says; returns its id."""
        with self._lock:
            socket.send_fds(self._ours, [json.dumps(request).encode()], streams)
            return int(self._ours.recv(100))

    def close(self) -> None:
        self._ours.close()
        self._process.wait(timeout=10)


_made: list[_Nursery] = []
_making = threading.Lock()


def _nursery() -> _Nursery:
    with _making:
        if not _made:
            _made.append(_Nursery())
    return _made[0]


def _import() -> None:
    """Import what commands need, as they do, and make what they would make when first asked: of
    the contracts and cases that are shipped, of statements, and for clients."""
    from gateway import loading
    from gateway.actions import HttpActions
    from gateway.cli.main import _MODULES
    from gateway.policy import read_content
    from gateway.policy.case_files import read_cases
    from gateway.shipped import shipped_policies, shipped_schema
    from tests.loaded import load_contracts

    for module in [*_MODULES.values(), "examples.support_service.app"]:
        import_module(module)
    loading.load_contracts = load_contracts
    registry = load_contracts(loading.contract_folders([shipped_schema()]))
    for contract in registry.operations.values():
        assert registry.input_of(contract).model
        assert registry.output_of(contract).model
    read_cases(read_content(shipped_policies()), Path())
    HttpActions((), {})
    _compile_statements()
    gc.freeze()


def _compile_statements() -> None:
    """Compile the statements for SQLite, but for those that are for PostgreSQL alone."""
    from sqlalchemy.exc import CompileError

    from gateway.journal.statement import Statement

    for statement in [one for one in gc.get_objects() if type(one) is Statement]:
        with suppress(CompileError):
            assert statement.sqlite


def _requested(asked: socket.socket) -> dict[str, Any]:
    """Fork for each request; returns in what was forked alone."""
    while True:
        told, streams, _, _ = socket.recv_fds(asked, _MAX_REQUEST, 3)
        if not told:
            os._exit(0)
        read, write = os.pipe()
        middle = os.fork()
        if middle == 0:
            child = os.fork()
            if child == 0:
                break
            os.write(write, str(child).encode())
            os._exit(0)
        os.waitpid(middle, 0)
        asked.send(os.read(read, 100))
        for fd in (*streams, read, write):
            os.close(fd)
    for own, fd in enumerate(streams):
        os.dup2(fd, own)
    for fd in (*streams, read, write):
        os.close(fd)
    _reopen()
    request: dict[str, Any] = json.loads(told)
    return request


def _reopen() -> None:
    """Make the standard streams anew, as Python does at a start: what they know of the files that
    they were made for (whether those can be sought in) does not hold for these."""
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)


def _main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        _import()
        request = _requested(asked)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv[1:] = request["arguments"]
    if request["how"] == "-m":
        runpy.run_module(request["what"], run_name="__main__", alter_sys=True)
    else:
        sys.argv[0] = "-c"
        exec(request["what"], {"__name__": "__main__"})  # noqa: S102 what Python would do


if __name__ == "__main__":
    _main()
