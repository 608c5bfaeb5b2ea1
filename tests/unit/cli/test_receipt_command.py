"""``gateway privacy receipt verify``: whatever it is given, it says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.privacy import Keyring
from gateway.rights.receipts import RECEIPT_TYPE, signed

NAMED = ("requestedBy", "requestedAt", "approvedBy", "approvedAt", "erasedAt")
WHOLE: dict[str, Any] = {
    "type": RECEIPT_TYPE,
    "erasureId": "eras_1",
    "workspace": "acme",
    "subject": {"kind": "person", "pseudonym": "0a1b"},
    **dict.fromkeys(NAMED, "then"),
    **dict.fromkeys(("keys", "entries", "executions"), 3),
    "fields": [{"contract": "a.b@1.0.0", "classes": ["contact"], "values": 2}],
}


def verified(folder: Path, receipt: dict[str, Any]) -> tuple[int, str]:
    file = folder / "receipt.json"
    file.write_text(json.dumps(signed(receipt, Keyring.open(folder / "keys").signer)))
    called = ["privacy", "receipt", "verify", str(file)]
    done = CliRunner().invoke(main, called, catch_exceptions=False)
    return done.exit_code, done.output


def test_a_whole_receipt_is_shown(tmp_path: Path) -> None:
    code, told = verified(tmp_path, WHOLE)
    assert (code, "the receipt verifies" in told, "a.b@1.0.0 (contact): 2" in told) == (
        0,
        True,
        True,
    )


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "type"])
def test_a_receipt_that_is_signed_and_lacks_something_cannot_be_checked(
    tmp_path: Path, name: str
) -> None:
    code, told = verified(tmp_path, {key: value for key, value in WHOLE.items() if key != name})
    assert (code, "lacks what a receipt of an erasure says" in told) == (2, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("subject", "me"), ("subject", {}), ("fields", 5), ("fields", [{}, 1])),
        *(("subject", {"kind": "person", "pseudonym": None}), ("workspace", None)),
        *(("keys", True), ("keys", 3.5), ("entries", -1), ("executions", "3"), ("erasedAt", 5)),
        *(("approvedBy", ["olga"]), ("approvedAt", 0)),
        ("fields", [{"contract": "a.b@1.0.0", "classes": ["contact"], "values": True}]),
    ],
)
def test_a_receipt_of_another_form_cannot_be_checked(tmp_path: Path, name: str, value: Any) -> None:
    assert verified(tmp_path, WHOLE | {name: value})[0] == 2


def test_a_receipt_that_tells_a_member_twice_cannot_be_checked(tmp_path: Path) -> None:
    """Its signature is over the last, and people read the first."""
    verified(tmp_path, WHOLE)
    file = tmp_path / "receipt.json"
    told = file.read_text()
    file.write_text(told.replace('"keys": 3', '"keys": 99, "keys": 3'))
    called = ["privacy", "receipt", "verify", str(file)]
    done = CliRunner().invoke(main, called, catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "a key is there twice" in done.stderr


def test_a_key_that_cannot_be_used_is_named_and_not_the_receipt(tmp_path: Path) -> None:
    verified(tmp_path, WHOLE)
    key = tmp_path / "wrong.pem"
    key.write_text("no key")
    called = ["privacy", "receipt", "verify", str(tmp_path / "receipt.json")]
    done = CliRunner().invoke(main, [*called, "--public-key", str(key)], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"gateway: {key}: it cannot be used")


def test_a_file_that_is_not_read_to_its_end_is_no_receipt(tmp_path: Path) -> None:
    """What is behind the bound could be another one."""
    verified(tmp_path, WHOLE)
    file = tmp_path / "receipt.json"
    file.write_text(file.read_text().ljust(4 * 1024 * 1024 + 1) + "another receipt")
    called = ["privacy", "receipt", "verify", str(file)]
    done = CliRunner().invoke(main, called, catch_exceptions=False)
    assert (done.exit_code, done.stdout, "larger than" in done.stderr) == (2, "", True)
