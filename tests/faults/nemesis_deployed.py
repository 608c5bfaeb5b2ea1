"""The faults of a deployment on PostgreSQL, in the manner of ``nemesis``."""

import signal
import time
from collections.abc import Callable
from random import Random

from tests.faults import nemesis
from tests.faults.deployment import LEASE, Deployment

DeployedFault = Callable[[Deployment, Random], float]

_BUSY = 4.0  # seconds within which every worker should have something to do


def kill_worker(deployment: Deployment, moments: Random) -> float:
    """SIGKILL a worker that advances runs; it is back once the other one has taken them."""
    held = deployment.when_all_hold(_BUSY)
    worker = moments.choice(deployment.workers)
    worker.stop(signal.SIGKILL)
    since = time.monotonic()
    deployment.wait_for_takeover(held, since)
    worker.start()
    return since


def kill_any(deployment: Deployment, moments: Random) -> float:
    """SIGKILL one or two of all processes, and start them again."""
    killed = moments.sample(deployment.processes, moments.choice([1, 1, 2]))
    for process in killed:
        process.stop(signal.SIGKILL)
    since = time.monotonic()
    time.sleep(moments.uniform(0.0, 0.5))
    deployment.start()
    return since


def pause_worker(deployment: Deployment, moments: Random) -> float:
    """SIGSTOP a worker for longer than its claims last, then let it go on as if it had them."""
    held = deployment.when_all_hold(_BUSY)
    worker = moments.choice(deployment.workers)
    assert worker.process is not None
    since = time.monotonic()
    worker.process.send_signal(signal.SIGSTOP)
    time.sleep(LEASE)
    deployment.wait_for_takeover(held, since)
    time.sleep(moments.uniform(0.0, 0.5))
    worker.process.send_signal(signal.SIGCONT)
    return time.monotonic()


def cut_worker(deployment: Deployment, moments: Random) -> float:
    """End a worker's connections to the database, and let it make none for a while."""
    network = moments.choice(deployment.workers).network
    network.cut()
    time.sleep(moments.choice([0.0, 0.3, LEASE * moments.uniform(0.8, 1.6)]))
    network.heal()
    return time.monotonic()


def stall_worker(deployment: Deployment, moments: Random) -> float:
    """Let nothing through between a worker and the database for a while; what was sent before
    arrives afterwards, however late that is."""
    network = moments.choice(deployment.workers).network
    network.stall()
    time.sleep(moments.choice([0.5, LEASE * moments.uniform(0.8, 1.8)]))
    network.heal()
    return time.monotonic()


def kill_postgres(deployment: Deployment, moments: Random) -> float:
    """SIGKILL the database with all that belongs to it, and start it again after a while."""
    deployment.postgres.kill()
    time.sleep(moments.choice([0.0, 0.5, moments.uniform(0.5, 1.5 * LEASE)]))
    deployment.postgres.start()
    return time.monotonic()


def set_clocks(deployment: Deployment, moments: Random) -> float:
    """Start one of the processes anew with a clock of the day that is wrong by half a minute; the
    others have each a clock of their own by then."""
    process = moments.choice(deployment.processes)
    process.stop(moments.choice([signal.SIGKILL, signal.SIGTERM]))
    since = time.monotonic()
    process.skew = round(moments.uniform(-30.0, 30.0), 3)
    process.start()
    return since


def anything(deployment: Deployment, moments: Random) -> float:
    """Any of the faults, one after the other."""
    struck: DeployedFault = moments.choice(_ALL)
    return struck(deployment, moments)


_ALL: tuple[DeployedFault, ...] = (
    kill_worker,
    kill_any,
    pause_worker,
    cut_worker,
    stall_worker,
    kill_postgres,
    nemesis.kill_service,
    nemesis.trouble_service,
)

DEPLOYED_FAULTS: dict[str, DeployedFault] = {
    "worker killed": kill_worker,
    "any process killed": kill_any,
    "worker paused": pause_worker,
    "worker cut off": cut_worker,
    "worker stalled": stall_worker,
    "PostgreSQL killed": kill_postgres,
    "clocks differ": set_clocks,
    "service in trouble, workers": nemesis.trouble_service,
    "operators race, two gateways": nemesis.nothing,
    "everything": anything,
}
