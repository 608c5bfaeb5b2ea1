"""What is said of roots that were signed and do not hold."""

import base64
import sqlite3
from collections.abc import Sequence

from gateway.journal.findings import FindingKind, Findings
from gateway.journal.verify_checkpoints import Promise, note_of
from gateway.transparency import Hash


def check_forks(
    connection: sqlite3.Connection, findings: Findings, promises: Sequence[Promise]
) -> None:
    """No two signed checkpoints disagree on the root over the same entries."""
    first: dict[int, Promise] = {}
    for promise in promises:
        known = first.setdefault(promise.size, promise)
        if known.root == promise.root:
            continue
        told = f"{_named(known)} and {_named(promise)} are both signed, over {promise.size} "
        told += f"entries each, and disagree: their roots are {_shown(known.root)} and "
        notes = tuple(one.note or note_of(connection, one.told) for one in (known, promise))
        findings.add(FindingKind.FORK, told + _shown(promise.root), shown=notes)


def tell_broken(findings: Findings, promise: Promise, root: Hash, agreed: int) -> None:
    """Tell that the first entries have this ``root`` and not the one that was signed over them;
    ``agreed`` of them have a root that was."""
    where = f"they agree up to position {agreed}" if agreed else "they agree on no earlier root"
    told = f"{_named(promise)} signed {promise.size} entries with the root {_shown(promise.root)}, "
    told += f"and the first {promise.size} here have {_shown(root)}: {where}"
    if promise.kept:
        findings.add(FindingKind.FORK, told, position=agreed + 1, shown=(promise.note,))
    else:
        told += ", so an entry behind it was changed, reordered or inserted"
        findings.add(FindingKind.ROOT, told, position=agreed + 1)


def tell_cut_off(findings: Findings, promise: Promise, size: int) -> None:
    """Tell that only ``size`` of the entries are there that were signed."""
    told = f"{_named(promise)} signed {promise.size} entries, and the record holds {size}: entries "
    notes = (promise.note,) if promise.note else ()
    findings.add(
        FindingKind.TRUNCATED, told + "at the end were removed", None, None, size + 1, notes
    )


def _named(promise: Promise) -> str:
    return f"{promise.told} in {promise.kept}" if promise.kept else promise.told


def _shown(root: Hash) -> str:
    return base64.b64encode(root).decode()
