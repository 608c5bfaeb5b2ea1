"""gateway privacy"""

import sys
from pathlib import Path

import click

from gateway.cli.options import FAILED, OK, unusable
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.signed_files import read_file, read_keys, tell_signer, with_signed_file
from gateway.model.json import JsonObject, JsonValue, decode_unique
from gateway.rights import ReceiptReport, verify_receipt

_MAX_BYTES = 4 * 1024 * 1024
_TEXTS = ("erasureId", "workspace", "requestedBy", "requestedAt", "erasedAt")
_TEXTS_IF_APPROVED = ("approvedBy", "approvedAt")
_COUNTS = ("keys", "entries", "executions")


@click.group()
def privacy() -> None:
    """Rights of people."""


@privacy.group()
def receipt() -> None:
    """Receipts of erasures."""


@receipt.command()
@with_signed_file
@with_output
def verify(*, file: Path, public_keys: tuple[Path, ...], out: Output) -> None:
    """Check the signature of a receipt, as privacyErasureGet gives it.

    Needs neither the gateway nor its data. Exits with 0 if the receipt holds, with 1 if it does
    not, and with 2 if it cannot be read.
    """
    content, keys = read_file(file, _MAX_BYTES), read_keys(public_keys)
    if len(content) > _MAX_BYTES:
        unusable(file, f"it is larger than {_MAX_BYTES} bytes, and no receipt is.")
    try:
        report = verify_receipt(decode_unique(content), keys)
    except ValueError as error:
        unusable(file, f"it cannot be checked ({error}).")
    if report.fault is None and not _is_whole(report.receipt):
        unusable(file, "it is signed, but lacks what a receipt of an erasure says.")
    told = {
        "verifies": report.fault is None,
        "fault": report.fault,
        "receipt": report.receipt,
        "signedBy": report.key_id,
        "keyGiven": bool(keys),
    }
    out.tell(told, lambda: _show(report, out, given=bool(keys)))
    sys.exit(FAILED if report.fault is not None else OK)


def _is_whole(receipt: JsonObject) -> bool:
    """True if a receipt says what is shown of it: anybody can sign anything with their own key."""
    match receipt:
        case {"subject": {"kind": str(), "pseudonym": str()}, "fields": [*fields]}:
            return (
                all(isinstance(receipt.get(name), str) for name in _TEXTS)
                and all(isinstance(receipt.get(name, 0), str | None) for name in _TEXTS_IF_APPROVED)
                and all(_is_count(receipt.get(name)) for name in _COUNTS)
                and all(map(_is_counted, fields))
            )
        case _:
            return False


def _is_count(value: JsonValue) -> bool:
    return type(value) is int and value >= 0


def _is_counted(field: JsonValue) -> bool:
    match field:
        case {"contract": str(), "classes": [*classes], "values": values}:
            return _is_count(values) and all(isinstance(name, str) for name in classes)
        case _:
            return False


def _show(report: ReceiptReport, out: Output, *, given: bool) -> None:
    if report.fault is not None:
        out.line(report.fault)
        out.line(Toned("THE RECEIPT DOES NOT VERIFY", Tone.BAD))
        return
    told = report.receipt
    subject = told["subject"]
    out.line(
        f"erasure {told['erasureId']} of {subject['kind']} {subject['pseudonym']} in workspace "
        f"{told['workspace']}"
    )
    out.line(
        f"requested by {told['requestedBy']} at {told['requestedAt']}, "
        f"approved by {told['approvedBy']} at {told['approvedAt']}, done at {told['erasedAt']}"
    )
    out.line(
        f"{told['keys']} keys destroyed; {told['entries']} entries of {told['executions']} "
        f"executions and of calls hold what became unreadable"
    )
    for field in told["fields"]:
        out.line(f"  {field['contract']} ({', '.join(field['classes'])}): {field['values']}")
    tell_signer(out, report.key_id, "receipt", given=given)
    out.line(Toned("the receipt verifies", Tone.GOOD))
