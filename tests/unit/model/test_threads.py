"""Threads that end with the process."""

import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError

import pytest

from gateway.model.threads import Threads

_HANGS = """
import threading
from gateway.model.threads import Threads

begun = threading.Event()
threads = Threads(2, "hanging")
threads.submit(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
threads.shutdown(wait=False, cancel_futures=True)
print("over")
"""


def test_what_hangs_does_not_keep_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _HANGS], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "over\n"), ended.stderr


def test_results_and_exceptions_come_back() -> None:
    threads = Threads(2, "t")
    assert threads.submit(pow, 2, 3).result(30) == 8
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(30)
    with pytest.raises(SystemExit):
        threads.submit(sys.exit, 3).result(30)
    assert threads.submit(pow, 2, 3).result(30) == 8
    threads.shutdown(wait=False)


@pytest.mark.parametrize("most", [1, 3])
def test_as_many_work_at_once_as_may(most: int) -> None:
    for _ in range(50):  # whether a thread is idle is a matter of moments
        threads, gate = Threads(most, "t"), threading.Event()
        first = [threads.submit(gate.wait, 30) for _ in range(most)]
        beyond = threads.submit(gate.wait, 30)
        while not all(one.running() for one in first):
            pass
        assert not beyond.running()
        gate.set()
        assert all(one.result(30) for one in (*first, beyond))
        threads.shutdown(wait=False)


def test_a_thread_that_is_free_serves_again() -> None:
    threads = Threads(8, "t")
    names = set()
    for _ in range(20):
        names.add(threads.submit(lambda: threading.current_thread().name).result(30))
    assert len(names) <= 8
    assert all(name.startswith("t_") for name in names)
    threads.shutdown(wait=False)


class _SlowToSee(queue.SimpleQueue):
    """Takes a while to find that there is nothing."""

    def get_nowait(self) -> object:
        try:
            return super().get_nowait()
        except queue.Empty:
            time.sleep(0.05)
            raise


class _SlowToBegin(threading.Thread):
    def run(self) -> None:
        time.sleep(0.15)
        super().run()


def test_nothing_waits_for_a_thread_that_has_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", _SlowToBegin)
    monkeypatch.setattr(queue, "SimpleQueue", _SlowToSee)
    threads, all_three = Threads(3, "t"), threading.Barrier(3)
    threads.submit(lambda: None).result(30)
    met = [threads.submit(all_three.wait, 5)]
    time.sleep(0.3)
    met += [threads.submit(all_three.wait, 5) for _ in range(2)]
    assert sorted(one.result(30) for one in met) == [0, 1, 2]
    threads.shutdown(wait=False)


def test_what_waits_is_cancelled_at_the_end_and_nothing_more_is_taken() -> None:
    threads, gate = Threads(1, "t"), threading.Event()
    under_way, waiting = threads.submit(gate.wait, 30), threads.submit(gate.wait, 30)
    while not under_way.running():
        pass
    threads.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        waiting.result(30)
    with pytest.raises(RuntimeError):
        threads.submit(gate.wait)
    gate.set()
    assert under_way.result(30)


def test_what_waits_is_done_where_it_is_not_cancelled() -> None:
    threads, gate = Threads(2, "t"), threading.Event()
    work = [threads.submit(gate.wait, 30) for _ in range(5)]
    threads.shutdown(wait=False)
    gate.set()
    assert all(one.result(30) for one in work)


def test_without_a_thread_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads, done = Threads(2, "t"), []
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError):
            threads.submit(done.append, 1)
    threads.submit(done.append, 2).result(30)
    assert done == [2]
    threads.shutdown(wait=False)
