"""What the record of a reading tells in clear: names, times and numbers, and nothing written."""

from pathlib import Path

import pytest

from gateway.operations.readings import READING, rows_of, safe_filter, with_readings
from gateway.pipeline import Command, Query
from tests.loaded import load_contracts

SCHEMA = Path(__file__).parents[3] / "schema"


def test_texts_and_objects_stay_out_and_lists_are_bounded() -> None:
    told = safe_filter(
        {
            "contract": "shop.buy",
            "text": "what somebody wrote",
            "arguments": {"email": "ada@example.com"},
            "types": [f"t{n}" for n in range(50)],
            "actor": "x" * 1000,
            "limit": 3,
            "includePayloads": True,
            "subject": None,
        }
    )
    assert told == {
        "contract": "shop.buy",
        "types": [f"t{n}" for n in range(20)],
        "actor": "x" * 200,
        "limit": 3,
        "includePayloads": True,
    }


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        ({"items": [1, 2], "total": 9}, 2),
        ({"entries": []}, 0),
        ({"rows": 7, "parts": ["a"]}, 7),
        ({"could": {"items": [1]}, "did": {"items": [1, 2]}, "policyRevisions": [1]}, 4),
        ({"verdict": "ASSIST"}, 1),
    ],
)
def test_rows_are_counted_in_whatever_list_an_answer_has(
    output: dict[str, object], rows: int
) -> None:
    assert rows_of(output) == rows


def test_every_query_that_reads_the_record_or_policies_tells_and_audits_wait() -> None:
    registry = load_contracts(
        [SCHEMA / name for name in ("control-plane", "policy-admin", "audit")]
    )
    bound = {
        ref: Command(lambda *_: {}) if one.is_command else Query(lambda *_: {})
        for ref, one in registry.operations.items()
    }
    told = with_readings(registry, bound)
    for ref, one in registry.operations.items():
        query = told[ref]
        if isinstance(query, Query):
            assert (query.reading is not None) is (one.capability in READING), ref
            assert query.durable is ref.startswith("audit."), ref
    for ref in (
        *("audit.contract.review@1.0.0", "controlPlane.trace.get@1.0.0"),
        *("policy.rule.list@1.0.0", "policy.access.review@1.0.0", "policy.revision.list@1.0.0"),
        *("controlPlane.event.list@1.0.0", "controlPlane.policy.explain@1.0.0"),
    ):
        assert told[ref].reading is not None, ref  # type: ignore[union-attr]  # queries all
