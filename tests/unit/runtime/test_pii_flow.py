"""PII flows over references into inputs that take its classes, and into no others."""

from typing import Any

import pytest

from gateway.contracts import Registry, load_contracts
from gateway.model.action import Answered
from gateway.model.contract import OperationContract
from gateway.runtime.pii_flow import leaks
from tests.unit.runtime.loop_world import FIONA, FRANK, REFUSED, LoopWorld, contract, step

pytestmark = pytest.mark.anyio

FILES = {
    "look.yaml": contract(
        "look",
        "input: {id: ID!}\n"
        "output: {id: ID!, who: Person, kin: '[Person]', body: String, card: String}\n"
        "types: {Person: {name: String, mail: EmailAddress, city: String}}\n"
        "policy: {auth: user, pii: [who.name, who.mail, kin, body, card]}\n",
        kind="query",
    ),
    "send.yaml": contract(
        "send",
        "input: {id: ID!, to: String, text: String, all: Person, any: JSON, lines: '[Line!]'}\n"
        "output: {id: ID!}\n"
        "types: {Person: {name: String, mail: EmailAddress, city: String}, Line: {note: String}}\n"
        "policy:\n  auth: user\n"
        "  pii: {to: contact, text: [free_text, contact], all: contact, any: free_text,"
        " lines.note: contact}\n",
    ),
}


@pytest.fixture
def registry(tmp_path: Any) -> Registry:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return load_contracts([tmp_path])


def found(
    registry: Registry, field: str, *at: str | int
) -> list[tuple[str, str, list[str], list[str]]]:
    source, target = both(registry)
    return [
        (leak.path, leak.goes_to, sorted(leak.classes), sorted(leak.takes))
        for leak in leaks(source, tuple(field.split(".")), target, at)
    ]


def both(registry: Registry) -> tuple[OperationContract, OperationContract]:
    known = registry.operations
    return known["shop.look@1.0.0"], known["shop.send@1.0.0"]


@pytest.mark.parametrize(
    ("field", "at"),
    [
        ("who.mail", ("to",)),
        ("who.name", ("text",)),
        ("body", ("text",)),
        ("body", ("any", "deep", "down")),
        ("who", ("all",)),
        ("who.city", ("id",)),
        ("kin", ("all",)),
        ("who.name", ("lines", 0, "note")),
    ],
)
def test_a_class_may_flow_where_it_is_declared(
    registry: Registry, field: str, at: tuple[str | int, ...]
) -> None:
    assert found(registry, field, *at) == []


@pytest.mark.parametrize(
    ("field", "at", "leaking"),
    [
        ("body", ("to",), [("body", "to", ["free_text"], ["contact"])]),
        ("card", ("text",), [("card", "text", ["financial"], ["contact", "free_text"])]),
        ("who.mail", ("any",), [("who.mail", "any", ["contact"], ["free_text"])]),
        (
            "who",
            ("any",),
            [
                ("who.name", "any.name", ["contact"], ["free_text"]),
                ("who.mail", "any.mail", ["contact"], ["free_text"]),
            ],
        ),
        ("kin.mail", ("id",), [("kin", "id", ["contact"], [])]),
        ("body", ("lines", 1, "note"), [("body", "lines.note", ["free_text"], ["contact"])]),
    ],
)
def test_a_class_may_not_flow_where_it_is_not(
    registry: Registry, field: str, at: tuple[str | int, ...], leaking: list[Any]
) -> None:
    assert found(registry, field, *at) == leaking


def test_the_path_is_told_with_classes_and_what_to_change(registry: Registry) -> None:
    source, target = both(registry)
    (leak,) = leaks(source, ("card",), target, ("text",))
    assert leak.told("look", source, "send", target) == (
        "PII would leak: look.card (financial, of shop.look) -> send.text (takes contact, "
        "free_text, of shop.send). Declare financial for text in policy.pii of shop.send, or let "
        "another field flow there."
    )


# Copies, in a run


async def test_a_copy_of_what_the_run_has_read_stops_the_step(world: LoopWorld) -> None:
    copied = step("a", "keyed", ["r"], extra={"why": ["as ADA @example.com wrote"]})
    execution_id = await world.begin(step("r", "read"), copied)
    await world.advance(execution_id)
    blocked = await world.step(execution_id, "a")
    assert blocked.status.value == "failed"
    assert blocked.problem is not None
    assert blocked.problem["code"] == "FORBIDDEN"
    told = blocked.problem["detail"]
    assert "the literal at extra repeats r.email (contact)" in told
    assert "ada @" not in told.lower()
    assert world.actions.made("keyed") == []
    assert blocked.decision is not None
    assert (blocked.decision["verdict"], blocked.decision["copied"]) == ("blocked", True)
    assert "ada @" not in str(blocked.decision).lower()


async def test_a_copy_may_stand_where_its_class_is_declared(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("r", "read"), step("a", "keyed", ["r"], email="ada@example.com", extra="thank you")
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_what_was_not_read_yet_is_no_copy(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("a", "keyed", extra="ada@example.com"), step("r", "read", ["a"])
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_a_copy_is_found_after_a_restart(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("r", "read"),
        step("b", "two", ["r"]),
        step("a", "keyed", ["b"], extra="ada@example.com"),
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    world.loop = world.process()
    for who in (FIONA, FRANK):
        await world.approve(execution_id, "b", who)
    await world.advance(execution_id)
    assert (await world.step(execution_id, "a")).status.value == "failed"


async def test_a_compensation_repeats_nothing_that_the_undone_run_has_read(
    world: LoopWorld,
) -> None:
    """``shop.tour`` hands an undeclared output on, in which the address stands that was read."""
    world.actions.will("tour", Answered({"id": "t", "extra": {"by": "ada@example.com"}}))
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(
        step("r", "read"), step("t", "tour", ["r"]), step("last", "plain", ["t"])
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    undoing = await world.compensate(execution_id)
    assert undoing.status.value == "blocked"
    assert undoing.problem is not None
    told = undoing.problem["detail"]
    assert "the literal at extra repeats r.email (contact)" in told
    assert "ada@" not in told
