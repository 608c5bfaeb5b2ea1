"""Evidence over HTTP: exported, downloaded, checked without the gateway, and tampered with."""

import base64
import hashlib
import io
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.acceptance.commanding import Commander
from tests.acceptance.drafts import approve, lookup, refund
from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, Caller, JsonObject
from tests.world import World, end_world, make_world

EXPORT = ("controlPlaneExecutionEvidenceExport", "runId evidenceBundleCount exportedAt")
INTENT = "Canaryintent wants her money"
EMAIL = "canarymail.7731@example.com"
SERVED = ("Alice Martin", "alice@example.com", "The lamp came broken")
CANARIES = ("Canaryintent", EMAIL, *SERVED)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("evidence"))
    yield made
    end_world(made)


@pytest.fixture(scope="module")
def run(world: World) -> JsonObject:
    """A run with personal data in intent, input and output, and an approval."""
    intent = world.submit(text=INTENT)
    large = refund(310.07, dependsOn=["order"])
    large["input"]["customerEmail"] = EMAIL
    ticket = {"key": "ticket", "contract": "support.ticket.read", "input": {"ticketId": "t-1"}}
    asked = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    draft = {"steps": [ticket, lookup(), large]}
    plan = world.agent.mutate("controlPlanePlanCompile", "planId", {**asked, "draft": draft})
    value = {"executionId": intent["executionId"], "planId": plan["planId"]}
    world.verify(value)
    started = world.olga.mutate("controlPlaneExecutionStart", "runId", value)
    world.wait(intent["executionId"], "WAITING_APPROVAL")
    (request,) = world.approvals(intent["executionId"])
    approve(world.fiona, "fiona", request)
    assert world.wait(intent["executionId"], "COMPLETED", "FAILED")["status"] == "COMPLETED"
    return {**value, **started}


def export(who: Caller, name: str, run_id: str, key: str | None = None) -> JsonObject:
    return who.mutate(*EXPORT, {"runId": run_id, "exportedBy": name}, key)


def fetch(who: Caller, run_id: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {who.token}"} if who.token else {}
    return HTTP.get(f"{who.server.url}/evidence/{run_id}", headers=headers, timeout=30)


def problem(answer: httpx.Response) -> JsonObject:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told: JsonObject = answer.json()
    assert answer.status_code == told["status"]
    return told


def bundle(who: Caller, name: str, run_id: str) -> bytes:
    """Export and download."""
    export(who, name, run_id)
    answer = fetch(who, run_id)
    assert answer.status_code == 200, answer.text
    return answer.content


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def verify(folder: Path, content: bytes, *more: str) -> subprocess.CompletedProcess[str]:
    """``gateway evidence verify`` in an empty folder, without any setting of the gateway."""
    folder.mkdir(exist_ok=True)
    file = folder / "bundle.zip"
    file.write_bytes(content)
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    done = run_to_end([*GATEWAY, "evidence", "verify", str(file), *more], cwd=folder, env=env)
    assert "Traceback" not in done.stderr, done.stderr
    assert [path.name for path in folder.iterdir()] == ["bundle.zip"]
    return done


def leaks(content: bytes) -> list[str]:
    told = b"".join(files_of(content).values()).decode()
    return [canary for canary in CANARIES if canary in told]


def test_an_admin_exports_a_masked_bundle_that_verifies(
    world: World, run: JsonObject, tmp_path: Path
) -> None:
    content = bundle(world.olga, "olga", run["runId"])
    assert leaks(content) == []
    files = files_of(content)
    assert json.loads(files["manifest.json"])["masked"] is True
    assert "c•••@•••" in files["approvals.json"].decode()
    key = str(world.gateway.key_dir / "checkpoint-signing.pub.pem")
    done = verify(tmp_path / "empty", content, "--public-key", key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "personal data masked" in done.stdout
    assert "signed by the key given" in done.stdout


def test_a_reader_of_personal_data_exports_it_raw(
    world: World, run: JsonObject, tmp_path: Path
) -> None:
    rita = world.gateway.caller("rita", "admin", "pii.reader")
    content = bundle(rita, "rita", run["runId"])
    assert set(leaks(content)) == set(CANARIES)
    assert json.loads(files_of(content)["manifest.json"])["masked"] is False
    done = verify(tmp_path / "empty", content)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIGNED BY KEY" in done.stdout
    on_disk = [path for path in world.gateway.folder.rglob("*") if path.is_file()]
    evidence = [path for path in on_disk if path.parent.name == "evidence"]
    assert evidence
    assert not [
        (path, canary)
        for path in evidence
        for canary in CANARIES
        if canary.encode() in path.read_bytes()
    ]


def test_both_bundles_hold_the_same_chain(world: World, run: JsonObject) -> None:
    rita = world.gateway.caller("rita", "admin", "pii.reader")
    masked = files_of(bundle(world.olga, "olga", run["runId"]))["entries.jsonl"].splitlines()
    shown = files_of(bundle(rita, "rita", run["runId"]))["entries.jsonl"].splitlines()
    assert shown[: len(masked)] == masked


def test_a_bundle_tells_the_whole_story(world: World, run: JsonObject) -> None:
    files = files_of(bundle(world.olga, "olga", run["runId"]))
    views = {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}
    assert views["intent.json"]["intents"][0]["body"]["submitter"]["subject"] == "agent-7"
    steps = {step["key"] for step in views["plan.json"]["plans"][0]["body"]["steps"]}
    assert steps == {"ticket", "order", "refund"}
    assert len(views["decisions.json"]["policyRevisions"]) == 1
    assert views["manifest.json"]["policyRevisions"] == views["decisions.json"]["policyRevisions"]
    (asked,) = views["approvals.json"]["approvals"]
    assert asked["status"] == "used"
    assert asked["history"][0]["body"]["by"] == "fiona"
    done = {one["entries"][0]["body"]["key"]: one for one in views["attempts.json"]["attempts"]}
    assert {key: one["status"] for key, one in done.items()} == {
        "ticket": "completed", "order": "completed", "refund": "completed",
    }  # fmt: skip
    assert views["run.json"]["status"] == "completed"
    for ref in ("support.ticket.read", "support.order.lookup", "support.refund.issue"):
        (bound,) = views[f"contracts/{ref}@1.0.0.json"]["bound"]
        assert bound["content"]["contract"]["key"] == ref


def test_tampering_is_named(world: World, run: JsonObject, tmp_path: Path) -> None:
    files = files_of(bundle(world.olga, "olga", run["runId"]))
    lines = files["entries.jsonl"].splitlines(keepends=True)
    voted = next(at for at, line in enumerate(lines) if b"approval.voted" in line)
    lines[voted] = lines[voted].replace(b"fiona", b"olga")
    manifest = files["manifest.json"].replace(b'"exportedBy":"olga"', b'"exportedBy":"rita"')
    tampered = {**files, "entries.jsonl": b"".join(lines), "manifest.json": manifest}
    done = verify(tmp_path / "empty", zipped(tampered))
    assert done.returncode == 1
    assert f"CHANGED [file=entries.jsonl seq={voted + 1}]" in done.stdout
    assert "FORGED [file=manifest.json]" in done.stdout
    assert "THE BUNDLE DOES NOT VERIFY" in done.stdout

    view = files["approvals.json"].replace(b'"by": "fiona"', b'"by": "olga"')
    done = verify(tmp_path / "empty", zipped({**files, "approvals.json": view}))
    assert done.returncode == 1
    assert "CHANGED [file=approvals.json]" in done.stdout
    place = f"file=approvals.json seq={voted + 1} field=/approvals/0/history/0/body/by"
    assert f"DISAGREES [{place}]" in done.stdout


def test_bundles_are_counted_and_recorded(world: World) -> None:
    started = world.run([lookup()])
    world.wait(started["executionId"], "COMPLETED")
    first = export(world.olga, "olga", started["runId"])
    second = export(world.olga, "olga", started["runId"])
    assert [one["evidenceBundleCount"] for one in (first, second)] == [1, 2]
    assert first["runId"] == started["runId"]
    answer = fetch(world.olga, started["runId"])
    assert f"evidence-{started['runId']}-2.zip" in answer.headers["content-disposition"]
    digest = hashlib.sha256(answer.content).digest()
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    manifest = json.loads(files_of(answer.content)["manifest.json"])
    assert manifest["exportedAt"] == second["exportedAt"]
    told = [
        entry["metadata"]
        for entry in world.trace(started["executionId"])
        if entry["status"] == "evidence.exported"
    ]
    assert [one["number"] for one in told] == [1, 2]
    assert told[1]["digest"] == digest.hex()
    assert told[1]["throughSeq"] == manifest["throughSeq"]
    assert world.gateway.command("audit", "verify").returncode == 0


def test_a_repeated_call_exports_once(world: World, run: JsonObject) -> None:
    once = export(world.olga, "olga", run["runId"], key="once")
    assert export(world.olga, "olga", run["runId"], key="once") == once


def test_exports_at_the_same_time_count_each(world: World) -> None:
    started = world.run([lookup()])
    world.wait(started["executionId"], "COMPLETED")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: export(world.olga, "olga", started["runId"]), range(4)))
    assert sorted(one["evidenceBundleCount"] for one in made) == [1, 2, 3, 4]
    kept = (world.gateway.data_dir / "evidence").glob(f"{started['runId']}-*")
    assert len([path for path in kept if path.suffix == ".sealed"]) == 4
    assert fetch(world.olga, started["runId"]).status_code == 200


def test_a_run_that_waits_can_be_exported(world: World, tmp_path: Path) -> None:
    started = world.run([refund(260)])
    world.wait(started["executionId"], "WAITING_APPROVAL")
    content = bundle(world.olga, "olga", started["runId"])
    manifest = json.loads(files_of(content)["manifest.json"])
    assert (manifest["status"], manifest["ended"]) == ("waiting_approval", False)
    done = verify(tmp_path / "empty", content)
    assert done.returncode == 0, done.stdout
    assert "while it was not over" in done.stdout


def test_who_may_not_export_may_not_download_either(world: World, run: JsonObject) -> None:
    value = {"runId": run["runId"], "exportedBy": "fiona"}
    assert world.fiona.refused(*EXPORT, value)["code"] == "FORBIDDEN"
    assert problem(fetch(world.fiona, run["runId"]))["code"] == "FORBIDDEN"
    nobody = world.gateway.anonymous()
    assert nobody.refused(*EXPORT, value)["code"] == "UNAUTHENTICATED"
    answer = fetch(nobody, run["runId"])
    assert problem(answer)["code"] == "UNAUTHENTICATED"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_nobody_exports_in_another_name(world: World, run: JsonObject) -> None:
    value = {"runId": run["runId"], "exportedBy": "fiona"}
    refused = world.olga.refused(*EXPORT, value)
    assert refused["code"] == "FORBIDDEN"
    assert refused["problem"]["issues"][0]["code"] == "NOT_CALLER"


def test_unknown_runs_and_those_of_another_workspace_are_not_found(
    world: World, run: JsonObject
) -> None:
    eve = world.gateway.caller("eve", "admin", workspace="rival")
    for who, name, run_id in ((world.olga, "olga", "run_none"), (eve, "eve", run["runId"])):
        refused = who.refused(*EXPORT, {"runId": run_id, "exportedBy": name})
        assert refused["code"] == "NOT_FOUND"
        assert problem(fetch(who, run_id))["code"] == "NOT_FOUND"


def test_malformed_input_is_told(world: World) -> None:
    assert world.olga.refused(*EXPORT, {"exportedBy": "olga"})["code"] == "VALIDATION_FAILED"
    for run_id in ("", 7.5, "x" * 100_000):
        refused = world.olga.refused(*EXPORT, {"runId": run_id, "exportedBy": "olga"})
        assert refused["code"] in ("VALIDATION_FAILED", "NOT_FOUND")
    assert fetch(world.olga, "..%2f..%2fkeys%2froot.key").status_code == 404
    for run_id in ("%00", "%ff", "..%5ckeys", "x" * 5_000):
        told = problem(fetch(world.olga, run_id))
        assert told["code"] in ("VALIDATION_FAILED", "NOT_FOUND"), told


def test_another_persons_bundle_is_not_given(world: World) -> None:
    started = world.run([lookup()])
    world.wait(started["executionId"], "COMPLETED")
    rita = world.gateway.caller("rita", "admin", "pii.reader")
    bundle(rita, "rita", started["runId"])
    assert problem(fetch(world.olga, started["runId"]))["code"] == "NOT_FOUND"


def test_who_may_see_less_by_now_does_not_get_the_old_bundle(world: World, run: JsonObject) -> None:
    reader = world.gateway.caller("paula", "admin", "pii.reader")
    assert leaks(bundle(reader, "paula", run["runId"]))
    later = world.gateway.caller("paula", "admin")
    assert problem(fetch(later, run["runId"]))["code"] == "PRECONDITION_FAILED"
    assert leaks(bundle(later, "paula", run["runId"])) == []
    assert fetch(reader, run["runId"]).status_code == 200


def test_a_bundle_whose_file_was_deleted_is_gone(world: World) -> None:
    started = world.run([lookup()])
    world.wait(started["executionId"], "COMPLETED")
    export(world.olga, "olga", started["runId"])
    (file,) = (world.gateway.data_dir / "evidence").glob(f"{started['runId']}-*")
    file.unlink()
    assert problem(fetch(world.olga, started["runId"]))["code"] == "GONE"


def test_a_file_that_holds_another_bundle_is_not_given(world: World) -> None:
    started = world.run([lookup()])
    world.wait(started["executionId"], "COMPLETED")
    export(world.olga, "olga", started["runId"])
    export(world.olga, "olga", started["runId"])
    (first, second) = sorted((world.gateway.data_dir / "evidence").glob(f"{started['runId']}-*"))
    kept = second.read_bytes()
    for altered in (first.read_bytes(), b""):
        second.write_bytes(altered)
        assert problem(fetch(world.olga, started["runId"]))["code"] == "PRECONDITION_FAILED"
    second.write_bytes(kept)
    assert fetch(world.olga, started["runId"]).status_code == 200


def test_bundles_outlive_a_restart(own_world: World) -> None:
    started = own_world.run([lookup()])
    own_world.wait(started["executionId"], "COMPLETED")
    content = bundle(own_world.olga, "olga", started["runId"])
    own_world.gateway.stop()
    evidence = own_world.gateway.data_dir / "evidence"
    (evidence / f"{started['runId']}-{'0' * 64}.part").write_bytes(b"{}")
    own_world.gateway.start()
    assert fetch(own_world.olga, started["runId"]).content == content
    assert [path.suffix for path in evidence.iterdir()] == [".sealed"]
    assert export(own_world.olga, "olga", started["runId"])["evidenceBundleCount"] == 2


def test_the_command_exports_what_it_then_verifies(
    world: World, run: JsonObject, tmp_path: Path
) -> None:
    olga, file = Commander.of(world.olga), tmp_path / "evidence.zip"
    told = olga.ask("evidence", "export", run["executionId"], "--output", str(file))
    assert (told["runId"], told["file"]) == (run["runId"], str(file))
    assert olga.run("evidence", "verify", str(file)).exit_code == 0
    again = olga.run("evidence", "export", run["executionId"], "--output", str(file))
    assert (again.exit_code, again.stdout) == (2, "")
    assert "it cannot be written (File exists)" in again.stderr


def test_an_export_that_is_refused_leaves_no_file(
    world: World, run: JsonObject, tmp_path: Path
) -> None:
    fiona, file = Commander.of(world.fiona), tmp_path / "evidence.zip"
    assert "FORBIDDEN" in fiona.refused(
        "evidence", "export", run["executionId"], "--output", str(file)
    )
    assert not file.exists()
