"""Threads that end with the process, whatever hangs in them."""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Work:
    future: Future[Any]
    run: Callable[[], Any]


class Threads(Executor):
    """Up to ``most`` threads, begun where work waits for one.

    Python waits at its end for every thread of its own ``ThreadPoolExecutor``: a process in which a
    handler or a disk hangs would end only when it is killed. For these it does not wait.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._begun = 0
        self._idle = 0
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have ``fn`` called in a thread once one is free.

        Raises:
            RuntimeError: after ``shutdown``, or where the process may have no thread at all.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"no more work is taken by the threads {self._name!r}")
            # Before a thread begins: one that finds nothing to do counts as idle.
            self._waiting.put(_Work(future, partial(fn, *args, **kwargs)))
            if self._idle:
                self._idle -= 1
            elif self._begun < self._most:
                self._begin(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; what is under way goes on, and nobody waits for it.

        Raises:
            ValueError: it was asked to wait.
        """
        if wait:
            raise ValueError("nobody waits for these threads")
        with self._lock:
            self._is_closed = True
        with contextlib.suppress(queue.Empty):
            while cancel_futures:
                left = self._waiting.get_nowait()
                if left is not None:
                    left.future.cancel()
        self._waiting.put(None)

    def _begin(self, future: Future[Any]) -> None:
        name = f"{self._name}_{self._begun}"
        try:
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        except RuntimeError:  # the process may have no more threads: those that are there serve
            if not self._begun:
                future.cancel()
                raise
        else:
            self._begun += 1

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            if work.future.set_running_or_notify_cancel():
                _settle(work)
            del work  # what it holds is not kept while this waits
        self._waiting.put(None)  # for the next thread

    def _next(self) -> _Work | None:
        # At once: else work that comes in between would be left to a thread that has other work by
        # then, which may hang in it.
        with self._lock:
            with contextlib.suppress(queue.Empty):
                return self._waiting.get_nowait()
            self._idle += 1
        return self._waiting.get()


def _settle(work: _Work) -> None:
    try:
        result = work.run()
    except BaseException as error:
        work.future.set_exception(error)
    else:
        work.future.set_result(result)
