"""The examination: every check, in order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.doctor.contents import anchors, contracts, documents, policies, webhooks
from gateway.doctor.findings import Finding, State, failed, failures, skipped
from gateway.doctor.keys import revoked, root_key, signing_key, tokens
from gateway.doctor.network import issuers, port, traces
from gateway.doctor.places import data_folder, key_folder, room
from gateway.doctor.record import checkpoint, clock, continuity, database, tables
from gateway.model.problem import ProblemError
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its ``name``; it ``needs`` that others before it did not fail."""

    name: str
    look: Callable[[Settings], Iterator[Finding]]
    needs: tuple[str, ...] = ()


_RECORD = ("database", "tables")

CHECKS = (
    Check("data folder", data_folder),
    Check("key folder", key_folder),
    Check("disk space", room),
    Check("database", database),
    Check("tables", tables, ("database",)),
    Check("continuity", continuity, _RECORD),
    Check("checkpoints", checkpoint, _RECORD),
    Check("clock", clock, _RECORD),
    Check("contracts", contracts),
    Check("policies", policies, ("contracts",)),
    Check("trusted documents", documents),
    Check("webhooks", webhooks, ("contracts",)),
    Check("anchors", anchors),
    Check("root key", root_key, ("key folder",)),
    Check("signing key", signing_key, ("key folder", *_RECORD)),
    Check("tokens", tokens),
    Check("revoked tokens", revoked),
    Check("identity providers", issuers),
    Check("traces", traces),
    Check("port", port),
)
"""Every check, in the order in which they are told."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything that a gateway with these settings needs.

    Reads only: nothing is started, created, moved or repaired. A check that goes wrong itself is a
    failed finding, and the others still run.
    """
    bad: set[str] = set()
    for check in CHECKS:
        if missing := [name for name in check.needs if name in bad]:
            yield skipped(check.name, f"it is looked at once this is mended: {missing[0]}")
            continue
        for finding in _looked(check, settings):
            if finding.state is State.FAILED:
                bad.add(check.name)
            yield finding


def _looked(check: Check, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check.look(settings)
    except ProblemError as error:
        yield from failures(check.name, error.problem)
    except Exception as error:  # whatever it was, the others are still looked at
        told = f"it could not be looked at ({type(error).__name__})"
        yield failed(check.name, told, "run `gateway serve`, which tells more of it")


def is_well(findings: list[Finding]) -> bool:
    """Whether nothing failed."""
    return all(finding.state is not State.FAILED for finding in findings)
