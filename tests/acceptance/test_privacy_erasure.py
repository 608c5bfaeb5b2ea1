"""Erasure over HTTP: asked for, approved by a second person, done by itself, and proven."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.privacy_world import Officers, everything, files_with
from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, ROOT
from tests.world import World, end_world, make_world


@pytest.fixture(scope="module")
def officers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Officers]:
    world = make_world(tmp_path_factory.mktemp("world"), GATEWAY_PRIVACY_SWEEP_INTERVAL="0.2")
    yield Officers(world)
    end_world(world)


def test_two_people_erase_everything_that_is_held(officers: Officers) -> None:
    world, email = officers.world, "Erin.Canary@example.com"
    run = officers.serve(email, "Erincanary wants an answer", "Bodycanary for Erin")
    other = officers.serve("olaf@example.com", "Olaf asks", "Olafbody stays")
    before = officers.export(subjectId=email)
    assert (before["executions"], before["kind"]) == (1, "PERSON")
    assert before["total"] == len(before["items"]) > 0
    assert {"Bodycanary for Erin", "Erincanary wants an answer"} <= {
        item["value"] for item in before["items"]
    }
    assert "Bodycanary for Erin" in before["document"]
    assert "Bodycanary" in everything(world, run)

    erasure_id = officers.ask(subjectId=" erin.canary@EXAMPLE.com ", note="She called on Monday")
    waiting = officers.erasure(erasure_id)
    assert (waiting["status"], waiting["note"]) == ("PENDING_APPROVAL", "She called on Monday")
    assert [wait["kind"] for wait in waiting["waitsFor"]] == ["APPROVAL"]
    assert officers.export(subjectId=email)["total"] > 0
    assert officers.approve(erasure_id) == "APPROVED"
    done = officers.wait(erasure_id, "ERASED")

    assert (done["subjectId"], done["note"], done["decisionNote"]) == (None, None, None)
    assert (done["requestedBy"], done["decidedBy"], done["waitsFor"]) == ("petra", "paul", [])
    after = officers.export(subjectId=email)
    assert (after["total"], after["items"], after["executions"]) == (0, [], 0)
    shown = everything(world, run)
    assert "canary" not in shown.lower()
    assert "erased" in shown
    assert "Olafbody stays" in everything(world, other)
    officers.verifies()
    assert files_with(world.gateway.data_dir, email, "erin.canary", "Bodycanary", "Monday") == []


def test_the_receipt_is_verified_offline(officers: Officers, tmp_path: Path) -> None:
    email = "rita@example.com"
    run = officers.serve(email, "Rita asks", "Ritabody")
    done = officers.erase(subjectId=email)
    receipt = done["receipt"]["receipt"]
    assert (receipt["requestedBy"], receipt["approvedBy"]) == ("petra", "paul")
    assert receipt["subject"] == {"kind": "person", "pseudonym": done["pseudonym"]}
    assert (receipt["erasureId"], receipt["executions"]) == (done["erasureId"], 1)
    counts = {(one["contract"], *one["classes"]): one["values"] for one in receipt["fields"]}
    assert counts["support.customer.reply@1.0.0", "contact"] >= 2
    assert counts["controlPlane.intent.submit@1.0.0", "free_text"] == 1
    assert "rita" not in json.dumps(receipt)
    assert run not in json.dumps(receipt)

    file, key = tmp_path / "receipt.json", officers.world.gateway.key_dir
    file.write_text(json.dumps(done["receipt"], indent=2))
    public = str(key / "checkpoint-signing.pub.pem")
    held = verify(file, "--public-key", public)
    assert held.returncode == 0, held.stdout + held.stderr
    assert done["erasureId"] in held.stdout

    done["receipt"]["receipt"]["keys"] += 1
    file.write_text(json.dumps(done["receipt"]))
    forged = verify(file, "--public-key", public)
    assert forged.returncode == 1, forged.stdout
    file.write_text("{}")
    assert verify(file).returncode == 2


def verify(file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Check a receipt, without any gateway."""
    command = [*GATEWAY, "privacy", "receipt", "verify", str(file), *more]
    return run_to_end(command, cwd=ROOT)


def test_nobody_erases_alone_and_no_machine_decides(officers: Officers) -> None:
    email = "sol@example.com"
    officers.serve(email, "Sol asks", "Solbody")
    erasure_id = officers.ask(subjectId=email)
    value = {"erasureId": erasure_id}
    alone = officers.petra.refused("privacyErasureApprove", "status", value)
    assert alone["code"] == "FORBIDDEN"
    service = officers.world.gateway.caller("bot", "privacy-officer", kind="service")
    assert service.refused("privacyErasureApprove", "status", value)["code"] == "FORBIDDEN"
    again = officers.paul.refused(
        "privacySubjectErase", "status", {"subjectId": email, "ground": "OBJECTION"}
    )
    assert again["code"] == "CONFLICT"
    assert erasure_id in again["problem"]["detail"]

    told = {"erasureId": erasure_id, "reason": "Sol changed her mind"}
    rejected = officers.paul.mutate("privacyErasureReject", "status", told)
    assert rejected["status"] == "REJECTED"
    assert officers.erasure(erasure_id)["decisionNote"] == "Sol changed her mind"
    late = officers.paul.refused("privacyErasureApprove", "status", value)
    assert late["code"] == "CONFLICT"
    assert officers.export(subjectId=email)["total"] > 0


def test_an_execution_is_erased_by_itself_and_its_people_stay(officers: Officers) -> None:
    email = "tara@example.com"
    run = officers.serve(email, "Taratext in the intent", "Tarabody")
    whole = officers.export(executionId=run)
    assert "Taratext in the intent" in {item["value"] for item in whole["items"]}
    done = officers.erase(executionId=run, note="Submitted by mistake")
    assert (done["executionId"], done["kind"]) == (run, "EXECUTION")
    shown = everything(officers.world, run)
    assert "Taratext" not in shown
    assert "Tarabody" in shown
    assert officers.export(executionId=run)["total"] == 0
    officers.verifies()


def test_what_others_wrote_of_two_people_falls_with_either(officers: Officers) -> None:
    run = officers.serve("uma@example.com", "Umatext and Vito", "Umabody", "vito@example.com")
    officers.erase(subjectId="uma@example.com")
    shown = everything(officers.world, run)
    assert "Umatext" not in shown
    assert "uma@example.com" not in shown
    assert "vito@example.com" in shown
    left = officers.export(subjectId="vito@example.com")
    assert {item["own"] for item in left["items"]} == {True}


def test_what_hangs_on_erased_data_says_so(officers: Officers) -> None:
    world, email = officers.world, "wendy@example.com"
    run = officers.serve(email, "Wendy asks", "Wendybody")
    sent = {"ticketId": "t-2", "body": "Direct", "customerEmail": email}
    world.agent.mutate("supportCustomerReply", "replyId", sent, key="wendy-1")
    officers.erase(subjectId=email)
    found = world.olga.query(
        "controlPlaneTraceReplay",
        "identical recomputedHash differences { kind path recorded replayed message }",
        {"executionId": run},
    )
    assert found["identical"] is False
    assert {item["kind"] for item in found["differences"]} == {"ERASED"}
    assert all(item["replayed"] is None for item in found["differences"])
    start = world.olga.refused(
        "controlPlanePlanVerify",
        "verdict",
        {"executionId": run, "planId": world.execution(run)["planId"]},
    )
    assert start["code"] in ("ERASED", "CONFLICT")


def test_an_answer_that_was_erased_is_not_given_again(officers: Officers) -> None:
    world = officers.world
    value = {"orderId": "o-1001"}
    world.agent.query("supportOrderLookup", "orderId", value)
    sent = {
        "orderId": "o-1004",
        "amount": 3.5,
        "currency": "EUR",
        "customerEmail": "xena@example.com",
    }
    world.agent.mutate("supportRefundIssue", "refundId", sent, key="xena-1")
    officers.erase(subjectId="xena@example.com")
    again = world.agent.mutate("supportRefundIssue", "refundId", sent, key="xena-1")
    assert again["refundId"]


def test_exported_evidence_falls_with_whoever_it_speaks_of(officers: Officers) -> None:
    world, email = officers.world, "yuri@example.com"
    run = officers.serve(email, "Yuri asks", "Yuribody")
    run_id = world.execution(run)["runId"]
    rosa = world.gateway.caller("rosa", "admin", "pii.reader")
    value = {"runId": run_id, "exportedBy": "rosa"}
    selection = "runId evidenceBundleCount"
    rosa.mutate("controlPlaneExecutionEvidenceExport", selection, value)
    headers = {"authorization": f"Bearer {rosa.token}"}
    url = f"{world.gateway.url}/evidence/{run_id}"
    assert HTTP.get(url, headers=headers).status_code == 200
    done = officers.erase(subjectId=email)
    assert done["receipt"]["receipt"]["bundlesNamed"] == [f"{run_id}-1"]
    gone = HTTP.get(url, headers=headers)
    assert (gone.status_code, gone.json()["code"]) == (410, "ERASED")


def test_admins_export_masks_and_users_nothing(officers: Officers) -> None:
    world, email = officers.world, "yara@example.com"
    officers.serve(email, "Yara asks", "Yarabody")
    masked = officers.export(world.olga, subjectId=email)
    assert "Yarabody" not in json.dumps(masked)
    assert masked["total"] > 0
    uma = world.gateway.caller("uma", "user")
    refused = uma.refused("privacySubjectExport", "total", {"subjectId": email})
    assert refused["code"] == "FORBIDDEN"


def test_an_export_leaves_no_copy_behind(officers: Officers) -> None:
    world, email = officers.world, "zoe@example.com"
    run = officers.serve(email, "Zoe asks", "Zoebody")
    for _ in range(2):
        officers.petra.mutate("privacySubjectExport", "total", {"subjectId": email}, key="same")
    first = officers.export(subjectId=email)
    assert officers.export(subjectId=email)["total"] == first["total"]
    page = officers.export(subjectId=email, limit=1)
    seen = list(page["items"])
    while page["next"] is not None:
        page = officers.export(subjectId=email, limit=1, after=page["next"])
        seen += page["items"]
    assert seen == first["items"]
    assert world.execution(run)["status"] == "COMPLETED"


def test_a_restored_backup_of_the_data_is_unreadable(tmp_path: Path) -> None:
    officers = Officers(make_world(tmp_path, GATEWAY_PRIVACY_SWEEP_INTERVAL="0.2"))
    try:
        gateway, email = officers.world.gateway, "alma@example.com"
        run = officers.serve(email, "Almatext", "Almabody")
        gateway.stop()
        shutil.copytree(gateway.data_dir, tmp_path / "backup")
        gateway.start()
        assert "Almabody" in everything(officers.world, run)
        officers.erase(subjectId=email)
        gateway.stop()
        shutil.rmtree(gateway.data_dir)
        shutil.copytree(tmp_path / "backup", gateway.data_dir)
        gateway.accept_restore()
        gateway.start()
        shown = everything(officers.world, run)
        assert "Alma" not in shown
        assert email not in shown
        assert officers.export(subjectId=email)["total"] == 0
        assert "were not known to the record" in gateway.log()
        officers.verifies()
    finally:
        end_world(officers.world)


def test_another_workspace_knows_nothing_of_it(officers: Officers) -> None:
    email = "abel@example.com"
    officers.serve(email, "Abel asks", "Abelbody")
    erasure_id = officers.ask(subjectId=email)
    there = officers.world.gateway.caller("paul", "privacy-officer", workspace="globex")
    found = there.refused("privacyErasureApprove", "status", {"erasureId": erasure_id})
    assert found["code"] == "NOT_FOUND"
    assert officers.export(there, subjectId=email)["total"] == 0


def test_malformed_subjects_are_refused(officers: Officers) -> None:
    run = officers.serve("bea@example.com", "Bea asks", "Beabody")
    for value in (
        {},
        {"subjectId": "bea@example.com", "executionId": run},
        {"subjectId": "  "},
        {"subjectId": "​"},
        {"subjectId": "x" * 501},
    ):
        told = officers.petra.refused("privacySubjectExport", "total", value)
        assert told["code"] == "VALIDATION_FAILED", value
    none = officers.petra.refused("privacySubjectExport", "total", {"executionId": "exec_none"})
    assert none["code"] == "NOT_FOUND"


def test_every_copy_is_of_this_world(officers: Officers) -> None:
    world: World = officers.world
    assert "Traceback" not in world.gateway.log()
