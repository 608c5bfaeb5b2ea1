"""Signed skills over HTTP: uploaded, installed, called, planned with, disabled."""

import io
import json
import signal
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.skills import digest_of
from tests.acceptance.commanding import Commander
from tests.acceptance.drafts import (
    COMPILE,
    START,
    VERIFY,
    approve,
    ended,
    ids,
    lookup,
    policies,
    waiting,
)
from tests.processes import HTTP, Caller
from tests.unit.skills.skill_kit import (
    JsonObject,
    archive,
    contract_files,
    ed25519,
    manifest,
    packed,
    rsa,
    signed,
    write_trust,
)
from tests.world import World, end_world, make_world, wait_until

KEY, RSA, STRANGER = ed25519(), rsa(), ed25519()

FOUND = "verified signatureVerified publisherTrusted compatibilityVerified manifestDigest"
INSTALL = (
    "controlPlaneSkillInstall",
    f"installationId skillKey version {FOUND} provenance issues {{ code }} status installedAt",
)
DISABLE = ("controlPlaneSkillDisable", "skillKey version status disabledAt")
LIST = (
    "controlPlaneSkillList",
    "items { skillKey version status verified publisher provenance installedAt } total",
)
CHECK = ("controlPlaneSkillVerify", f"{FOUND} issues {{ code message }} reason verifiedAt")


def make(folder: Path) -> World:
    chosen = folder / "policies"
    made = policies(chosen)
    write_trust(chosen, KEY, RSA)
    return make_world(folder, GATEWAY_POLICY_DIR=made)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make(tmp_path_factory.mktemp("skills"))
    yield made
    end_world(made)


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    made = make(tmp_path)
    yield made
    end_world(made)


def skill(
    key: str, version: str = "1.0.0", *, by: Any = KEY, contract: str = "1.0.0", **more: Any
) -> tuple[JsonObject, bytes]:
    """A skill that brings one command; its domain and keys are made of the skill's own key."""
    name = key.partition(".")[2]
    files: dict[str, str | bytes] = {
        path: text.replace("desk.plan", f"{name}.plan").replace("domain: desk", f"domain: {name}")
        for path, text in contract_files(contract, f"{key}@{version}").items()
    }
    return packed({**files, "README.md": "A skill."}, by, manifest(key, version), **more)


def upload(who: Caller, content: bytes, digest: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {who.token}"} if who.token else {}
    url = f"{who.server.url}/skills/artifacts/{digest or digest_of(content)}"
    return HTTP.put(url, content=content, headers=headers, timeout=30)


def asked(body: JsonObject, **more: Any) -> JsonObject:
    """What install and verify take."""
    return {
        "skillKey": body["skill"]["key"],
        "version": body["skill"]["version"],
        "artifactDigest": body["artifact"]["digest"],
        "manifest": body,
        **more,
    }


def install(world: World, key: str, version: str = "1.0.0", **more: Any) -> JsonObject:
    body, content = skill(key, version, **more)
    assert upload(world.olga, content).status_code in (200, 201)
    return world.olga.mutate(*INSTALL, asked(body))


def disable(world: World, key: str, version: str | None = None) -> JsonObject:
    value = {"skillKey": key, "disabledBy": "olga"}
    return world.olga.mutate(*DISABLE, {**value, **({"version": version} if version else {})})


def stop(name: str, **more: object) -> JsonObject:
    """A step of the skill's command: an agent needs an approval for it."""
    value = {"subscriptionId": "s-1"}
    return {"key": "stop", "contract": f"{name}.plan.stop", "input": value, **more}


def listed(world: World, **more: Any) -> dict[tuple[str, str], JsonObject]:
    items = world.olga.query(*LIST, {"limit": 200, **more})["items"]
    return {(item["skillKey"], item["version"]): item for item in items}


def compile_refused(who: Caller, workspace: str, steps: list[JsonObject]) -> list[str]:
    """The codes of the issues with which a draft is refused."""
    value = {"workspaceId": workspace, "text": "x"}
    intent = who.mutate("controlPlaneIntentSubmit", "executionId intentId", value)
    told = who.refused(*COMPILE, {**intent, "draft": {"steps": steps}})
    return [issue["code"] for issue in told["problem"]["issues"]]


def announced(world: World, kind: str) -> list[JsonObject]:
    """The payloads of the workspace's events of a type."""
    value = {"filter": {"types": [f"controlPlane.skill.{kind}"]}, "limit": 200}
    found = world.olga.query("controlPlaneEventList", "items { type payload }", value)
    return [item["payload"] for item in found["items"]]


def test_an_installed_skill_is_called_and_planned_with_at_once(world: World) -> None:
    value = {"subscriptionId": "s-1"}
    early = world.olga.refused("helloPlanStop", "status", value)
    assert early["code"] == "GRAPHQL_VALIDATION_FAILED"
    done = install(world, "acme.hello")
    assert done["status"] == "INSTALLED"
    assert done["verified"]
    assert done["signatureVerified"]
    assert done["publisherTrusted"]
    assert done["compatibilityVerified"]
    assert done["issues"] == []
    found = world.olga.mutate("helloPlanStop", "subscriptionId status", value)
    assert found == {"subscriptionId": "s-1", "status": "CANCELLED"}
    run = waiting(world, [lookup(), stop("hello", dependsOn=["order"])])
    approve(world.fiona, "fiona", run)
    assert ended(world, run) == "COMPLETED"
    assert world.step(run["executionId"], "stop")["output"]["status"] == "CANCELLED"
    exporting = {"runId": run["runId"], "exportedBy": "olga"}
    world.olga.mutate("controlPlaneExecutionEvidenceExport", "evidenceBundleCount", exporting)
    headers = {"authorization": f"Bearer {world.olga.token}"}
    bundle = HTTP.get(f"{world.gateway.url}/evidence/{run['runId']}", headers=headers).content
    with zipfile.ZipFile(io.BytesIO(bundle)) as exported:
        texts = [exported.read(name).decode("utf-8", "replace") for name in exported.namelist()]
    assert any("/subscriptions/{subscriptionId}/cancellation" in text for text in texts)
    item = listed(world)["acme.hello", "1.0.0"]
    assert item["verified"]
    assert item["publisher"] == "acme"
    assert item["installedAt"] == done["installedAt"]


@pytest.mark.parametrize("key", [KEY, RSA], ids=["ed25519", "rsa"])
def test_either_algorithm_is_taken_for_a_skill_without_files(world: World, key: Any) -> None:
    name = "acme.plain.e" if key is KEY else "acme.plain.r"
    body = signed(manifest(name), key)
    assert world.olga.mutate(*INSTALL, asked(body))["verified"]


def test_verify_says_what_an_installation_would_find_and_installs_nothing(world: World) -> None:
    body, content = skill("acme.looked")
    early = world.olga.query(*CHECK, asked(body))
    assert early["verified"]
    assert "Upload it" in early["reason"]
    upload(world.olga, content)
    found = world.olga.query(*CHECK, asked(body))
    assert found["verified"]
    assert found["issues"] == []
    assert found["reason"] is None
    forged = signed(body, STRANGER)
    found = world.olga.query(*CHECK, asked(forged))
    assert [one["code"] for one in found["issues"]] == ["SIGNATURE_INVALID", "KEY_UNTRUSTED"]
    assert not found["verified"]
    assert ("acme.looked", "1.0.0") not in listed(world)


def expired() -> JsonObject:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    late = {"issued_at": long_ago, "expires_at": long_ago + timedelta(days=1)}
    return signed(manifest("acme.refused"), KEY, **late)


REJECTED = {
    "SIGNATURE_INVALID": (lambda: signed(manifest("acme.refused"), STRANGER), 400),
    "SIGNATURE_MISSING": (lambda: manifest("acme.refused"), 400),
    "SIGNATURE_EXPIRED": (expired, 400),
    "SCHEMA_VERSION_INVALID": (
        lambda: signed(manifest("acme.refused", schemaVersion="3.0.0"), KEY), 400,
    ),
    "MANIFEST_INVALID": (
        lambda: signed(manifest("acme.refused", artifact={"digest": "md5:1"}), KEY), 400,
    ),
    "PUBLISHER_UNTRUSTED": (
        lambda: signed(
            manifest("acme.refused", publisher={"id": "evil", "provenance": "https://x"}), KEY
        ),
        403,
    ),
    "KEY_UNTRUSTED": (lambda: signed(manifest("acme.refused"), KEY, key_id="other"), 403),
    "PROVENANCE_UNTRUSTED": (
        lambda: signed(
            manifest("acme.refused", publisher={"id": "acme", "provenance": "https://x"}), KEY
        ),
        403,
    ),
    "CAPABILITY_MISSING": (
        lambda: signed(
            manifest("acme.refused", compatibility={"requiredCapabilities": [{"key": "no.one"}]}),
            KEY,
        ),
        409,
    ),
    "CONTROL_PLANE_TOO_OLD": (
        lambda: signed(
            manifest(
                "acme.refused", compatibility={"controlPlaneFeature": {"minVersion": "1.0.1"}}
            ),
            KEY,
        ),
        409,
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", REJECTED)
def test_what_does_not_hold_is_rejected_and_says_so(world: World, code: str) -> None:
    make_body, status = REJECTED[code]
    body = make_body()
    before = len(announced(world, "rejected"))
    told = world.olga.refused(*INSTALL, asked(body))
    assert told["code"] == code
    assert told["http"]["status"] == status
    assert code in [issue["code"] for issue in told["problem"]["issues"]]
    assert ("acme.refused", "1.0.0") not in listed(world, includeDisabled=True)
    events = announced(world, "rejected")
    assert len(events) == before + 1
    event = next(one for one in events if one["issues"][0]["code"] == code)
    assert event["skillKey"] == "acme.refused"
    assert event["reason"] == event["issues"][0]["message"]
    assert event["provenance"] == body["publisher"]["provenance"]


def test_a_rejected_installation_does_not_squat_its_version(world: World) -> None:
    body, content = skill("acme.squat")
    upload(world.olga, content)
    forged = {**body, "publisher": {**body["publisher"], "provenance": "https://evil.example"}}
    told = world.olga.refused(*INSTALL, asked(forged), key="squat-1")
    assert told["code"] == "SIGNATURE_INVALID"
    done = world.olga.mutate(*INSTALL, asked(body), key="squat-2")
    assert done["status"] == "INSTALLED"
    assert world.olga.mutate(*INSTALL, asked(body), key="squat-2") == done
    installed = [one for one in announced(world, "installed") if one["skillKey"] == "acme.squat"]
    assert installed == [
        {
            "installationId": done["installationId"],
            "skillKey": "acme.squat",
            "version": "1.0.0",
            "installedAt": done["installedAt"],
            "publisher": "acme",
            "provenance": body["publisher"]["provenance"],
            "manifestDigest": done["manifestDigest"],
        }
    ]


def test_a_version_means_one_manifest_for_good(world: World) -> None:
    body, content = skill("acme.once")
    upload(world.olga, content)
    first = world.olga.mutate(*INSTALL, asked(body))
    told = world.olga.refused(*INSTALL, asked(body))
    assert told["code"] == "CONFLICT"
    assert "INSTALLED already" in told["problem"]["detail"]
    other = signed(manifest("acme.once", metadata={"changed": True}), KEY)
    for state in ("INSTALLED", "DISABLED"):
        told = world.olga.refused(*INSTALL, asked(other))
        assert told["code"] == "CONFLICT"
        assert first["manifestDigest"] in told["problem"]["detail"]
        assert state in told["problem"]["detail"]
        if state == "INSTALLED":
            disable(world, "acme.once")
    again = world.olga.mutate(*INSTALL, asked(body))
    assert again["status"] == "INSTALLED"
    assert again["installationId"] != first["installationId"]
    assert world.olga.mutate("oncePlanStop", "status", {"subscriptionId": "s-1"})


def test_the_artifact_must_be_here_first(world: World) -> None:
    body, content = skill("acme.early")
    told = world.olga.refused(*INSTALL, asked(body))
    assert told["code"] == "PRECONDITION_FAILED"
    assert "PUT /skills/artifacts/" in told["problem"]["detail"]
    upload(world.olga, content)
    assert world.olga.mutate(*INSTALL, asked(body))["verified"]


def test_an_archive_is_exactly_what_its_manifest_lists(world: World) -> None:
    body, _ = skill("acme.listed")
    content = archive({"contracts/stop.yaml": "other", "more.txt": "unlisted"})
    artifact = {**body["artifact"], "digest": digest_of(content)}
    upload(world.olga, content)
    told = world.olga.refused(*INSTALL, asked(signed({**body, "artifact": artifact}, KEY)))
    assert told["code"] == "ARTIFACT_DIGEST_MISMATCH"
    assert told["http"]["status"] == 409
    details = " ".join(issue["message"] for issue in told["problem"]["issues"])
    assert "'contracts/stop.yaml' in the archive is not the file" in details
    assert "'more.txt', which the manifest does not list" in details


def test_contracts_that_a_skill_may_not_bring_are_all_told_with_their_place(world: World) -> None:
    text = contract_files("1.0.0", "acme.bad@1.0.0")["contracts/stop.yaml"]
    text = text.replace("desk.plan.stop", "controlPlane.plan.stop")
    text = text.replace("domain: desk", "domain: control-plane")
    body, content = packed({"contracts/a.yaml": text}, KEY, manifest("acme.bad"))
    upload(world.olga, content)
    told = world.olga.refused(*INSTALL, asked(body))
    assert told["code"] == "MANIFEST_INVALID"
    details = [issue["message"] for issue in told["problem"]["issues"]]
    assert any("contracts/a.yaml:1:6" in one and "'controlPlane'" in one for one in details)
    assert any("'control-plane' is the gateway's own" in one for one in details)
    assert any("CONTRACT_REFERENCE_UNKNOWN" in one for one in details)


def test_a_disabled_skill_is_gone_for_new_plans_and_calls(world: World) -> None:
    install(world, "acme.gone")
    compiled = world.compile([stop("gone")])
    planned = world.compile([stop("gone")])
    world.verify(planned)
    done = disable(world, "acme.gone")
    assert done["status"] == "DISABLED"
    assert compile_refused(world.agent, "acme", [stop("gone")]) == ["UNKNOWN_CONTRACT"]
    told = world.olga.refused(*VERIFY, ids(compiled))
    assert told["code"] == "PRECONDITION_FAILED"
    told = world.olga.refused(*START, ids(planned))
    assert told["code"] == "PRECONDITION_FAILED"
    assert "skill is disabled" in told["problem"]["detail"]
    told = world.olga.refused("gonePlanStop", "status", {"subscriptionId": "s-1"})
    assert told["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert ("acme.gone", "1.0.0") not in listed(world)
    item = listed(world, includeDisabled=True)["acme.gone", "1.0.0"]
    assert item["status"] == "DISABLED"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_keeps_the_version_that_it_was_compiled_with(
    own_world: World, how: signal.Signals
) -> None:
    world = own_world
    install(world, "acme.kept")
    run = waiting(world, [stop("kept")])
    disable(world, "acme.kept")
    install(world, "acme.kept", "2.0.0", contract="2.0.0")
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    world.gateway.stop(how)
    world.gateway.start()
    assert world.olga.mutate("keptPlanStop", "status", {"subscriptionId": "s-1"})
    approve(world.fiona, "fiona", run)
    assert ended(world, run) == "COMPLETED"
    step = world.step(run["executionId"], "stop")
    assert step["contract"] == "kept.plan.stop@1.0.0"
    assert step["riskTier"] == "MEDIUM"
    value = {"executionId": run["executionId"]}
    replayed = world.olga.query("controlPlaneTraceReplay", "identical differences { path }", value)
    assert replayed == {"identical": True, "differences": []}
    steps = [{**stop("kept"), "contract": "kept.plan.stop@1.0.0"}]
    assert compile_refused(world.agent, "acme", steps) == ["UNKNOWN_CONTRACT"]
    assert not world.gateway.log().count("ERROR")


def test_versions_of_a_skill_stand_side_by_side(world: World) -> None:
    install(world, "acme.both")
    install(world, "acme.both", "2.0.0", contract="2.0.0")
    value = {"subscriptionId": "s-1"}
    fields = ("bothPlanStop", "bothPlanStopV1", "bothPlanStopV2")
    calls = " ".join(f'{field}(input: {{subscriptionId: "s-1"}}) {{ status }}' for field in fields)
    done = {"status": "CANCELLED"}
    both = world.olga.send(f"mutation {{ {calls} }}").json()
    assert both == {"data": dict.fromkeys(fields, done)}
    disable(world, "acme.both", "2.0.0")
    assert world.olga.mutate("bothPlanStop", "status", value) == done
    gone = world.olga.send(f"mutation {{ {calls} }}").json()["errors"]
    assert {one["extensions"]["code"] for one in gone} == {"GRAPHQL_VALIDATION_FAILED"}


def test_a_skill_belongs_to_the_workspace_that_installed_it(world: World) -> None:
    install(world, "acme.mine")
    omar = world.gateway.caller("omar", "admin", workspace="globex")
    value = {"subscriptionId": "s-1"}
    assert omar.refused("minePlanStop", "status", value)["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert compile_refused(omar, "globex", [stop("mine")]) == ["UNKNOWN_CONTRACT"]
    assert omar.query(*LIST, {"includeDisabled": True}) == {"items": [], "total": 0}
    told = omar.refused(*DISABLE, {"skillKey": "acme.mine", "disabledBy": "omar"})
    assert told["code"] == "NOT_FOUND"
    assert world.olga.mutate("minePlanStop", "status", value)
    body, content = skill("acme.mine")
    upload(omar, content)
    assert omar.mutate(*INSTALL, asked(signed(body, RSA)))["verified"]
    assert omar.mutate("minePlanStop", "status", value) == {"status": "CANCELLED"}


def test_an_expired_skill_is_gone_without_a_restart(own_world: World) -> None:
    world = own_world
    ends = datetime.now(UTC) + timedelta(seconds=8)
    done = install(world, "acme.brief", issued_at=ends - timedelta(days=1), expires_at=ends)
    assert done["verified"]
    value = {"subscriptionId": "s-1"}
    assert world.olga.mutate("briefPlanStop", "status", value)
    wait_until(lambda: datetime.now(UTC) > ends, 20)
    assert (
        "errors"
        in world.olga.send(
            "mutation { briefPlanStop(input: {subscriptionId: 1}) { status } }"
        ).json()
    )
    assert compile_refused(world.agent, "acme", [stop("brief")]) == ["UNKNOWN_CONTRACT"]
    assert not listed(world)["acme.brief", "1.0.0"]["verified"]
    renewed = install(world, "acme.brief")
    assert renewed["manifestDigest"] == done["manifestDigest"]
    assert world.olga.mutate("briefPlanStop", "status", value)


def test_what_is_not_trusted_any_more_is_not_offered_after_a_restart(own_world: World) -> None:
    world = own_world
    install(world, "acme.lost")
    world.gateway.stop()
    write_trust(Path(world.gateway.env["GATEWAY_POLICY_DIR"]), STRANGER)
    world.gateway.start()
    told = world.olga.refused("lostPlanStop", "status", {"subscriptionId": "s-1"})
    assert told["code"] == "GRAPHQL_VALIDATION_FAILED"
    item = listed(world)["acme.lost", "1.0.0"]
    assert (item["status"], item["verified"]) == ("INSTALLED", False)


def test_a_trust_policy_with_faults_stops_the_start(own_world: World) -> None:
    own_world.gateway.stop()
    file = Path(own_world.gateway.env["GATEWAY_POLICY_DIR"]) / "skills.yaml"
    file.write_text("publishers: [{id: acme, publicKeys: [x], provenancePrefixes: ['https://']}]")
    refused = own_world.gateway.command("serve", "--port", "0")
    assert refused.returncode == 2
    assert refused.stderr.count("TRUST_POLICY_INVALID") == 2
    assert "skills.yaml:1:" in refused.stderr


def test_only_admins_install_disable_list_verify_and_upload(world: World) -> None:
    body, content = skill("acme.denied")
    for who in (world.agent, world.fiona):
        assert who.refused(*INSTALL, asked(body))["code"] == "FORBIDDEN"
        assert who.refused(*CHECK, asked(body), kind="query")["code"] == "FORBIDDEN"
        assert who.refused(*LIST, {}, kind="query")["code"] == "FORBIDDEN"
        value = {"skillKey": "acme.hello", "disabledBy": "fiona"}
        assert who.refused(*DISABLE, value)["code"] == "FORBIDDEN"
        answer = upload(who, content)
        assert answer.status_code == 403
        assert answer.json()["code"] == "FORBIDDEN"
    answer = upload(world.gateway.anonymous(), content)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_inputs_that_are_malformed_or_in_a_wrong_state_are_refused(world: World) -> None:
    olga = world.olga
    body, _ = skill("acme.form")
    told = olga.refused(*INSTALL, {**asked(body), "manifest": {"schemaVersion": "1.0.0"}})
    assert told["http"]["status"] in (400, 422)
    value = {"skillKey": "acme.none", "disabledBy": "olga"}
    assert olga.refused(*DISABLE, value)["code"] == "NOT_FOUND"
    assert olga.refused(*DISABLE, {**value, "disabledBy": "fiona"})["code"] == "FORBIDDEN"
    assert olga.refused(*LIST, {"limit": 0}, kind="query")["code"] == "VALIDATION_FAILED"
    told = olga.refused(*INSTALL, {**asked(body), "version": "9.9.9"})
    assert told["code"] == "MANIFEST_INVALID"
    install(world, "acme.twice")
    disable(world, "acme.twice")
    value = {"skillKey": "acme.twice", "disabledBy": "olga"}
    assert olga.refused(*DISABLE, value)["code"] == "CONFLICT"


def test_uploads_are_held_to_their_digest_and_size(world: World) -> None:
    content = archive({"a.txt": "one"})
    assert upload(world.olga, content).status_code == 201
    assert upload(world.olga, content).status_code == 200
    answer = upload(world.olga, content, f"sha256:{'0' * 64}")
    assert (answer.status_code, answer.json()["code"]) == (409, "ARTIFACT_DIGEST_MISMATCH")
    for wrong in ("sha256:abc", "0" * 64, "sha256:..%2F..%2Fgateway.db"):
        answer = upload(world.olga, content, wrong)
        assert answer.status_code in (404, 422), answer.text
    large = upload(world.olga, b"x" * (8 * 1024 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    got = HTTP.get(f"{world.gateway.url}/skills/artifacts/{digest_of(content)}")
    assert got.status_code == 405
    kept = sorted(path.name for path in (world.gateway.data_dir / "skills").iterdir())
    assert f"{digest_of(content).removeprefix('sha256:')}.zip" in kept
    assert not [name for name in kept if name.startswith(".")]


def test_of_concurrent_installations_of_one_version_one_holds(world: World) -> None:
    bodies = [
        signed(manifest("acme.race", metadata={"number": number}), KEY) for number in range(6)
    ]
    answers: list[JsonObject] = []

    def send(body: JsonObject) -> None:
        declared = "mutation ($input: ControlPlaneSkillInstallInput!)"
        query = f"{declared} {{ controlPlaneSkillInstall(input: $input) {{ manifestDigest }} }}"
        answers.append(world.olga.send(query, {"input": asked(body)}).json())

    threads = [threading.Thread(target=send, args=[body]) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [one["errors"][0]["extensions"]["code"] for one in answers if "errors" in one]
    assert refused == ["CONFLICT"] * 5
    assert ("acme.race", "1.0.0") in listed(world)


def test_the_record_verifies_and_rebuilds_with_skills_in_it(own_world: World) -> None:
    world = own_world
    install(world, "acme.record")
    disable(world, "acme.record")
    world.olga.refused(*INSTALL, asked(signed(manifest("acme.other"), STRANGER)))
    before = listed(world, includeDisabled=True)
    world.gateway.stop()
    assert world.gateway.command("audit", "verify").returncode == 0
    assert world.gateway.command("journal", "rebuild").returncode == 0
    world.gateway.start()
    assert listed(world, includeDisabled=True) == before


def test_the_command_installs_and_lists(world: World, tmp_path: Path) -> None:
    body, content = skill("acme.commanded")
    manifest_file, artifact = tmp_path / "manifest.json", tmp_path / "skill.zip"
    manifest_file.write_text(json.dumps(body))
    artifact.write_bytes(content)
    olga = Commander.of(world.olga)
    done = olga.ask("skill", "install", str(manifest_file), "--artifact", str(artifact))
    assert (done["skillKey"], done["status"]) == ("acme.commanded", "INSTALLED")
    rows = [line.split("\t") for line in olga.run("skill", "list").stdout.splitlines()]
    assert ["acme.commanded", "1.0.0", "INSTALLED", "acme"] in [row[:4] for row in rows]
    assert "FORBIDDEN" in Commander.of(world.fiona).refused("skill", "list")


def test_the_command_tells_why_a_skill_or_an_archive_is_refused(
    world: World, tmp_path: Path
) -> None:
    body, content = skill("acme.strange", by=STRANGER)
    manifest_file, artifact = tmp_path / "manifest.json", tmp_path / "skill.zip"
    manifest_file.write_text(json.dumps(body))
    artifact.write_bytes(content + b"more")
    olga = Commander.of(world.olga)
    asked = ("skill", "install", str(manifest_file))
    assert "ARTIFACT_DIGEST_MISMATCH" in olga.refused(*asked, "--artifact", str(artifact))
    artifact.write_bytes(content)
    assert "KEY_UNTRUSTED" in olga.refused(*asked, "--artifact", str(artifact))
    manifest_file.write_text("{}")
    refused = olga.run(*asked)
    assert (refused.exit_code, "names no skill" in refused.stderr) == (2, True)
