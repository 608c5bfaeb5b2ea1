"""Receipts of erasures: what was erased, for whom and by whom, signed, and checked offline.

A receipt is a JSON object that is signed in its canonical form (RFC 8785) with the key that signs
the checkpoints of the journal. It names nobody whose data it is about, and holds no value.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.evidence.signing import SignatureError, check_signature, normal_key, signature_of
from gateway.evidence.text import MAX_DEPTH, is_too_deep
from gateway.journal import Signer
from gateway.model.entry import Entry
from gateway.model.json import JsonObject, JsonValue, canonical, digest
from gateway.model.rights import Erasure
from gateway.rights.search import Search

RECEIPT_TYPE = "contract-gateway/erasure-receipt/1"
"""What a receipt says that it is, so that its signature is never taken for that of another."""

_MOST_BUNDLES = 1_000

Classes = Callable[[str, str], Iterable[str]]
"""The names of the PII classes of a field of a contract."""


def make_receipt(
    erasure: Erasure,
    search: Search,
    keys: Sequence[str],
    now: str,
    newest: Entry | None,
    classes: Classes,
) -> JsonObject:
    """What there is to say of an erasure; ``keys`` are those that were destroyed, ``newest`` is the
    journal's last entry before that of the erasure."""
    subject = erasure.subject
    return {
        "type": RECEIPT_TYPE,
        "erasureId": erasure.id,
        "workspace": subject.workspace,
        "subject": {"kind": subject.kind.value, "pseudonym": subject.target},
        "ground": erasure.ground,
        "requestedBy": erasure.requested_by,
        "requestedAt": erasure.requested_at,
        "approvedBy": erasure.decided_by,
        "approvedAt": erasure.decided_at,
        "erasedAt": now,
        "keys": len(keys),
        "keysDigest": digest(sorted(keys)),
        "executions": len(search.executions),
        "entries": len(search.positions),
        "fields": count_fields(search.fields, classes),
        "bundles": len(search.bundles),
        "bundlesNamed": [f"{run}-{number}" for run, number in sorted(search.bundles)][
            :_MOST_BUNDLES
        ],
        "notErased": search.shared,
        "journal": {"position": newest.position, "hash": newest.hash} if newest else None,
    }


def count_fields(fields: Counter[tuple[str, str]], classes: Classes) -> list[JsonObject]:
    """How many values there are by contract and class; ``fields`` counts them by field."""
    counts: Counter[tuple[str, str]] = Counter()
    for (contract, field), count in fields.items():
        named = "+".join(sorted(classes(contract, field))) or "unclassified"
        counts[contract, named] += count
    return [
        {"contract": contract, "classes": named.split("+"), "values": count}
        for (contract, named), count in sorted(counts.items())
    ]


def signed(receipt: JsonObject, signer: Signer) -> JsonObject:
    """A receipt with its signature."""
    return {"receipt": receipt, "signature": signature_of(signer, canonical(receipt))}


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What checking a receipt found: ``fault`` is None where it holds."""

    receipt: JsonObject
    key_id: str
    fault: str | None


def verify_receipt(stated: JsonValue, public_keys: Sequence[str]) -> ReceiptReport:
    """Check the signature of a receipt; ``public_keys`` (PEM) are those that count, and without any
    the one that came with it does.

    Raises:
        ValueError: it is no receipt at all, or a given key is no Ed25519 public key.
    """
    trusted = [normal_key(pem) for pem in public_keys]
    if is_too_deep(stated):
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    match stated:
        case {"receipt": {"type": str(kind)}, "signature": signature} if len(stated) == 2:
            receipt: JsonObject = stated["receipt"]
        case _:
            raise ValueError("it does not hold just a receipt and its signature")
    if kind != RECEIPT_TYPE:
        raise ValueError(f"it is of type {kind[:100]!r}, not {RECEIPT_TYPE!r}")
    key_id = str(signature.get("keyId")) if isinstance(signature, dict) else ""
    try:
        check_signature(signature, canonical(receipt), trusted)
    except SignatureError as error:
        where = f"signature.{error.field}: " if error.field else "signature: "
        return ReceiptReport(receipt, key_id, f"{where}{error}")
    return ReceiptReport(receipt, key_id, None)
