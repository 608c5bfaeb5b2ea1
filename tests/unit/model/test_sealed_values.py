"""The helpers that seal, open, commit and reveal the PII of a value."""

from pathlib import Path
from typing import Any

import pytest

from gateway.model.decision import Treatment
from gateway.model.pii import Owner, is_envelope
from gateway.model.sealing import Hashing, commit_paths, reveal, seal_paths, unseal_all
from gateway.privacy import Keyring, KeyringSealer

REF = "support.ticket.read@1.0.0"
TICKET: dict[str, Any] = {
    "id": "t1",
    "customer": {"email": "ada@example.com", "tier": "gold"},
    "watchers": [{"email": "bob@example.com"}, {"email": None}, {"name": "no address"}],
}
PATHS = ("customer.email", "watchers.email")


@pytest.fixture
def sealer(tmp_path: Path) -> KeyringSealer:
    return KeyringSealer(Keyring.open(tmp_path))


def seal(sealer: KeyringSealer, value: dict[str, Any], *paths: str, **more: bool) -> Any:
    return seal_paths(sealer, Owner("acme", "call/1"), REF, "output", value, paths, **more)


def test_pii_is_sealed_where_it_stands_and_nothing_else(sealer: KeyringSealer) -> None:
    sealed = seal(sealer, TICKET, *PATHS)
    assert sealed["customer"]["email"]["$sealed"][1:3] == [REF, "output.customer.email"]
    assert sealed["watchers"][0]["email"]["$sealed"][2] == "output.watchers.email"
    assert sealed["watchers"][1:] == TICKET["watchers"][1:]
    assert (sealed["id"], sealed["customer"]["tier"]) == ("t1", "gold")
    assert "example.com" not in str(sealed)


def test_opening_gives_back_what_was_sealed(sealer: KeyringSealer) -> None:
    assert unseal_all(sealer, "acme", seal(sealer, TICKET, *PATHS)) == TICKET


@pytest.mark.parametrize("paths", [("customer", "customer.email"), ("customer.email", "customer")])
def test_a_path_inside_another_is_covered_by_it(
    sealer: KeyringSealer, paths: tuple[str, ...]
) -> None:
    sealed = seal(sealer, TICKET, *paths)
    assert sealed["customer"]["$sealed"][2] == "output.customer"
    assert unseal_all(sealer, "acme", sealed) == TICKET
    committed = commit_paths(sealer, "acme", TICKET, paths)
    assert committed["customer"] == {"$hmac": sealer.commit("acme", TICKET["customer"])}


def test_a_planted_envelope_is_not_opened_for_whoever_planted_it(sealer: KeyringSealer) -> None:
    stolen = sealer.seal(Owner("acme", "call/1"), REF, "output.customer.email", "ada@example.com")
    value = {"note": stolen, "list": [stolen], "email": stolen, "data": {"deep": stolen}}
    sealed = seal(sealer, value, "email", "data")
    opened = unseal_all(sealer, "acme", sealed)
    assert opened == value
    assert "ada@" not in str(opened)


def test_a_reference_is_sealed_unless_it_is_to_be_kept(sealer: KeyringSealer) -> None:
    value = {"email": {"$from": "lookup.email"}, "name": "Ada"}
    assert is_envelope(seal(sealer, value, "email")["email"])
    kept = seal(sealer, value, "email", "name", keep_references=True)
    assert kept["email"] == value["email"]
    assert is_envelope(kept["name"])


def test_an_altered_envelope_is_told(sealer: KeyringSealer) -> None:
    sealed = seal(sealer, TICKET, *PATHS)
    sealed["customer"]["email"]["$sealed"][2] = "output.customer.tier"
    with pytest.raises(ValueError, match="altered"):
        unseal_all(sealer, "acme", sealed)


def test_a_commitment_stands_for_the_pii_in_what_is_hashed(sealer: KeyringSealer) -> None:
    committed = commit_paths(sealer, "acme", TICKET, PATHS)
    expected = {"$hmac": sealer.commit("acme", "ada@example.com")}
    assert committed["customer"] == {"email": expected, "tier": "gold"}
    assert commit_paths(sealer, "acme", TICKET, PATHS) == committed
    assert commit_paths(sealer, "umbrella", TICKET, PATHS) != committed


def test_a_kept_reference_is_the_same_in_every_workspace(sealer: KeyringSealer) -> None:
    value = {"email": {"$from": "lookup.email"}}
    committed = commit_paths(sealer, "acme", value, ["email"], keep_references=True)
    assert committed == value
    assert commit_paths(sealer, "acme", value, ["email"]) != value


def show(value: Any, treatment: Treatment, _: Hashing) -> Any:
    return {Treatment.RAW: value, Treatment.MASK: "***", Treatment.DROP: None}[treatment]


def test_each_envelope_is_revealed_by_its_own_treatment(sealer: KeyringSealer) -> None:
    asked = []

    def treat(contract: str, field: str) -> Treatment:
        asked.append((contract, field))
        return Treatment.RAW if field == "output.customer.email" else Treatment.MASK

    shown = reveal(sealer, "acme", seal(sealer, TICKET, *PATHS), treat, show)
    assert shown["customer"]["email"] == "ada@example.com"
    assert shown["watchers"][0]["email"] == "***"
    assert asked == [(REF, "output.customer.email"), (REF, "output.watchers.email")]


def test_an_envelope_that_cannot_be_opened_is_revealed_as_null(sealer: KeyringSealer) -> None:
    sealed = seal(sealer, TICKET, *PATHS)
    sealed["customer"]["email"]["$sealed"][3] = "gone"
    shown = reveal(sealer, "acme", sealed, lambda _contract, _field: Treatment.RAW, show)
    assert shown["customer"] == {"email": None, "tier": "gold"}
    assert shown["watchers"][0]["email"] == "bob@example.com"
    assert reveal(sealer, "acme", {"$sealed": "x"}, lambda *_: Treatment.RAW, show) is None


def test_the_value_given_is_left_as_it_was(sealer: KeyringSealer) -> None:
    before = str(TICKET)
    sealed = seal(sealer, TICKET, *PATHS)
    unseal_all(sealer, "acme", sealed)
    commit_paths(sealer, "acme", TICKET, PATHS)
    assert str(TICKET) == before
    assert is_envelope(sealed["customer"]["email"])
