"""Impact analysis over HTTP and on the command line: what a draft would have done."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.policy_people import APPROVE, People, add, allow, consent
from tests.processes import Caller, JsonObject
from tests.world import end_world, make_world, wait_until

ANALYZE = ("policyChangesetAnalyze", "changesetId analysis revision head startedAt")
_ANALYSIS = "changesetId status analysis progress decisions days revision head startedAt"
ANALYSIS = ("policyChangesetAnalysisGet", f"{_ANALYSIS} problem stale report")
ROW = "p, {}, type:agent, *, support.refund.issue?, *, amount {} {}, {}"
SMALL, LARGE = (200, "<=", "autonomous, -, -, -, -"), (210, ">", "assist, approver, 1, 24h, -")
REFUND = "support.refund.issue@1.0.0"


def row(kind: tuple[int, str, str], limit: int) -> str:
    priority, relation, terms = kind
    return ROW.format(priority, relation, limit, terms)


def tighter(limit: int) -> list[JsonObject]:
    """The edits that lower what agents refund by themselves."""
    return [
        {"file": "verdict.csv", "remove": row(kind, 100), "add": row(kind, limit)}
        for kind in (SMALL, LARGE)
    ]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """People before a gateway that has refunded 20, 60 and 80, and asks about 150."""
    world = make_world(tmp_path_factory.mktemp("world"), GATEWAY_POLICY_WORKSPACES="platform")
    for amount in (20, 60, 80):
        refunded = world.run([refund(amount)])
        world.wait(refunded["executionId"], "COMPLETED")
    asked = world.run([refund(150)])
    world.wait(asked["executionId"], "WAITING_APPROVAL")
    yield People(world)
    end_world(world)


def refund(amount: int) -> JsonObject:
    value = {"orderId": "o-1001", "amount": amount, "currency": "EUR"}
    value |= {"customerEmail": "ada@example.com"}
    return {"key": "refund", "contract": "support.refund.issue", "input": value}


def executions_of(people: People, *amounts: float) -> set[str]:
    """The executions that refund one of these amounts."""
    olga, found = people.world.olga, set()
    listed = olga.query("controlPlaneExecutionList", "items { executionId }", {})["items"]
    for item in listed:
        (step,) = people.world.plan(item["executionId"])["steps"]
        if step["input"] and step["input"]["amount"] in amounts:
            found.add(item["executionId"])
    return found


def analyzed(people: People, who: Caller, drafted: JsonObject, **more: object) -> JsonObject:
    """The outcome of an analysis, once it is done."""
    named = {"changesetId": drafted["changesetId"]}
    begun = who.mutate(*ANALYZE, {**named, **more})
    assert (begun["analysis"], begun["revision"]) == ("RUNNING", drafted["revision"])
    found: JsonObject = {}

    def is_done() -> bool:
        found.update(who.query(*ANALYSIS, named))
        return found["analysis"] != "RUNNING"

    wait_until(is_done, 40, lambda: f"{found}")
    assert found["analysis"] == "DONE", found
    return found


def adds_up(report: JsonObject) -> None:
    counts = report["decisions"]
    unsure = sum(one["count"] for one in report["undecidable"])
    assert counts["undecidable"] == unsure
    assert counts["total"] == counts["decided"] + unsure
    assert counts["decided"] == sum(one["decided"] for one in report["byKind"])
    assert counts["flips"] == sum(report["byChange"].values())
    assert counts["flips"] == sum(one["flips"] for one in report["byContract"])


def test_a_draft_that_tightens_refunds_flips_exactly_those_above_the_limit(people: People) -> None:
    drafted = people.draft(people.paula, *tighter(50))
    assert drafted["status"] == "CHECKED", drafted
    found = analyzed(people, people.paula, drafted)
    report = found["report"]
    adds_up(report)
    assert (found["status"], found["progress"], found["stale"]) == ("ANALYZED", 1.0, False)
    assert report["decisions"]["undecidable"] == 0
    assert report["decisions"]["drifted"] == 0
    assert report["byChange"] == {"autonomous -> assist": 4}  # verified and dispatched, twice
    assert {one["kind"]: one["count"] for one in report["flips"]} == {
        "plan.verdict": 2,
        "dispatch.verdict": 2,
    }
    assert {one["contract"] for one in report["flips"]} == {REFUND}
    flipped = executions_of(people, 60, 80)
    for one in report["flips"]:
        assert {example["executionId"] for example in one["examples"]} == flipped
        for example in one["examples"]:
            assert example["recorded"] == example["inForce"]["effect"] == "autonomous"
            assert example["draft"]["effect"] == "assist"
            assert example["draft"]["terms"]["approverRole"] == "approver"
            assert example["inForce"]["rules"] != example["draft"]["rules"]
    plans = report["plans"]
    assert plans["byChange"] == {"autonomous -> assist": 2}
    assert plans["verified"] == 4
    assert {example["executionId"] for example in plans["examples"]} == flipped
    (approval,) = report["approvals"]["examples"]
    assert approval["change"] == "void"
    assert approval["executionId"] in executions_of(people, 150)
    assert report["approvals"]["waiting"] == 1
    assert report["byRole"][0]["flips"] == 4
    assert "ada@example.com" not in json.dumps(report)


def test_an_analyzed_changeset_can_be_approved_and_shows_its_impact(people: People) -> None:
    drafted = people.draft(people.paula, *tighter(70))
    early = people.peter.refused(*APPROVE, consent(drafted, people.peter))
    assert early["code"] == "CONFLICT"
    analyzed(people, people.peter, drafted, days=1)
    shown = people.get(people.paula, drafted)
    assert shown["impact"]["byChange"] == {"autonomous -> assist": 2}
    assert shown["impact"]["days"] == 1
    approved = people.peter.mutate(*APPROVE, consent(drafted, people.peter))
    assert approved["status"] == "APPROVED"


def test_a_draft_that_blocks_what_waits_says_so(people: People) -> None:
    blocking = "p, 205, user:agent-7, acme, support.refund.issue, *, true, blocked, -, -, -, -"
    drafted = people.draft(people.wanda, add(blocking, "verdict.csv"))
    report = analyzed(people, people.wanda, drafted)["report"]
    assert report["workspace"] == "acme"
    assert report["approvals"]["byChange"] == {"blocked": 1}
    assert report["byChange"] == {"assist -> blocked": 2}  # verified and asked
    assert report["plans"]["flipsOfOpen"] == 1


def test_a_workspace_analyzes_its_own_decisions(people: People) -> None:
    row_of_beta = allow("bob", "controlPlane.execution.list", "beta")
    drafted = people.draft(people.bert, add(row_of_beta))
    report = analyzed(people, people.bert, drafted)["report"]
    assert report["workspace"] == "beta"
    assert report["plans"]["verified"] == 0
    assert report["decisions"]["flips"] == 0
    hidden = people.wanda.refused(*ANALYZE, {"changesetId": drafted["changesetId"]})
    assert hidden["code"] == "NOT_FOUND"
    named = {"changesetId": drafted["changesetId"]}
    assert people.wanda.refused(*ANALYSIS, named, kind="query")["code"] == "NOT_FOUND"


def test_an_analysis_is_refused_to_whom_and_where_it_is_not_for(people: People) -> None:
    broken = people.draft(people.paula, add("p, clerk, acme, controlPlane.none, call, allow"))
    named = {"changesetId": broken["changesetId"]}
    assert people.uma.refused(*ANALYZE, named)["code"] == "FORBIDDEN"
    assert people.paula.refused(*ANALYZE, named)["code"] == "CONFLICT"
    assert people.paula.refused(*ANALYZE, {"changesetId": "chg_none"})["code"] == "NOT_FOUND"
    wrong = people.paula.refused(*ANALYZE, {**named, "days": 0})
    assert [issue["path"] for issue in wrong["problem"]["issues"]] == ["/input/days"]
    assert people.paula.query(*ANALYSIS, named)["analysis"] == "NONE"


def test_a_changeset_is_analyzed_once_at_a_time(people: People) -> None:
    drafted = people.draft(people.paula, *tighter(55))
    named = {"changesetId": drafted["changesetId"]}
    people.paula.mutate(*ANALYZE, named)
    again = people.paula.refused(*ANALYZE, named)
    assert again["code"] == "CONFLICT"
    wait_until(lambda: people.paula.query(*ANALYSIS, named)["analysis"] == "DONE", 40)


def copied_policies(folder: Path, old: str, new: str) -> Path:
    """The shipped policies with one rule otherwise, as a folder."""
    shutil.copytree(Path(__file__).parents[2] / "policies", folder)
    path = folder / "verdict.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


def test_the_command_analyzes_a_folder_beside_the_server(people: People, tmp_path: Path) -> None:
    folder = copied_policies(tmp_path / "policies", row(SMALL, 100), row(SMALL, 70))
    gateway = people.world.gateway
    done = gateway.command("policy", "impact", str(folder), "--json", "--progress")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    adds_up(report)
    assert report["decisions"]["flips"] == 2  # the refund of 80, for which no rule is left
    assert report["byChange"] == {"autonomous -> assist": 2}
    assert done.stderr.splitlines()[-1].startswith("progress 1.0000 ")
    shown = gateway.command("policy", "impact", str(folder))
    assert f"{report['decisions']['flips']} would change" in shown.stdout
    none = gateway.command("policy", "impact", report["inForce"], "--json")
    assert json.loads(none.stdout)["decisions"]["flips"] == 0
    unknown = gateway.command("policy", "impact", "chg_none")
    assert unknown.returncode == 1
    assert "NOT_FOUND" in unknown.stderr


def test_what_was_erased_is_counted(people: People, tmp_path: Path) -> None:
    rule = "p, 190, type:agent, *, support.refund.issue, *, has(customerEmail) && amount > 70, "
    folder = copied_policies(
        tmp_path / "policies", row(SMALL, 100), f"{rule}blocked, -, -, -, -\n{row(SMALL, 100)}"
    )
    gateway = people.world.gateway
    done = gateway.command("policy", "impact", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    opened = json.loads(done.stdout)
    assert opened["byChange"] == {"autonomous -> blocked": 2, "assist -> blocked": 2}
    keys = gateway.key_dir
    keys.rename(tmp_path / "keys")
    try:
        erased = json.loads(gateway.command("policy", "impact", str(folder), "--json").stdout)
    finally:
        (tmp_path / "keys").rename(keys)
    adds_up(erased)
    assert erased["byChange"] == {}
    assert {one["reason"]: one["count"] for one in erased["undecidable"]} == {"sealed": 8}
    assert erased["plans"]["undecidable"] == 4
    assert erased["decisions"]["total"] == opened["decisions"]["total"]
