"""What a change of policy flips, as bars; and what is asked for to do something with it."""

import pytest

from gateway.model.json import JsonObject
from gateway.surfaces.console.policies.actions import ACTIONS, input_of, offered
from gateway.surfaces.console.policies.impact import drawn, tone
from gateway.surfaces.console.policies.listing import Paging

REPORT: JsonObject = {
    "byChange": {"allow -> deny": 6, "assist -> autonomous": 4, "other terms": 2},
    "byContract": [
        {"contract": "a.b@1.0.0", "decided": 20, "flips": 8},
        {"contract": "a.c@1.0.0", "decided": 9, "flips": 4},
        {"contract": "a.d@1.0.0", "decided": 9, "flips": 0},
    ],
    "byRole": [{"role": "user", "flips": 12, "byChange": {"allow -> deny": 6, "other terms": 6}}],
    "flips": [
        {"change": "allow -> deny", "kind": "call", "contract": "a.b@1.0.0", "count": 4},
        {"change": "allow -> deny", "kind": "plan", "contract": "a.b@1.0.0", "count": 2},
        {"change": "assist -> autonomous", "kind": "call", "contract": "a.c@1.0.0", "count": 4},
    ],
}


def test_bars_are_measured_by_the_longest_and_hold_every_flip() -> None:
    impact = drawn(REPORT)
    first, second = impact.contracts
    assert [(one.change, one.tone, one.count, one.start, one.width) for one in first.segments] == [
        ("allow → deny", "stricter", 6, 0.0, 75.0),
        ("other changes", "terms", 2, 75.0, 25.0),
    ]
    assert (first.count, first.of, second.count) == (8, 20, 4)
    assert [(one.tone, one.width) for one in second.segments] == [("looser", 50.0)]
    assert [one.width for one in impact.roles[0].segments] == [50.0, 50.0]
    assert impact.changes[1] == ("assist → autonomous", "looser", 4)


def test_a_report_without_flips_has_no_bars() -> None:
    assert drawn({"decisions": 0}).contracts == ()
    assert drawn({}).changes == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("deny -> allow", "looser"),
        ("blocked -> assist", "looser"),
        ("autonomous -> assist", "stricter"),
        ("other terms", "terms"),
        ("unknown -> allow", "terms"),
    ],
)
def test_the_tone_says_whether_more_may_happen(change: str, told: str) -> None:
    assert tone(change) == told


def test_only_what_is_allowed_now_is_offered() -> None:
    allowed = ["policy.changeset.approve", "policy.changeset.shadow", "policy.changeset.revise"]
    names = [one.name for one in offered({"allowedActions": allowed, "shadowing": False})]
    assert names == ["approve", "shadow"]
    shadowing = [one.name for one in offered({"allowedActions": allowed, "shadowing": True})]
    assert shadowing == ["approve", "end-shadow"]


def test_the_input_names_who_and_the_revision_that_was_read() -> None:
    form = {"revision": "sha256:1", "note": " ", "reason": " no ", "days": "7"}
    assert input_of(ACTIONS["approve"], "chg_1", form, "peter") == {
        "changesetId": "chg_1", "approvedBy": "peter", "revision": "sha256:1",
    }  # fmt: skip
    assert input_of(ACTIONS["reject"], "chg_1", form, "peter") == {
        "changesetId": "chg_1", "rejectedBy": "peter", "reason": "no",
    }  # fmt: skip
    assert input_of(ACTIONS["analyze"], "chg_1", form, "x") == {"changesetId": "chg_1", "days": 7}
    assert input_of(ACTIONS["end-shadow"], "chg_1", {}, "x")["active"] is False
    for days in ("many", "-1", "1" * 10, "1.5"):
        with pytest.raises(ValueError, match=days):
            input_of(ACTIONS["analyze"], "chg_1", {"days": days}, "x")


def test_pages_of_a_list_lead_to_one_another() -> None:
    kept = (("text", "a&b"),)
    first = Paging("/list", kept, 0, 60)
    assert (first.first, first.last, first.previous) == (1, 25, None)
    assert first.next == "/list?text=a%26b&offset=25"
    last = Paging("/list", kept, 50, 60)
    assert (last.first, last.last, last.next) == (51, 60, None)
    assert last.previous == "/list?text=a%26b&offset=25"
    assert (Paging("/list", (), 0, 0).first, Paging("/list", (), 900, 60).last) == (0, 60)
