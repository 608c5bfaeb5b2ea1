"""Every rule for changes of contracts, by a pair of contracts that differ in one part."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from gateway.contracts import load_contracts
from gateway.contracts.changes import RULES, Change, Level, contract_changes, in_order, rules_table
from gateway.model import contract
from gateway.model.contract import CapabilityContract, EventContract, OperationContract
from tests.unit.contracts.changing import PAIRS, PEEK, Edit, Shop

ROOT = Path(__file__).parents[3]


def told(changes: list[Change]) -> set[tuple[str, str]]:
    return {(one.code, one.where) for one in changes}


@pytest.mark.parametrize(
    ("edit", "expected"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS]
)
def test_a_change_is_told_with_its_rule_and_place_and_so_is_undoing_it(
    edit: Edit, expected: set[tuple[str, str]]
) -> None:
    old, new = Shop().registry(), edit(Shop()).registry()
    changes = contract_changes(old, new)
    assert told(changes) == expected
    assert contract_changes(new, new) == []
    back = contract_changes(new, old)
    assert len(back) == len(changes)
    for one in changes:
        assert any(one.where == other.where and other.code in one.rule.reverse for other in back)


def test_pii_of_a_shared_type_is_nullable_already_where_another_contract_declares_it() -> None:
    old = replace(Shop(), more=(PEEK,))
    pii = ("email", "lines.sku")
    new = replace(old, order=replace(old.order, policy=replace(old.order.policy, pii=pii)))
    changes = contract_changes(old.registry(), new.registry())
    place = f"{old.order.ref} output.lines.sku"
    assert ("pii-declared", place) in told(changes)
    assert not [one for one in changes if one.code.startswith("field-changed")]


def test_the_first_field_of_an_input_breaks_whoever_calls_without_one() -> None:
    old = replace(Shop(), look=replace(Shop().look, input={}))
    breaking = [
        (one.code, one.where)
        for one in contract_changes(old.registry(), Shop().registry())
        if one.level is Level.BREAKING
    ]
    assert breaking == [("required-input-field-added", f"{old.look.ref} input")]


def test_every_rule_for_contracts_is_shown_by_a_pair() -> None:
    shown = set()
    for _, edit, _ in PAIRS:
        old, new = Shop().registry(), edit(Shop()).registry()
        shown |= {one.code for one in (*contract_changes(old, new), *contract_changes(new, old))}
    known_by_graphql_alone = {
        code
        for code in RULES
        if code.startswith(
            (
                "arg-",
                "directive-",
                "implemented-",
                "input-field-default",
                "one-of-",
                "type-",
                "root-type-",
            )
        )
        or code.endswith("-arg-added")
    } - {"type-changed-kind"}
    assert set(RULES) - shown == known_by_graphql_alone | {
        "applied-directive-changed",
        "hidden-by-routers",
        "shown-by-routers",
    }


NOT_COMPARED = {
    "meta.Meta.key": "it says which contract it is",
    "meta.Meta.version": "so does this",
    "meta.Meta.source": "where it was read from",
    "digest": "it tells of what no rule speaks of, and is none of it",
    "types.EnumType.name": "the name under which it stands in types",
    "types.ObjectType.name": "as above",
    "errors.ErrorSpec.code": "the name under which it stands in errors",
    "derived": "what it provides and requires is compared",
}
"""Parts of contracts whose change is no change of its own, with the reason."""


def parts(kind: type, at: str = "") -> Iterator[str]:
    """Every field that a contract of a kind has, with those of the values in it."""
    for name, hint in get_type_hints(kind).items():
        within = list(values_in(hint))
        if not within:
            yield f"{at}{name}"
        for one in within:
            yield from parts(one, f"{at}{name}.{one.__name__}.")


def values_in(hint: Any) -> Iterator[type]:
    if is_dataclass(hint) and isinstance(hint, type) and hint.__module__ == contract.__name__:
        yield hint
    for one in get_args(hint):
        yield from values_in(one)


def differing(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """The fields that differ between two contracts, named as ``parts`` names them."""
    for part in fields(old):
        before, after = getattr(old, part.name), getattr(new, part.name)
        if before == after:
            continue
        pairs = [(before, after)]
        if isinstance(before, dict) and before.keys() == after.keys():
            pairs = [(before[key], after[key]) for key in before if before[key] != after[key]]
        for one, other in pairs:
            if type(one) is type(other) and any(values_in(type(one))):
                yield from differing(one, other, f"{at}{part.name}.{type(one).__name__}.")
            else:
                yield f"{at}{part.name}"


def test_no_part_of_a_contract_is_forgotten() -> None:
    """Each has a pair that changes it alone, and is told by a rule that speaks of it."""
    for kind, names in (
        (OperationContract, ("order", "look")),
        (EventContract, ("placed",)),
        (CapabilityContract, ("core",)),
    ):
        shown = set()
        for _, edit, expected in PAIRS:
            new = edit(Shop())
            changed = [part for name in names for part in differing_in(name, new)]
            if len(changed) == 1 and expected and "content-changed" not in dict(expected):
                shown.add(changed[0])
        assert set(parts(kind)) - set(NOT_COMPARED) - shown == set(), kind


def differing_in(name: str, new: Shop) -> Iterator[str]:
    return differing(getattr(Shop(), name), getattr(new, name))


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        (
            Level.BREAKING,
            {
                *("operation-removed", "event-removed", "capability-removed", "field-removed"),
                *("required-input-field-added", "field-changed-kind", "kind-changed"),
                *("pii-undeclared", "idempotence-lost"),
            },
        ),
        (
            Level.DANGEROUS,
            {
                *("error-added", "auth-raised", "auth-lowered", "risk-raised", "risk-lowered"),
                *("approval-demanded", "approval-waived", "pii-declared", "pii-classes-changed"),
                *("consent-waived", "tags-changed"),
            },
        ),
        (Level.SAFE, {"operation-added", "field-added", "error-removed", "event-added"}),
    ],
)
def test_what_was_decided_stays_decided(level: Level, codes: set[str]) -> None:
    assert {RULES[code].level for code in codes} == {level}


def test_the_way_back_leads_back() -> None:
    for rule in RULES.values():
        assert rule.reverse
        for code in rule.reverse:
            assert rule.code in RULES[code].reverse, (rule.code, code)


def test_the_worst_comes_first_and_each_once() -> None:
    (newer,) = (edit for name, edit, _ in PAIRS if name.startswith("a newer version"))
    old, new = Shop().registry(), newer(Shop()).registry()
    changes = contract_changes(old, new)
    assert [one.level.rank for one in changes] == sorted(one.level.rank for one in changes)
    assert in_order([*changes, *changes]) == changes
    body = changes[0].to_json()
    assert set(body) == {"level", "code", "where", "what", "remedy"}
    assert all(body.values())


def test_every_rule_is_documented_as_it_is() -> None:
    page = (ROOT / "docs" / "schema-changes.md").read_text(encoding="utf-8")
    assert rules_table() in page


@pytest.mark.parametrize("folder", ["control-plane", "policy-admin", "support", "privacy"])
def test_the_shipped_contracts_do_not_differ_from_themselves(folder: str) -> None:
    one, other = (load_contracts([ROOT / "schema" / folder]) for _ in range(2))
    assert contract_changes(one, other) == []
