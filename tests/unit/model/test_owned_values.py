"""Whose data a value is: the person whom it names, each item of a list for itself."""

from typing import Any

import pytest

from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import Owner, named_owner
from gateway.model.sealing import seal_paths

NOBODY = Owner("acme", "execution/1")


class WhoseSealer:
    """Writes down whose key would seal; nothing else of the port is used here."""

    def seal(self, owner: Owner, contract: str, field: str, value: JsonValue) -> JsonObject:
        return {"$sealed": [2, contract, field, owner.subject, value]}


def owners(value: dict[str, Any], subject: str | None, *paths: str) -> Any:
    """``value`` with each PII value replaced by whose it is."""

    def told(item: Any) -> Any:
        if isinstance(item, dict):
            if "$sealed" in item:
                return item["$sealed"][3]
            return {key: told(inner) for key, inner in item.items()}
        return [told(inner) for inner in item] if isinstance(item, list) else item

    sealer: Any = WhoseSealer()
    return told(seal_paths(sealer, NOBODY, "a.b@1.0.0", "output", value, paths, subject=subject))


def test_pii_belongs_to_the_person_whom_the_value_names() -> None:
    value = {"customerId": "c-1", "email": "a@b.example", "deep": {"phone": "1"}}
    assert owners(value, "customerId", "email", "deep.phone") == {
        "customerId": "c-1", "email": "person/c-1", "deep": {"phone": "person/c-1"},
    }  # fmt: skip


def test_each_item_of_a_list_has_its_own_person() -> None:
    value = {"items": [{"id": "a", "email": "x"}, {"id": "b", "email": "y"}, {"email": "z"}]}
    told = owners(value, "items.id", "items.email")
    whose = [item["email"] for item in told["items"]]
    assert whose == ["person/a", "person/b", NOBODY.subject]


def test_a_person_may_stand_deeper_than_what_belongs_to_them() -> None:
    value = {"orders": [[{"customer": {"id": 7}, "note": "x", "to": {"street": "y"}}]]}
    told = owners(value, "orders.customer.id", "orders.note", "orders.to.street")
    assert told["orders"][0][0]["note"] == "person/7"
    assert told["orders"][0][0]["to"]["street"] == "person/7"


def test_what_stands_outside_the_list_of_people_is_nobodys_own() -> None:
    value = {"note": "x", "items": [{"id": "a"}]}
    assert owners(value, "items.id", "note")["note"] == NOBODY.subject


def test_a_name_may_be_pii_itself() -> None:
    value = {"email": "Ada@Example.com", "phone": "1"}
    told = owners(value, "email", "email", "phone")
    assert told == {"email": "person/ada@example.com", "phone": "person/ada@example.com"}
    nested = {"customer": {"email": "a@b.example"}, "phone": "1"}
    told = owners(nested, "customer.email", "customer", "phone")
    assert told == {"customer": "person/a@b.example", "phone": "person/a@b.example"}


@pytest.mark.parametrize("name", [None, "", {"$from": "a.b"}, ["x"], True])
def test_without_a_name_it_belongs_to_what_it_is_part_of(name: Any) -> None:
    assert owners({"customerId": name, "email": "x"}, "customerId", "email")["email"] == (
        NOBODY.subject
    )


def test_the_other_side_of_a_call_may_name_the_person() -> None:
    person = named_owner(NOBODY, "customerId", {"orderId": 1}, {"customerId": "c-1"})
    assert person == Owner("acme", "person/c-1")
    assert named_owner(NOBODY, "customerId", {}) is NOBODY
    assert named_owner(NOBODY, None, {"customerId": "c-1"}) is NOBODY
