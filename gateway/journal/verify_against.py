"""Checkpoints that somebody kept elsewhere, to hold the record against."""

import errno
from collections.abc import Iterator
from pathlib import Path

from gateway.journal.checkpoint_lines import Line, LineError, parsed_line, parsed_note
from gateway.journal.findings import FindingKind, Findings
from gateway.journal.verify_checkpoints import Audit, Promise, SignedHeads

MOST_BYTES = 256 * 1024 * 1024
_DASH = "\N{EM DASH} "


def hold_against(file: Path, findings: Findings, audit: Audit) -> None:
    """Add what the checkpoints in ``file`` promise to the ``audit``, once it has seen our own.

    The file holds notes, or lines as in ``checkpoints.jsonl``, as many as there are. A checkpoint
    that no trusted key signed promises nothing, and is told.

    Raises:
        OSError: the file cannot be read, or is larger than what would be looked at.
    """
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        told = f"it is larger than {MOST_BYTES} bytes: divide it between two checkpoints"
        raise OSError(errno.EFBIG, told, str(file))
    text = content.decode("utf-8", "surrogateescape")
    count = 0
    for where, one in _checkpoints(text):
        count += 1
        _hold(f"{file.name}:{where}", one, findings, audit)
    if not count:
        findings.add(FindingKind.CHECKPOINT_FORGED, f"{file.name} holds no checkpoint")


def _hold(where: str, text: str, findings: Findings, audit: Audit) -> None:
    line = _parsed(text)
    if line is None:
        told = f"{where} is no checkpoint that this gateway writes"
        findings.add(FindingKind.CHECKPOINT_FORGED, told)
    elif audit.trust.ever_signer(line) is None:
        told = f"the checkpoint at {where} is signed by no trusted key"
        findings.add(FindingKind.CHECKPOINT_FORGED, told)
    elif line.heads is not None:
        audit.heads.append(SignedHeads(line.heads, 0, is_after_sound=False))
    elif line.checkpoint is not None:
        if audit.origins and line.checkpoint.origin not in audit.origins:
            told = f"the checkpoint at {where} is of the log {line.checkpoint.origin}, and this "
            told += f"record is the log {' or '.join(sorted(audit.origins))}"
            findings.add(FindingKind.FORK, told, shown=(line.note,))
            return
        told = f"checkpoint {line.number}"
        audit.roots.append(Promise(line.position, line.checkpoint.root, told, where, line.note))


def _parsed(text: str) -> Line | None:
    try:
        return parsed_line(text) if text.startswith("{") else parsed_note(text)
    except (LineError, UnicodeError):
        return None


def _checkpoints(text: str) -> Iterator[tuple[int, str]]:
    """Each checkpoint in a text, with the number of its first line: a line of JSON, or a note up to
    its last signature."""
    note: list[str] = []
    begin = 1
    for number, line in enumerate(text.split("\n"), 1):
        is_signature = line.startswith(_DASH)
        if note and not is_signature and note[-1].startswith(_DASH):
            yield begin, "\n".join([*note, ""])
            note = []
        if line.startswith("{") and not note:
            yield number, line
        elif line or note:
            begin = begin if note else number
            note.append(line)
    if any(note):
        yield begin, "\n".join([*note, ""] if note[-1] else note)
