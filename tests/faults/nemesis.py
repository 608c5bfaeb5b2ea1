"""The faults: each strikes once, at a moment of its own choosing, and heals what it did.

A fault returns the moment from which recovery counts: that of a kill, else the end of what lasted.
"""

import signal
import time
from collections.abc import Callable
from random import Random

from tests.faults.clients import PATIENCE
from tests.faults.cluster import Cluster
from tests.processes import stop

Fault = Callable[[Cluster, Random], float]


def kill_gateway(cluster: Cluster, moments: Random) -> float:
    """SIGKILL a gateway, sometimes the next one too while it starts, and start it again."""
    gateway = moments.choice(cluster.gateways)
    gateway.stop(signal.SIGKILL)
    since = time.monotonic()
    if moments.random() < 0.3:
        begun = gateway.begin()
        time.sleep(moments.uniform(0.3, 1.3))
        stop(begun, signal.SIGKILL)
    gateway.start()
    return since


def kill_service(cluster: Cluster, moments: Random) -> float:
    """SIGKILL the service that actions call, and start it again after a while."""
    assert cluster.service.process is not None
    stop(cluster.service.process, signal.SIGKILL)
    time.sleep(moments.uniform(0.0, 0.6))
    cluster.service.start()
    return time.monotonic()


def pause_gateway(cluster: Cluster, moments: Random) -> float:
    """SIGSTOP a gateway for longer than actions and callers wait, then let it go on."""
    gateway = moments.choice(cluster.gateways)
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGSTOP)
    time.sleep(moments.uniform(PATIENCE + 0.3, PATIENCE + 1.5))
    gateway.process.send_signal(signal.SIGCONT)
    return time.monotonic()


def fill_disk(cluster: Cluster, moments: Random) -> float:
    """Let the files of a gateway grow no more (or hardly), as a full disk would, for a while."""
    gateway = moments.choice(cluster.gateways)
    wal = gateway.data_dir / "gateway.db-wal"
    written = wal.stat().st_size if wal.exists() else 0
    gateway.limit_files(moments.choice([0, written, written + moments.randrange(40_000)]))
    time.sleep(moments.uniform(0.4, 1.5))
    gateway.limit_files(None)
    return time.monotonic()


def skew_clock(cluster: Cluster, moments: Random) -> float:
    """End a gateway and start it with a clock that is wrong by up to three seconds."""
    gateway = moments.choice(cluster.gateways)
    gateway.stop(moments.choice([signal.SIGKILL, signal.SIGTERM]))
    since = time.monotonic()
    gateway.skew = round(moments.uniform(-3.0, 3.0), 3)
    gateway.start()
    return since


def trouble_service(cluster: Cluster, moments: Random) -> float:
    """Let the next requests at the service be slow, fail, be cut, garbled, doubled or too late."""
    service = cluster.service
    for _ in range(12):
        path = moments.choice(["/tickets/*", "/orders/*", "/subscriptions/*"])
        mode = moments.choice(["delay", "delay", "500", "503", "garbage", "cut", "twice"])
        late = {"ms": moments.choice([150, 600, 1_400])} if mode == "delay" else {}
        if mode == "twice" and path == "/tickets/*":
            continue  # whoever knows no keys does twice what comes twice, and nobody can help it
        service.fault(path, mode, after_effect=moments.random() < 0.5, **late)
    time.sleep(moments.uniform(0.5, 1.5))
    service.clear_faults()
    return time.monotonic()


def outage(cluster: Cluster, moments: Random) -> float:
    """Gateway and service are down together for a second, while people go on deciding."""
    gateway = moments.choice(cluster.gateways)
    gateway.stop(signal.SIGKILL)
    assert cluster.service.process is not None
    stop(cluster.service.process, signal.SIGKILL)
    time.sleep(moments.uniform(0.5, 1.5))
    gateway.start()
    time.sleep(moments.uniform(0.0, 0.5))
    cluster.service.start()
    return time.monotonic()


def nothing(_: Cluster, moments: Random) -> float:
    """Nothing fails: what people do at the same time is enough."""
    time.sleep(moments.uniform(0.5, 1.0))
    return time.monotonic()


FAULTS: dict[str, Fault] = {
    "gateway killed": kill_gateway,
    "service killed": kill_service,
    "gateway paused": pause_gateway,
    "disk full": fill_disk,
    "clock skewed": skew_clock,
    "service in trouble": trouble_service,
    "outage": outage,
    "operators race": nothing,
}
