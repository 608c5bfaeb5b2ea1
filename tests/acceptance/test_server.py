"""The server as an operator meets it: start, health, stop, and everything wrong said at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forking import run_to_end
from tests.processes import GATEWAY, HTTP, ROOT, stop
from tests.world import World, make_world


def serve(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start a server that must refuse to start."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    env.update({"GATEWAY_DATA_DIR": str(tmp_path / "data"), "GATEWAY_PORT": "0", **settings})
    return run_to_end([*GATEWAY, "serve"], cwd=ROOT, env=env)


def test_it_is_healthy_and_ready(world: World) -> None:
    assert HTTP.get(f"{world.gateway.url}/healthz").json() == {"status": "ok"}
    ready = HTTP.get(f"{world.gateway.url}/readyz")
    assert ready.status_code == 200
    assert ready.json()["policyVersion"].startswith("sha256:")


def test_a_browser_gets_a_page_and_nothing_from_elsewhere(world: World) -> None:
    page = HTTP.get(f"{world.gateway.url}/graphql", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert "http://" not in page.headers["content-security-policy"]
    assert "https://" not in page.headers["content-security-policy"]


def test_nobody_is_sent_elsewhere_with_what_was_meant_for_us(world: World) -> None:
    for path in ("/graphql/", "/healthz/", "/access/v1/evaluation/"):
        answer = HTTP.post(f"{world.gateway.url}{path}", json={"query": "{ __typename }"})
        assert (answer.status_code, "location" in answer.headers) == (404, False)


def test_sigterm_signs_a_last_checkpoint_and_exits_with_0(own_world: World) -> None:
    own_world.submit()
    assert own_world.gateway.stop(signal.SIGTERM) == 0
    verified = own_world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout
    assert "1 checkpoints" in verified.stdout
    assert ", 0 came later" in verified.stdout


def test_every_wrong_setting_is_named_with_its_remedy(tmp_path: Path) -> None:
    refused = serve(tmp_path, GATEWAY_PORT="many", GATEWAY_INTROSPECTION="maybe", GATEWAY_PROT="1")
    assert refused.returncode == 2
    for told in ("GATEWAY_PORT", "'many'", "GATEWAY_INTROSPECTION", "'maybe'", "on, admin or off",
                 "GATEWAY_PROT"):  # fmt: skip
        assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_every_fault_of_contract_files_is_named_with_its_place(tmp_path: Path) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "one.yaml").write_text("key: shop.one\nversion: x\nkind: command\n")
    (schema / "two.yaml").write_text("key: [\n")
    refused = serve(tmp_path, GATEWAY_SCHEMA_DIR=str(schema))
    assert refused.returncode == 2
    assert "one.yaml:2:" in refused.stderr
    assert "two.yaml:" in refused.stderr
    assert "CONTRACT_FIELD_MISSING" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_contract_without_a_handler_stops_the_start(tmp_path: Path) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "idle.yaml").write_text(
        "key: shop.idle\nversion: 1.0.0\nkind: command\ntitle: Idle\ndescription: Does nothing.\n"
        "domain: shop\nowners: [shop]\ninput: {id: ID!}\noutput: {id: ID!}\npolicy: {auth: user}\n"
    )
    refused = serve(tmp_path, GATEWAY_SCHEMA_DIR=str(schema))
    assert refused.returncode == 2
    assert "CONTRACT_WITHOUT_HANDLER" in refused.stderr


def test_every_fault_of_policy_files_is_named_with_its_place(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    for file in (ROOT / "policies").glob("*.c*"):
        (policies / file.name).write_text(file.read_text())
    with (policies / "access.csv").open("a") as access:
        access.write("p, user, *, auth:user, call, alow\nq, what\n")
    refused = serve(tmp_path, GATEWAY_POLICY_DIR=str(policies))
    assert refused.returncode == 2
    lines = (policies / "access.csv").read_text().count("\n")
    assert f"access.csv:{lines - 1}:" in refused.stderr
    assert f"access.csv:{lines}:" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_in_use_is_told_with_its_setting(world: World, tmp_path: Path) -> None:
    refused = serve(tmp_path, GATEWAY_PORT=world.gateway.url.rpartition(":")[2])
    assert refused.returncode == 2
    assert "GATEWAY_PORT" in refused.stderr


def test_the_doctor_finds_it_well(world: World) -> None:
    port = world.gateway.url.rpartition(":")[2]
    done = world.gateway.command("doctor", "--port", port)
    assert done.returncode == 0, done.stdout
    assert f"ok\tport\ta gateway serves on 127.0.0.1:{port}" in done.stdout
    assert "Traceback" not in done.stderr


def test_token_issue_prints_the_token_alone(world: World) -> None:
    issued = world.gateway.command(
        "token",
        "issue",
        "--subject",
        "ann",
        "--role",
        "admin",
        "--workspace",
        "acme",
        "--ttl",
        "5m",
    )
    assert issued.returncode == 0
    assert issued.stdout.count("\n") == 1
    assert issued.stdout.count(".") == 2
    answer = HTTP.post(
        f"{world.gateway.url}/graphql",
        json={"query": "{ controlPlaneExecutionList(input: {}) { total } }"},
        headers={"authorization": f"Bearer {issued.stdout.strip()}"},
    )
    assert "errors" not in answer.json()


MALFORMED = [
    (b"", 400),
    (b"not json", 400),
    (b"[]", 422),
    (b"1", 422),
    (b'"x"', 422),
    (b"null", 422),
    (b"\xff\xfe", 400),
    (b'{"query": "{ __typename }", "query": "{ __typename }"}', 400),
    (b'{"query": "{ __typename }", "variables": {"a": NaN}}', 400),
    (b'{"query": "{ __typename }", "variables": {"a": 1e999}}', 400),
    (b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}', 400),
    (b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}", 400),
    (b'{"query": "query A { __typename } query B { __typename }"}', 422),
    (b'{"query": "{"}', 400),
    (b'{"query": "{ nothing }"}', 422),
    (b'{"query": 7}', 422),
    (b'{"query": "' + b"a" * 300_000 + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), MALFORMED)
def test_a_malformed_request_gets_a_problem(world: World, body: bytes, status: int) -> None:
    answer = HTTP.post(
        f"{world.gateway.url}/graphql", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status
    told = answer.json()
    assert "data" not in told
    extensions = told["errors"][0]["extensions"]
    assert extensions["problem"]["code"] == extensions["code"]
    assert extensions["problem"]["status"] == extensions["http"]["status"] == status


def test_malformed_requests_leave_nothing_behind(own_world: World) -> None:
    for body, _ in MALFORMED:
        HTTP.post(
            f"{own_world.gateway.url}/graphql",
            content=body,
            headers={"content-type": "application/json"},
        )
    verified = own_world.gateway.command("audit", "verify")
    assert verified.stdout.startswith("1 entries"), verified.stdout
    assert "Traceback" not in own_world.gateway.log()


def test_several_gateways_run_side_by_side(world: World, tmp_path: Path) -> None:
    other = make_world(tmp_path)
    try:
        assert other.gateway.url != world.gateway.url
        assert other.submit()["status"] == world.submit()["status"] == "RECEIVED"
    finally:
        for process in (other.gateway.process, other.service.process):
            assert process is not None
            stop(process)


def test_the_module_and_the_command_are_the_same() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "--version"],
        capture_output=True, text=True, timeout=30, check=True, cwd=ROOT,
    )  # fmt: skip
    assert shown.stdout.startswith("gateway, version ")
