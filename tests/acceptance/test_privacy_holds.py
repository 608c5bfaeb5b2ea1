"""Legal holds, retention and consent over HTTP."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.drafts import lookup
from tests.acceptance.privacy_world import CONSENTS, HOLDS, Officers, everything
from tests.forking import run_to_end
from tests.processes import GATEWAY, ROOT, JsonObject
from tests.world import end_world, make_world, wait_until

NEWSLETTER = """
key: desk.newsletter.send
version: 1.0.0
kind: command
title: Send newsletter
description: Send somebody the newsletter.
domain: desk
owners: [desk]
stability: stable
capability: desk.core@1.0.0
risk: low
input:
  email: EmailAddress!
  ticketId: ID!
  body: String!
output:
  replyId: ID!
  status: String
policy:
  auth: user
  pii: [email, body]
  subject: email
  consent: newsletter
  idempotent: true
handler:
  http:
    method: POST
    url: "http://support.internal/tickets/{ticketId}/replies"
    timeout: 5s
"""

READ = """
key: desk.ticket.peek
version: 1.0.0
kind: query
title: Peek at a ticket
description: Read a ticket of somebody who consents.
domain: desk
owners: [desk]
stability: stable
capability: desk.core@1.0.0
risk: low
input:
  email: EmailAddress!
  ticketId: ID!
output:
  ticketId: ID!
  subject: String
  body: String
  status: String
  orderId: ID
  customerName: String
  customerEmail: EmailAddress
policy:
  auth: user
  pii: [email, body, customerName, customerEmail]
  subject: email
  consent: newsletter
handler:
  http:
    method: GET
    url: "http://support.internal/tickets/{ticketId}"
    timeout: 5s
"""


@pytest.fixture(scope="module")
def officers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Officers]:
    folder = tmp_path_factory.mktemp("world")
    desk = folder / "desk"
    desk.mkdir()
    (desk / "newsletter.yaml").write_text(NEWSLETTER)
    (desk / "peek.yaml").write_text(READ)
    world = make_world(
        folder,
        GATEWAY_SCHEMA_DIR=f"{ROOT / 'schema' / 'support'}:{desk}",
        GATEWAY_PRIVACY_SWEEP_INTERVAL="0.2",
    )
    yield Officers(world)
    end_world(world)


def test_an_erasure_waits_for_a_hold_and_then_happens_by_itself(officers: Officers) -> None:
    email = "hana@example.com"
    run = officers.serve(email, "Hana asks", "Hanabody")
    hold = officers.hold(subjectId=email)
    erasure_id = officers.ask(subjectId=email)
    assert [w["kind"] for w in officers.erasure(erasure_id)["waitsFor"]] == ["APPROVAL", "HOLD"]
    assert officers.approve(erasure_id) == "HELD"
    time.sleep(0.6)
    held = officers.erasure(erasure_id)
    assert (held["status"], [wait["holdId"] for wait in held["waitsFor"]]) == ("HELD", [hold])
    assert "Case 7/26" in held["waitsFor"][0]["message"]
    assert "Hanabody" in everything(officers.world, run)

    officers.lift(hold)
    officers.wait(erasure_id, "ERASED")
    assert "Hanabody" not in everything(officers.world, run)
    officers.verifies()


def test_a_hold_on_somebody_else_keeps_what_speaks_of_both(officers: Officers) -> None:
    run = officers.serve("iris@example.com", "Iristext", "Irisbody", "juno@example.com")
    hold = officers.hold(subjectId="juno@example.com")
    erasure_id = officers.ask(subjectId="iris@example.com")
    assert officers.approve(erasure_id) == "APPROVED"
    assert officers.wait(erasure_id, "HELD")["waitsFor"][0]["holdId"] == hold
    assert "Iristext" in everything(officers.world, run)
    officers.lift(hold)
    officers.wait(erasure_id, "ERASED")
    assert "Iristext" not in everything(officers.world, run)


def test_a_hold_on_an_execution_keeps_it(officers: Officers) -> None:
    run = officers.serve("kira@example.com", "Kiratext", "Kirabody")
    hold = officers.hold(executionId=run)
    erasure_id = officers.ask(subjectId="kira@example.com")
    officers.approve(erasure_id)
    assert officers.wait(erasure_id, "HELD")["waitsFor"][0]["holdId"] == hold
    late = officers.hold(subjectId="kira@example.com", matter="Case 8/26")
    officers.lift(hold)
    time.sleep(0.6)
    found = officers.erasure(erasure_id)
    assert [wait["holdId"] for wait in found["waitsFor"]] == [late]
    assert found["status"] == "HELD"
    officers.lift(late)
    officers.wait(erasure_id, "ERASED")


def test_a_hold_that_expires_lets_go_by_itself(officers: Officers) -> None:
    email = "lena@example.com"
    officers.serve(email, "Lena asks", "Lenabody")
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    officers.hold(subjectId=email, expiresAt=soon)
    erasure_id = officers.ask(subjectId=email)
    assert officers.approve(erasure_id) == "HELD"
    officers.wait(erasure_id, "ERASED")
    past = officers.petra.refused(
        "privacyHoldPlace", "holdId",
        {"subjectId": email, "matter": "m", "reason": "r", "expiresAt": "2020-01-01T00:00:00Z"},
    )  # fmt: skip
    assert past["code"] == "VALIDATION_FAILED"


def test_holds_are_listed_with_who_placed_and_lifted_them(officers: Officers) -> None:
    email = "mona@example.com"
    hold = officers.hold(subjectId=email)
    (item,) = officers.petra.query("privacyHoldList", HOLDS, {"subjectId": email})["items"]
    assert (item["holdId"], item["active"], item["subjectId"]) == (hold, True, email)
    assert (item["matter"], item["reason"]) == ("Case 7/26", "A lawsuit is pending")
    officers.lift(hold)
    (item,) = officers.petra.query("privacyHoldList", HOLDS, {"subjectId": email})["items"]
    assert (item["active"], item["liftedBy"]) == (False, "petra")
    again = officers.petra.refused("privacyHoldLift", "liftedAt", {"holdId": hold, "reason": "x"})
    assert again["code"] == "CONFLICT"


def newsletter(email: str, **more: str) -> JsonObject:
    return {"email": email, "ticketId": "t-1", "body": "News", **more}


def test_a_contract_that_needs_consent_is_refused_without_it(officers: Officers) -> None:
    world, email = officers.world, "nora@example.com"
    send = ("deskNewsletterSend", "replyId")
    refused = world.agent.refused(*send, newsletter(email))
    assert (refused["code"], refused["problem"]["status"]) == ("CONSENT_REQUIRED", 403)
    peek = {"email": email, "ticketId": "t-1"}
    assert world.agent.refused("deskTicketPeek", "ticketId", peek, kind="query")["code"] == (
        "CONSENT_REQUIRED"
    )

    other = {"subjectId": email, "purpose": "profiling", "evidence": "Form 11"}
    officers.petra.mutate("privacyConsentRecord", "consentId", other)
    assert world.agent.refused(*send, newsletter(email))["code"] == "CONSENT_REQUIRED"
    told = {"subjectId": "Nora@Example.com", "purpose": "newsletter", "evidence": "Form 12"}
    consent = officers.petra.mutate("privacyConsentRecord", "consentId", told)["consentId"]
    assert world.agent.mutate(*send, newsletter(email))["replyId"]
    assert world.agent.query("deskTicketPeek", "ticketId", peek)["ticketId"] == "t-1"
    assert world.agent.refused(*send, newsletter("other@example.com"))["code"] == (
        "CONSENT_REQUIRED"
    )

    listed = officers.petra.query("privacyConsentList", CONSENTS, {"subjectId": email})
    assert {item["purpose"] for item in listed["items"]} == {"newsletter", "profiling"}
    assert {item["subjectId"] for item in listed["items"]} == {email, "Nora@Example.com"}
    ended = {"consentId": consent, "reason": "She wrote"}
    officers.petra.mutate("privacyConsentWithdraw", "withdrawnAt", ended)
    assert world.agent.refused(*send, newsletter(email))["code"] == "CONSENT_REQUIRED"
    again = officers.petra.refused("privacyConsentWithdraw", "withdrawnAt", ended)
    assert again["code"] == "CONFLICT"


def test_a_step_that_waits_is_refused_once_consent_is_gone(officers: Officers) -> None:
    world, email = officers.world, "olga.c@example.com"
    told = {"subjectId": email, "purpose": "newsletter", "evidence": "Form 13"}
    first = officers.petra.mutate("privacyConsentRecord", "consentId", told)["consentId"]
    consent = officers.petra.mutate("privacyConsentRecord", "consentId", told)["consentId"]
    active = {"subjectId": email, "active": True}
    (item,) = officers.petra.query("privacyConsentList", CONSENTS, active)["items"]
    assert item["consentId"] == consent != first
    send = {
        "key": "send", "contract": "desk.newsletter.send", "dependsOn": ["order"],
        "input": newsletter(email),
    }  # fmt: skip
    planned = world.compile([lookup(), send])
    world.verify(planned)
    officers.petra.mutate("privacyConsentWithdraw", "withdrawnAt", {"consentId": consent})
    value = {"executionId": planned["executionId"], "planId": planned["planId"]}
    world.olga.mutate("controlPlaneExecutionStart", "runId", value)
    world.wait(planned["executionId"], "FAILED")
    assert world.step(planned["executionId"], "send")["problem"]["code"] == "CONSENT_REQUIRED"


def test_erasing_a_person_ends_their_consents(officers: Officers) -> None:
    world, email = officers.world, "pia@example.com"
    told = {"subjectId": email, "purpose": "newsletter", "evidence": "Form 14"}
    officers.petra.mutate("privacyConsentRecord", "consentId", told)
    world.agent.mutate("deskNewsletterSend", "replyId", newsletter(email))
    officers.erase(subjectId=email)
    refused = world.agent.refused("deskNewsletterSend", "replyId", newsletter(email))
    assert refused["code"] == "CONSENT_REQUIRED"
    listed = officers.petra.query("privacyConsentList", CONSENTS, {"subjectId": email})
    assert [(item["active"], item["subjectId"]) for item in listed["items"]] == [(False, None)]


def retained(folder: Path, rules: str) -> str:
    """A copy of the shipped policies that keeps data as the rules say; returns its path."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    (folder / "policies" / "retention.yaml").write_text(rules)
    return str(folder / "policies")


def retention(officers: Officers) -> JsonObject:
    selection = "items { contract piiClass keep seconds } overdue held"
    answer = officers.petra.send(f"{{ privacyRetentionList {{ {selection} }} }}").json()
    found: JsonObject = answer["data"]["privacyRetentionList"]
    return found


def test_retention_destroys_by_class_what_no_hold_keeps(tmp_path: Path) -> None:
    rules = "rules:\n  - {contract: support.*, class: free_text, keep: 8s}\n"
    rules += "  - {contract: controlPlane.intent.submit, keep: 8s}\n"
    rules += "  - {contract: support.*, keep: 1000d}\n"
    settings = {"GATEWAY_POLICY_DIR": retained(tmp_path, rules)}
    officers = Officers(make_world(tmp_path, **settings, GATEWAY_PRIVACY_SWEEP_INTERVAL="0.2"))
    try:
        kept, gone = "quentin@example.com", "rosa@example.com"
        hold = officers.hold(subjectId=kept)
        first = officers.serve(kept, "Quentintext", "Quentinbody")
        second = officers.serve(gone, "Rosatext", "Rosabody")
        assert "Rosabody" in everything(officers.world, second)
        listed = retention(officers)
        assert [rule["keep"] for rule in listed["items"]] == ["8s", "8s", "1000d"]
        wait_until(lambda: "Rosabody" not in everything(officers.world, second), 20)
        wait_until(lambda: "Rosatext" not in everything(officers.world, second), 20)
        assert gone in everything(officers.world, second)
        shown = everything(officers.world, first)
        assert "Quentinbody" in shown
        assert "Quentintext" in shown
        listed = retention(officers)
        assert listed["held"] > 0
        officers.lift(hold)
        wait_until(lambda: "Quentinbody" not in everything(officers.world, first), 20)
        wait_until(lambda: "Quentintext" not in everything(officers.world, first), 20)
        officers.verifies()
        assert "again" not in officers.world.gateway.log()
    finally:
        end_world(officers.world)


def test_faults_of_the_retention_rules_keep_the_gateway_from_starting(tmp_path: Path) -> None:
    rules = (
        "rules:\n  - {contract: support.*, keep: soon}\n  - {contract: 'a b', keep: 1d}\n"
        "  - {contract: x.y, class: secret, keep: 1d, more: 1}\n"
    )
    command = [*GATEWAY, "serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    command += ["--policy-dir", retained(tmp_path, rules)]
    done = run_to_end(command, cwd=ROOT)
    assert done.returncode != 0
    for place in ("2:", "3:", "4:"):
        assert f"retention.yaml:{place}" in done.stderr
    assert "Traceback" not in done.stderr
