"""The settings of how runs are advanced, and of how much is taken on."""

from typing import Literal

from gateway.limit_settings import LimitSettings
from gateway.model.claims import LONGEST_LEASE
from gateway.setting_values import setting as _setting


class RunSettings(LimitSettings):
    """The part of ``Settings`` that is about advancing runs, and about how much is let in."""

    dispatch: Literal["embedded", "procrastinate", "temporal"] = _setting(
        "embedded",
        "Who advances runs: every gateway itself, or workers told by an engine (docs/dispatch.md).",
        "embedded, or on PostgreSQL procrastinate or temporal",
    )
    temporal_address: str = _setting(
        "127.0.0.1:7233",
        "Where the Temporal server is. Used where it tells workers of runs.",
        "a host and a port",
        pattern=r"^[^\s/:]+:\d{1,5}$",
    )
    temporal_namespace: str = _setting(
        "default",
        "Namespace on the Temporal server.",
        "the name of a namespace that is there",
        min_length=1,
    )
    lease: float = _setting(
        10.0,
        "Seconds after which the runs of a process that died are taken by another.",
        f"a number from 2 to {LONGEST_LEASE:g}",
        ge=2,
        le=LONGEST_LEASE,
        allow_inf_nan=False,
    )
    drain: float = _setting(
        10.0,
        "Seconds for which a process that stops waits for the attempts that are under way.",
        "a number from 0 to 3600",
        ge=0,
        le=3600,
        allow_inf_nan=False,
    )
    max_runs: int = _setting(
        512,
        "Runs that a process advances at the same time.",
        "a number from 1 to 100000",
        ge=1,
        le=100_000,
    )
    max_runs_per_workspace: int | None = _setting(
        None,
        "Runs of one workspace that are advanced at the same time, over all processes.",
        "a number from 1 to 100000",
        shown="no limit",
        ge=1,
        le=100_000,
    )
    max_in_flight_steps: int = _setting(
        64,
        "Steps that are performed at the same time.",
        "a number from 1 to 10000",
        ge=1,
        le=10_000,
    )
    max_requests: int = _setting(
        256,
        "Governed calls in progress at the same time, by any door; more are refused.",
        "a number from 4 to 100000",
        ge=4,
        le=100_000,
    )
    max_waiting_runs: int = _setting(
        1000,
        "Runs that are due and wait for others; while there are as many, no run is started.",
        "a number from 2 to 1000000",
        ge=2,
        le=1_000_000,
    )
    max_delay: float = _setting(
        0.2,
        "Seconds that writes may have to wait; what is new is refused well before (docs/load.md).",
        "a number from 0.01 to 60",
        ge=0.01,
        le=60,
        allow_inf_nan=False,
    )
    objective: float = _setting(
        0.99,
        "Share of runs and calls that should succeed; the rest is the error budget.",
        "a number from 0.5 to 0.99999",
        ge=0.5,
        le=0.99999,
        allow_inf_nan=False,
    )
