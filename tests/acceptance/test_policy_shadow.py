"""Shadow mode over HTTP: a draft decides beside the policy in force, and only counts."""

from collections.abc import Iterator

import pytest

from tests.acceptance.policy_people import WITHDRAW, People, add, allow, ending
from tests.acceptance.test_policy_impact import refund, tighter
from tests.processes import Caller, JsonObject
from tests.world import end_world, make_world, wait_until

SHADOW = ("policyChangesetShadow", "changesetId shadowing changedAt report")
REPORT = ("policyChangesetShadowGet", "changesetId shadowing report")


@pytest.fixture
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """People before a gateway where ``platform`` administers all policies."""
    world = make_world(tmp_path_factory.mktemp("world"), GATEWAY_POLICY_WORKSPACES="platform")
    yield People(world)
    end_world(world)


def turn(who: Caller, drafted: JsonObject, on: bool) -> JsonObject:
    return who.mutate(*SHADOW, {"changesetId": drafted["changesetId"], "active": on})


def report_of(who: Caller, drafted: JsonObject) -> JsonObject | None:
    found = who.query(*REPORT, {"changesetId": drafted["changesetId"]})
    report: JsonObject | None = found["report"]
    return report


def cast(people: People, who: Caller, drafted: JsonObject) -> None:
    """Turn a shadow on and wait until it is cast."""
    assert turn(who, drafted, True)["shadowing"] is True
    wait_until(lambda: bool(report_of(who, drafted)), 10)


def test_a_shadow_reports_what_differs_and_has_no_effect(people: People) -> None:
    world = people.world
    drafted = people.draft(people.paula, *tighter(50))
    cast(people, people.paula, drafted)
    for amount in (20, 60, 80):
        run = world.run([refund(amount)])
        assert world.wait(run["executionId"], "COMPLETED")
    assert len(world.service.effects("refund")) == 3
    report = report_of(people.peter, drafted)
    assert report is not None
    assert (report["revision"], report["inForce"]) == (drafted["revision"], people.head())
    assert report["errors"]["total"] == 0
    assert report["compared"]["total"] > report["differing"] == 4
    (difference,) = report["differences"]  # verified and dispatched, twice
    assert difference["change"] == "autonomous -> assist"
    assert (difference["contract"], difference["count"]) == ("support.refund.issue@1.0.0", 4)
    for example in difference["examples"]:
        assert example["decisionId"].startswith("dec_")
        assert (example["principalType"], example["roles"]) == ("agent", ["planner", "user"])
    assert 0 < report["cost"]["nanosecondsPerDecision"] < 10_000_000
    assert 0 < report["cost"]["share"] < 0.5
    ended = turn(people.paula, drafted, False)
    assert ended["shadowing"] is False
    assert ended["report"]["differing"] == 4
    last = report_of(people.paula, drafted)
    assert last is not None
    assert last["differing"] == 4


def test_one_changeset_at_a_time_casts_a_shadow(people: People) -> None:
    first = people.draft(people.paula, *tighter(50))
    second = people.draft(people.wanda, add(allow("sue")))
    cast(people, people.paula, first)
    assert people.paula.refused(*SHADOW, {**named(first), "active": True})["code"] == "CONFLICT"
    told = people.wanda.refused(*SHADOW, {**named(second), "active": True})
    assert told["code"] == "CONFLICT"
    assert first["changesetId"] not in told["problem"]["detail"]
    assert people.wanda.refused(*SHADOW, {**named(second), "active": False})["code"] == "CONFLICT"
    assert people.wanda.refused(*SHADOW, {**named(first), "active": False})["code"] == "NOT_FOUND"
    assert people.wanda.refused(*REPORT, named(first), kind="query")["code"] == "NOT_FOUND"
    assert people.uma.refused(*SHADOW, {**named(second), "active": True})["code"] == "FORBIDDEN"
    broken = people.draft(people.paula, add("p, clerk, acme, controlPlane.none, call, allow"))
    turn(people.paula, first, False)
    assert people.paula.refused(*SHADOW, {**named(broken), "active": True})["code"] == "CONFLICT"


def named(changeset: JsonObject) -> JsonObject:
    return {"changesetId": changeset["changesetId"]}


def test_a_shadow_ends_with_its_changeset(people: People) -> None:
    drafted = people.draft(people.wanda, add(allow("sue")))
    cast(people, people.wanda, drafted)
    people.wanda.mutate(*WITHDRAW, ending(drafted, people.wanda, "withdrawnBy"))
    assert people.wanda.query(*REPORT, named(drafted))["shadowing"] is False
    other = people.draft(people.wanda, add(allow("tom")))
    cast(people, people.wanda, other)


def test_a_shadow_resumes_after_a_restart_and_follows_the_policy_in_force(people: People) -> None:
    drafted = people.draft(people.wanda, add(allow("sue")))
    cast(people, people.wanda, drafted)
    before = report_of(people.wanda, drafted)
    assert before is not None
    assert before["workspace"] == "acme"
    people.world.gateway.stop()
    people.world.gateway.start()
    resumed = report_of(people.wanda, drafted)
    assert resumed is not None
    assert resumed["since"] > before["since"]
    people.activated(people.paula, people.peter, add(allow("zoe", workspace="beta")))

    def is_followed() -> bool:
        report = report_of(people.wanda, drafted)
        return report is not None and report["inForce"] == people.head()

    wait_until(is_followed, 10)
    found = report_of(people.wanda, drafted)
    assert found is not None
    assert found["revision"] == drafted["revision"]
