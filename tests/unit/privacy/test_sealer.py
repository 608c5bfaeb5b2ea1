"""Sealed envelopes open only as they were sealed."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.model.pii import Owner
from gateway.privacy import Keyring, KeyringSealer

CONTRACT, FIELD = "support.ticket.read@1.0.0", "output.customer.email"


@pytest.fixture
def sealer(tmp_path: Path) -> KeyringSealer:
    return KeyringSealer(Keyring.open(tmp_path))


def members(sealer: KeyringSealer, value: Any = "ada@example.com") -> list[Any]:
    found: list[Any] = sealer.seal(Owner("acme", "call/1"), CONTRACT, FIELD, value)["$sealed"]
    return found


def test_an_envelope_says_what_it_is_for_but_not_what_it_holds(sealer: KeyringSealer) -> None:
    version, contract, field, key_id, data = members(sealer)
    assert (version, contract, field) == (2, CONTRACT, FIELD)
    assert (len(key_id), type(data)) == (24, str)
    assert "ada@" not in json.dumps([key_id, data])


@pytest.mark.parametrize("value", ["ada", "", 1, 1.5, True, ["a", {"b": None}], {"$sealed": []}])
def test_what_was_sealed_is_opened(sealer: KeyringSealer, value: Any) -> None:
    opened = sealer.unseal("acme", sealer.seal(Owner("acme", "call/1"), CONTRACT, FIELD, value))
    assert (opened, type(opened)) == (value, type(value))


def test_an_envelope_survives_being_stored_as_json(sealer: KeyringSealer) -> None:
    stored = json.dumps(sealer.seal(Owner("acme", "call/1"), CONTRACT, FIELD, "zoë"))
    assert sealer.unseal("acme", json.loads(stored)) == "zoë"


def test_sealing_twice_shows_nobody_that_the_values_are_equal(sealer: KeyringSealer) -> None:
    assert members(sealer)[4] != members(sealer)[4]


@pytest.mark.parametrize(
    ("position", "other"),
    [
        (1, "support.ticket.read@1.0.1"),
        (2, "output.customer.name"),
        (3, "0000000000000000"),
    ],
)
def test_an_envelope_cannot_be_relabelled(sealer: KeyringSealer, position: int, other: str) -> None:
    changed = members(sealer)
    changed[position] = other
    with pytest.raises(ValueError, match=r"altered|not here"):
        sealer.unseal("acme", {"$sealed": changed})


def test_an_envelope_cannot_be_moved_to_another_workspace(sealer: KeyringSealer) -> None:
    envelope = {"$sealed": members(sealer)}
    other_key = sealer.seal(Owner("umbrella", "call/1"), CONTRACT, FIELD, "x")["$sealed"][3]
    with pytest.raises(ValueError, match="not here"):
        sealer.unseal("umbrella", envelope)
    envelope["$sealed"][3] = other_key
    with pytest.raises(ValueError, match="altered"):
        sealer.unseal("umbrella", envelope)


def test_every_character_of_the_data_counts(sealer: KeyringSealer) -> None:
    version, contract, field, key_id, data = members(sealer, "x")
    for place, letter in enumerate(data):
        changed = data[:place] + ("A" if letter != "A" else "B") + data[place + 1 :]
        with pytest.raises(ValueError, match="altered"):
            sealer.unseal("acme", {"$sealed": [version, contract, field, key_id, changed]})


@pytest.mark.parametrize("change", ["{}=", "{}\n", "{}!", " {}", "{}AA", "", "AAAA", "é{}"])
def test_data_has_one_spelling_only(sealer: KeyringSealer, change: str) -> None:
    changed = members(sealer)
    changed[4] = change.format(changed[4])
    with pytest.raises(ValueError, match=r"altered|base64|ascii|padd"):
        sealer.unseal("acme", {"$sealed": changed})


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"$sealed": None},
        {"$sealed": []},
        {"$sealed": "text"},
        {"$sealed": [1, 2, 3, 4, 5]},
        {"$sealed": [1, "c", "f", "k"]},
        {"$sealed": [True, "c", "f", "k", "d"]},
        {"$sealed": ["1", "c", "f", "k", "d"]},
        {"$sealed": [1, "c\ud800", "f", "k", "d"]},
        {"other": 1},
    ],
)
def test_what_is_no_envelope_is_refused(sealer: KeyringSealer, envelope: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a sealed envelope|cannot be opened|not here"):
        sealer.unseal("acme", envelope)


def test_an_envelope_of_a_later_format_is_refused_by_name(sealer: KeyringSealer) -> None:
    changed = members(sealer)
    changed[0] = 3
    with pytest.raises(ValueError, match="format 3"):
        sealer.unseal("acme", {"$sealed": changed})


@pytest.mark.parametrize("version", [True, 1.0, "1", None])
def test_a_format_is_a_whole_number(sealer: KeyringSealer, version: Any) -> None:
    changed = members(sealer)
    changed[0] = version
    with pytest.raises(ValueError, match=r"format True|not a sealed envelope"):
        sealer.unseal("acme", {"$sealed": changed})


def test_a_label_that_is_no_unicode_is_an_altered_envelope(sealer: KeyringSealer) -> None:
    changed = members(sealer)
    changed[2] = "output.\ud800"
    with pytest.raises(ValueError, match="altered"):
        sealer.unseal("acme", {"$sealed": changed})


def test_commitments_are_equal_for_equal_values_of_a_workspace_alone(
    sealer: KeyringSealer,
) -> None:
    one = sealer.commit("acme", {"a": 1, "b": [1.0, "x"]})
    assert one == sealer.commit("acme", {"b": [1, "x"], "a": 1.0})
    assert one != sealer.commit("umbrella", {"a": 1, "b": [1, "x"]})
    assert one != sealer.commit("acme", {"a": 1, "b": [1, "y"]})
    assert len(one) == 64
