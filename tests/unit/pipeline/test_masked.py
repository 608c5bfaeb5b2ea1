"""What is shown of personal data fits the types of the contract: GraphQL takes nothing else."""

from pathlib import Path

import pytest

from gateway.contracts import Registry
from gateway.contracts.io import output_io
from gateway.model.decision import Treatment
from gateway.model.json import JsonObject
from gateway.pipeline.masked import masked_output
from gateway.policy import mask_value
from tests.unit.pipeline.desk import Desk
from tests.unit.runtime.loop_world import contract, person, write_contracts

MOOD = contract(
    "mood",
    "input: {id: ID!}\n"
    "output: {mood: Mood, moods: '[Mood]', who: Person, all: '[Person]', free: JSON, on: Date}\n"
    "types:\n"
    "  Mood: [GOOD, BAD]\n"
    "  Person: {word: String!, mood: Mood, age: Age}\n"
    "  Age: {years: Int!, said: String!}\n"
    "policy: {auth: user, pii: [mood, moods, who, all, free, on]}\n",
    kind="query",
)
AGED = {"years": 7, "said": "seven years"}
ANSWER: JsonObject = {
    "mood": "GOOD",
    "moods": ["GOOD", None],
    "who": {"word": "Lovelace", "mood": "BAD", "age": AGED},
    "all": [{"word": "Lovelace", "mood": "BAD"}, None],
    "free": {"years": 7, "said": "seven years"},
    "on": "2026-03-01",
}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return write_contracts(tmp_path, {"mood.yaml": MOOD})


def shown(registry: Registry, treatment: Treatment) -> JsonObject:
    found = registry.operations["shop.mood@1.0.0"]
    return masked_output(
        found, ANSWER, lambda _, value: mask_value(value, treatment, lambda _: "0" * 64)
    )


def test_a_mask_that_its_type_cannot_hold_is_null_and_so_is_what_must_have_it(
    registry: Registry,
) -> None:
    assert shown(registry, Treatment.MASK) == {
        "mood": None,
        "moods": [None, None],
        "who": {"word": "L•••", "mood": None, "age": None},
        "all": [{"word": "L•••", "mood": None}, None],
        "free": {"years": None, "said": "s•••"},
        "on": "2•••",
    }
    assert shown(registry, Treatment.RAW) == ANSWER


@pytest.mark.parametrize("treatment", [one for one in Treatment if one is not Treatment.RAW])
def test_no_enum_and_no_number_is_shown_under_any_other_treatment(
    registry: Registry, treatment: Treatment
) -> None:
    left = shown(registry, treatment)
    for hidden in ("GOOD", "BAD", "Lovelace", "7"):
        assert hidden not in str(left)
    assert left["mood"] is None
    enums = {**left, "on": None}  # dates are texts to GraphQL
    assert output_io(registry.operations["shop.mood@1.0.0"]).check(enums) == enums


@pytest.mark.anyio
async def test_a_governed_call_shows_it_so(desk: Desk) -> None:
    assert await desk.call(person("alice"), "feel", {"text": "GOOD"}) == {"id": "1", "mood": None}
    reader = person("rita", "pii.reader")
    assert await desk.call(reader, "feel", {"text": "GOOD"}) == {"id": "1", "mood": "GOOD"}
