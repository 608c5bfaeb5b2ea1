"""Audit questions over HTTP: who could, who did, who approved, who saw; and who asked that.

A story on one gateway: an auditor asks about refunds of a time in which policy changed, and holds
each answer to what was done before.
"""

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.acceptance.drafts import REJECT, approve, refund, step_of, waiting
from tests.acceptance.policy_people import People, add
from tests.processes import HTTP, Caller, JsonObject
from tests.world import wait_until

REFUND = "support.refund.issue"
REF = f"{REFUND}@1.0.0"
DENY = "p, clerk, acme, support.refund.issue, call, deny"
GLASS = ("controlPlaneExecutionBreakGlass", "executionId status invokedAt")
REVIEW = """
contract served workspace recordWithheld from to complete notRecorded
policyRevisions { number revision since until source changesetId activatedBy }
could { total next undecidable items { policyVersion subject kind types roles effect reason
  rule { at text } role path verdict approverRole quorum } }
did { next items { cursor at kind actor principalType roles contract decisionId effect verdict
  rule { at text } policyVersion executionId stepId approvalId outcome code } }
approved { next items { cursor at kind by role hasNote contract requestedBy approvalId executionId
  stepId quorum reached rule { at text } policyVersion } }
saw { next items { cursor at actor via recorded decisionId fields { contract field treatment }
  executions } }
totals { calls attempts denied approvals rejections breakGlass grantsUsed grantsIssued saw }
"""
ENTRY = """cursor at type actor principalType roles contract effect verdict decisionId
rule { at text } policyVersion executionId code seenRecorded seen { contract field treatment }
reading chain seq hash"""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Story:
    """What was done, and when."""

    people: People
    begin: str = ""
    change: str = ""
    end: str = ""
    runs: dict[str, JsonObject] = field(default_factory=dict)
    revisions: list[str] = field(default_factory=list)

    @property
    def span(self) -> JsonObject:
        return {"from": self.begin, "to": self.end}

    def auditor(self) -> Caller:
        return self.people.world.gateway.caller("ada", "user", "auditor")

    def review(self, who: Caller | None = None, **more: Any) -> JsonObject:
        asked = {"contract": REFUND, **self.span, **more}
        return (who or self.auditor()).query("auditContractReview", REVIEW, asked)

    def search(self, who: Caller | None = None, **more: Any) -> list[JsonObject]:
        """Every entry that fits, page by page."""
        found: list[JsonObject] = []
        asked = {"limit": 7, **more}
        while True:
            page = (who or self.auditor()).query(
                "auditRecordSearch", f"next items {{ {ENTRY} }}", asked
            )
            found += page["items"]
            if page["next"] is None:
                return found
            asked["after"] = page["next"]

    def get(self, who: Caller | None = None, **query: str) -> httpx.Response:
        caller = who or self.auditor()
        headers = {"authorization": f"Bearer {caller.token}"} if caller.token else {}
        url = f"{self.people.world.gateway.url}/audit/export"
        return HTTP.get(url, params=query, headers=headers, timeout=30)


def refund_call(who: Caller, amount: float) -> str | None:
    """A direct call; the code that it is refused with, if it is."""
    value = {
        "orderId": "o-1004",
        "amount": amount,
        "currency": "EUR",
        "customerEmail": "secret.person@example.org",
    }
    text = (
        "mutation ($input: SupportRefundIssueInput!) "
        "{ supportRefundIssue(input: $input) { refundId } }"
    )
    answer = who.send(text, {"input": value}).json()
    errors = answer.get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else None


def with_mail(amount: float) -> JsonObject:
    step = refund(amount)
    step["input"]["customerEmail"] = "secret.person@example.org"
    return step


@pytest.fixture(scope="module")
def story(people: People) -> Story:
    told = Story(people)
    world = people.world
    clerk = world.gateway.caller("carl", "user", "clerk")
    glass = world.gateway.caller("gina", "user", "break-glass")
    told.revisions.append(people.head())
    told.begin = now()
    assert refund_call(clerk, 12.5) is None
    for name in ("approved", "rejected", "broken"):
        told.runs[name] = waiting(world, [with_mail(600 + len(name))])
    approve(world.fiona, "fiona", told.runs["approved"])
    rejected = {**step_of(told.runs["rejected"]), "rejectedBy": "fiona", "reason": "Too much."}
    world.fiona.mutate(*REJECT, rejected)
    reason = "The customer is in distress and nobody answers."
    glass.mutate(*GLASS, {**step_of(told.runs["broken"]), "invokedBy": "gina", "reason": reason})
    for name, status in (("approved", "COMPLETED"), ("broken", "COMPLETED")):
        world.wait(told.runs[name]["executionId"], status)
    told.auditor().query(
        "controlPlaneTraceGet",
        "entries { metadata }",
        {"executionId": told.runs["approved"]["executionId"], "includePayloads": True},
    )
    told.change = now()
    people.activated(people.wanda, people.will, add(DENY))
    told.revisions.append(people.head())
    assert refund_call(clerk, 12.5) == "FORBIDDEN"
    denied = {"actor": "carl", "effect": "DENY", "from": told.begin}
    wait_until(lambda: bool(told.search(**denied)), 10)  # a denial is recorded without waiting
    told.end = now()
    return told


def test_the_policies_of_the_span_are_named_with_who_made_them_so(story: Story) -> None:
    found = story.review()["policyRevisions"]
    assert [one["revision"] for one in found] == story.revisions
    assert found[0]["until"] == found[1]["since"]
    assert story.change < found[1]["since"] < story.end
    assert (found[1]["source"], found[1]["activatedBy"]) == ("changeset", "will")
    assert found[1]["until"] is None

    before = story.review(to=story.change)["policyRevisions"]
    assert [one["revision"] for one in before] == story.revisions[:1]


def test_who_could_is_answered_under_each_revision(story: Story) -> None:
    could = story.review(limit=100)["could"]
    assert could["undecidable"] == []
    rows = [row for row in could["items"] if row["subject"] == "user:carl"]
    (row,) = rows  # under the revision before: afterwards he could not
    assert row["policyVersion"] == story.revisions[0]
    assert (row["kind"], row["types"], row["roles"]) == ("TOKEN", ["HUMAN"], ["clerk", "user"])
    assert row["rule"]["text"].startswith("p, user, *, auth:user")
    assert row["effect"] == "ALLOW"

    about = story.review(subject="carl")["could"]["items"]
    tokens = {row["policyVersion"]: row for row in about if row["kind"] == "TOKEN"}
    denied = tokens[story.revisions[1]]
    assert (denied["effect"], denied["rule"]["text"]) == ("DENY", DENY)
    assert tokens[story.revisions[0]]["effect"] == "ALLOW"


def test_a_page_of_who_could_goes_on_where_the_last_one_ended(story: Story) -> None:
    whole = story.review(limit=100)["could"]
    found: list[JsonObject] = []
    after: str | None = "0"
    while after is not None:
        page = story.review(parts=["COULD"], after=after, limit=5)["could"]
        assert page["total"] == whole["total"]
        found += page["items"]
        after = page["next"]
    assert found == whole["items"]


def test_who_did_says_under_which_decision_and_what_came_of_it(story: Story) -> None:
    found = story.review()
    calls = [one for one in found["did"]["items"] if one["kind"] == "CALL"]
    assert [(one["actor"], one["effect"]) for one in calls] == [("carl", "ALLOW"), ("carl", "DENY")]
    done, denied = calls
    assert (done["outcome"], done["roles"]) == ("COMPLETED", ["clerk", "user"])
    assert (denied["outcome"], denied["rule"]["text"]) == ("DENIED", DENY)
    assert [one["policyVersion"] for one in calls] == story.revisions
    assert done["decisionId"] != denied["decisionId"]

    steps = {one["executionId"]: one for one in found["did"]["items"] if one["kind"] == "STEP"}
    for name in ("approved", "broken"):
        step = steps[story.runs[name]["executionId"]]
        assert (step["actor"], step["principalType"]) == ("agent-7", "AGENT")
        assert (step["outcome"], step["verdict"]) == ("COMPLETED", "ASSIST")
        assert step["approvalId"]
    assert story.runs["rejected"]["executionId"] not in steps
    assert found["totals"]["calls"] == 2
    assert found["totals"]["denied"] == 1
    assert found["totals"]["attempts"] == len(steps) == 3  # carl's ran as a step as well


def test_who_approved_says_in_which_role_and_under_which_rule(story: Story) -> None:
    found = story.review()["approved"]["items"]
    by_kind = {one["kind"]: one for one in found}
    assert set(by_kind) == {"APPROVAL", "REJECTION", "BREAK_GLASS"}
    for kind, name, by, role in (
        ("APPROVAL", "approved", "fiona", "approver"),
        ("REJECTION", "rejected", "fiona", "approver"),
        ("BREAK_GLASS", "broken", "gina", "break-glass"),
    ):
        one = by_kind[kind]
        assert one["executionId"] == story.runs[name]["executionId"]
        assert (one["by"], one["role"], one["requestedBy"]) == (by, role, "agent-7")
        assert "amount > 100" in one["rule"]["text"]
        assert one["policyVersion"] == story.revisions[0]
        assert one["contract"] == REF
    assert by_kind["APPROVAL"]["reached"] is True
    assert by_kind["REJECTION"]["hasNote"] is True
    assert by_kind["BREAK_GLASS"]["hasNote"] is True
    assert "distress" not in json.dumps(found)


def test_who_saw_names_fields_and_treatments_and_never_values(story: Story) -> None:
    found = story.review()
    saw = [one for one in found["saw"]["items"] if one["actor"] == "ada"]
    (trace,) = [one for one in saw if one["via"] == "controlPlane.trace.get@1.0.0"]
    assert trace["executions"] == [story.runs["approved"]["executionId"]]
    fields = {(one["contract"], one["field"]): one["treatment"] for one in trace["fields"]}
    assert fields[REF, "input.customerEmail"] == "MASK"
    assert "secret.person" not in json.dumps(found)
    assert found["notRecorded"] == 0


def test_a_subject_narrows_everything(story: Story) -> None:
    found = story.review(subject="gina")
    assert found["did"]["items"] == []
    assert {one["by"] for one in found["approved"]["items"]} == {"gina"}
    assert {row["subject"] for row in found["could"]["items"]} == {"user:gina"}


def test_each_list_goes_on_where_its_page_ended(story: Story) -> None:
    whole = story.review(limit=100)
    for part in ("did", "approved", "saw"):
        first = story.review(limit=1)[part]
        found, after = first["items"], first["next"]
        while after is not None:
            page = story.review(parts=[part.upper()], after=after, limit=1)[part]
            assert page["items"] or page["next"] is None
            found += page["items"]
            after = page["next"]
        assert found == whole[part]["items"], part


def test_another_workspace_is_not_there(story: Story) -> None:
    stranger = story.people.world.gateway.caller("ada", "auditor", workspace="globex")
    found = story.review(stranger)
    assert found["did"]["items"] == found["approved"]["items"] == found["saw"]["items"] == []
    assert story.search(stranger, actor="carl") == []
    asked = {"contract": REFUND, **story.span, "workspace": "globex"}
    told = story.auditor().refused("auditContractReview", "contract", asked, kind="query")
    assert told["code"] == "NOT_FOUND"


def test_administrators_of_all_policies_see_policy_of_a_workspace_and_not_its_record(
    story: Story,
) -> None:
    peter = story.people.world.gateway.caller("peter", "auditor", workspace="platform")
    found = story.review(peter, workspace="acme")
    assert found["recordWithheld"] is True
    assert found["did"]["items"] == []
    assert found["could"]["total"] > 0
    assert not any(row["kind"] == "TOKEN" for row in found["could"]["items"])


def test_search_finds_by_actor_contract_effect_type_and_execution(story: Story) -> None:
    denied = story.search(effect="DENY", contract=REFUND, **story.span)
    assert [(one["type"], one["actor"]) for one in denied] == [("call.denied", "carl")]
    assert denied[0]["rule"]["text"] == DENY
    assert denied[0]["policyVersion"] == story.revisions[1]

    run = story.runs["approved"]["executionId"]
    of_run = story.search(executionId=run, **story.span)
    assert {"intent.received", "step.completed", "run.ended"} <= {one["type"] for one in of_run}
    assert any(one["contract"] == "controlPlane.trace.get@1.0.0" for one in of_run)

    votes = story.search(types=["approval.voted", "approval.overridden"], **story.span)
    assert [one["actor"] for one in votes] == ["fiona", "gina"]
    assert "secret.person" not in json.dumps(of_run)


def test_who_reads_the_record_is_in_the_record(story: Story) -> None:
    begin = now()
    reader = story.people.world.gateway.caller("rita", "auditor")
    story.review(reader)
    story.search(reader, actor="carl", limit=100)
    reader.query("policyRuleList", "total", {"text": "a text that stays out", "limit": 3})
    found = {one["contract"]: one for one in story.search(**{"actor": "rita", "from": begin})}
    review = found["audit.contract.review@1.0.0"]["reading"]
    assert review["filter"] == {"contract": REFUND, **story.span}
    assert review["rows"] > 0
    search = found["audit.record.search@1.0.0"]["reading"]
    assert search["filter"] == {"actor": "carl", "limit": 100}
    assert search["rows"] >= 2
    rules = found["policy.rule.list@1.0.0"]["reading"]
    assert rules == {"filter": {"limit": 3}, "rows": 0}
    # and reading that is recorded as well
    again = story.search(contract="audit.record.search", **{"from": begin})
    assert any(one["reading"]["filter"].get("actor") == "rita" for one in again)


def test_the_export_of_the_record_is_the_search_row_by_row(story: Story) -> None:
    wanted = story.search(actor="carl", **story.span)
    answer = story.get(actor="carl", format="csv", **story.span)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert answer.text.split("\r\n")[0].startswith("section,cursor,at,type,actor")
    assert [row["hash"] for row in rows] == [one["hash"] for one in wanted]
    assert {row["section"] for row in rows} == {"entry"}

    lines = story.get(actor="carl", format="jsonl", **story.span).text.splitlines()
    assert [json.loads(line)["cursor"] for line in lines] == [one["cursor"] for one in wanted]
    told = story.search(actor="ada", contract="audit.record.search")
    exports = [one["reading"]["filter"].get("export") for one in told]
    assert {"CSV", "JSONL"} <= set(exports)


def test_the_export_of_a_review_has_every_list(story: Story) -> None:
    whole = story.review(limit=100)
    answer = story.get(report="review", contract=REFUND, format="jsonl", **story.span)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    for part in ("could", "did", "approved", "saw"):
        exported = [row for row in rows if row["section"] == part]
        assert len(exported) == len(whole[part]["items"]), part
    assert [row["revision"] for row in rows if row["section"] == "revision"] == story.revisions
    (summary,) = [row["summary"] for row in rows if row["section"] == "summary"]
    assert summary["totals"] == whole["totals"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"format": "xlsx"}, 422, "VALIDATION_FAILED"),
        ({"nothing": "x"}, 422, "VALIDATION_FAILED"),
        ({"report": "review"}, 422, "VALIDATION_FAILED"),
        ({"from": "yesterday"}, 422, "VALIDATION_FAILED"),
        ({"effect": "MAYBE"}, 422, "VALIDATION_FAILED"),
        ({"report": "review", "contract": "no.such.thing", "on": "2026-01-01"}, 404, "NOT_FOUND"),
    ],
)
def test_a_bad_export_is_refused_before_it_begins(
    story: Story, query: dict[str, str], status: int, code: str
) -> None:
    answer = story.get(**query)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_export_is_for_those_who_may_ask(story: Story) -> None:
    assert story.get(story.people.uma, format="csv").status_code == 403
    assert story.get(story.people.world.gateway.anonymous()).status_code == 401
    denied = story.search(actor="uma", contract="audit.record.search", effect="DENY")
    assert [one["type"] for one in denied] == ["call.denied"]


def test_the_command_exports_beside_the_server_and_is_recorded_first(story: Story) -> None:
    command = story.people.world.gateway.command
    span = ("--from", story.begin, "--to", story.end)
    done = command(
        "audit", "export", "--workspace", "acme", "--actor", "carl", *span, "--by", "root"
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["hash"] for row in rows] == [
        one["hash"] for one in story.search(actor="carl", **story.span)
    ]
    begun, ended = story.search(types=["audit.exported"], actor="root")
    assert begun["reading"]["filter"]["actor"] == "carl"
    assert "rows" not in begun["reading"]
    assert ended["reading"]["rows"] == len(rows)
    assert int(begun["cursor"]) < int(ended["cursor"])

    made = command("audit", "export", "--workspace", "acme", "--report", "review",
                   "--contract", REFUND, "--format", "jsonl", *span)  # fmt: skip
    assert made.returncode == 0, made.stderr
    sections = {json.loads(line)["section"] for line in made.stdout.splitlines()}
    assert sections == {"summary", "revision", "could", "did", "approved", "saw"}

    wrong = command("audit", "export", "--workspace", "acme", "--on", "yesterday")
    assert wrong.returncode == 1
    assert "INVALID_FORMAT" in wrong.stderr
    assert command("audit", "verify").returncode == 0


def test_plans_and_lists_of_approvals_say_what_they_showed(story: Story) -> None:
    begin = now()
    run = {"executionId": story.runs["approved"]["executionId"]}
    ada = story.auditor()
    ada.query("controlPlanePlanGet", "planId steps { input }", run)
    ada.query("controlPlaneApprovalList", "total items { arguments }", {**run, "status": "USED"})
    found = story.search(**{"actor": "ada", "from": begin})
    shown = {one["contract"]: one for one in found if one["seen"]}
    for contract in ("controlPlane.plan.get@1.0.0", "controlPlane.approval.list@1.0.0"):
        fields = {one["field"]: one["treatment"] for one in shown[contract]["seen"]}
        assert fields["input.customerEmail"] == "MASK", contract
    assert all(one["seenRecorded"] for one in found)


def test_evidence_says_what_it_shows_when_it_is_exported_and_when_it_is_fetched(
    story: Story,
) -> None:
    begin, ada = now(), story.auditor()
    run = story.runs["approved"]
    asked = {"runId": run["runId"], "exportedBy": "ada"}
    ada.mutate("controlPlaneExecutionEvidenceExport", "runId", asked)
    url = f"{story.people.world.gateway.url}/evidence/{run['runId']}"
    fetched = HTTP.get(url, headers={"authorization": f"Bearer {ada.token}"}, timeout=30)
    assert fetched.status_code == 200

    def recorded() -> list[JsonObject]:
        contract = "controlPlane.execution.evidence.export"
        return story.search(**{"actor": "ada", "contract": contract, "from": begin})

    wait_until(lambda: len(recorded()) == 2, 10)
    exported, download = recorded()
    assert (exported["type"], download["type"]) == ("call.completed", "query.answered")
    for one in (exported, download):
        fields = {seen["field"]: seen["treatment"] for seen in one["seen"]}
        assert fields["input.customerEmail"] == "MASK"
    told = {"filter": {"runId": run["runId"]}, "bytes": len(fetched.content)}
    assert download["reading"] == told


def test_a_client_that_leaves_an_export_does_no_harm(story: Story) -> None:
    headers = {"authorization": f"Bearer {story.auditor().token}"}
    url = f"{story.people.world.gateway.url}/audit/export"
    for _ in range(3):
        with HTTP.stream("GET", url, headers=headers, timeout=30) as answer:
            assert answer.status_code == 200
            next(answer.iter_raw(10))
    assert story.get(actor="carl", **story.span).status_code == 200
    assert "Traceback" not in story.people.world.gateway.log()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_an_export_is_only_read(story: Story, method: str) -> None:
    url = f"{story.people.world.gateway.url}/audit/export"
    answer = HTTP.request(method, url, timeout=30)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
