"""Receipts hold as they were signed, and in no other form."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.evidence.signing import signature_of
from gateway.model.json import canonical, decode
from gateway.privacy import Keyring
from gateway.rights import verify_receipt
from gateway.rights.receipts import RECEIPT_TYPE, signed

RECEIPT = {"type": RECEIPT_TYPE, "erasureId": "eras_1", "keys": 3, "subject": {"kind": "person"}}
STATED = dict.fromkeys(("algorithm", "keyId", "publicKey", "signature"), "ed25519")
DEEP = decode(b"[" * 1_000 + b"]" * 1_000)
"""A value that a file may hold, and that is nested deeper than Python shows."""


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys")


def test_a_receipt_verifies_in_any_layout_and_with_the_right_key(keyring: Keyring) -> None:
    stated = signed(dict(RECEIPT), keyring.signer)
    again = json.loads(json.dumps(stated, indent=4, sort_keys=True))
    report = verify_receipt(again, [keyring.signer.public_key_pem])
    assert (report.fault, report.receipt, report.key_id) == (None, RECEIPT, keyring.signer.key_id)
    assert verify_receipt(again, []).fault is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("receipt", "keys"), 4),
        (("receipt", "more"), 1),
        (("receipt", "subject", "kind"), "execution"),
        (("signature", "keyId"), "0" * 32),
        (("signature", "signature"), "AAAA"),
        (("signature", "algorithm"), "none"),
    ],
)
def test_whatever_is_changed_is_found(keyring: Keyring, path: tuple[str, ...], value: Any) -> None:
    stated = copy.deepcopy(signed(dict(RECEIPT), keyring.signer))
    at: Any = stated
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    assert verify_receipt(stated, [keyring.signer.public_key_pem]).fault is not None


def test_a_receipt_by_another_key_does_not_count(keyring: Keyring, tmp_path: Path) -> None:
    stranger = Keyring.open(tmp_path / "other").signer
    stated = signed(dict(RECEIPT), stranger)
    assert verify_receipt(stated, []).fault is None
    assert verify_receipt(stated, [keyring.signer.public_key_pem]).fault is not None


@pytest.mark.parametrize(
    "stated",
    [
        None,
        [],
        {},
        {"receipt": {}, "signature": {}},
        {"receipt": {"type": 5}, "signature": {}},
        {"receipt": {"type": "bundle"}, "signature": {}},
        {"receipt": {"type": RECEIPT_TYPE}, "signature": {}, "more": 1},
        {"receipt": {"type": RECEIPT_TYPE, "more": DEEP}, "signature": {}},
        {"receipt": RECEIPT, "signature": STATED | {"publicKey": DEEP}},
        {"receipt": RECEIPT, "signature": {"keyId": DEEP}},
    ],
)
def test_what_is_no_receipt_is_said_to_be_none(stated: Any) -> None:
    with pytest.raises(ValueError, match="it "):
        verify_receipt(stated, [])


def test_a_signature_over_something_else_is_no_receipt(keyring: Keyring) -> None:
    other = {"type": "contract-gateway/evidence/1"}
    stated = {"receipt": RECEIPT, "signature": signature_of(keyring.signer, canonical(other))}
    assert verify_receipt(stated, []).fault is not None
