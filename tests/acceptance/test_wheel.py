"""The wheel, installed where nothing else is, serves as the checkout does."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
LISTENING = re.compile(r"gateway listening on (http://127\.0\.0\.1:\d+)")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SUBMIT = """
mutation ($input: ControlPlaneIntentSubmitInput!) {
  controlPlaneIntentSubmit(input: $input) { executionId intentId status }
}
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, env=clean(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def clean() -> dict[str, str]:
    """The environment without settings of ours and without the checkout on any path."""
    mine = ("GATEWAY_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command, in an environment that held nothing before."""
    home = tmp_path_factory.mktemp("installed")
    # Our own pip installs, and what is imported is compiled then: a pip for this environment, and
    # compiling all that is installed, would take half of the time of these tests.
    run(sys.executable, "-m", "venv", "--without-pip", home / "env", cwd=home)
    pip = [sys.executable, "-m", "pip", "--python", home / "env" / "bin" / "python"]
    pip += ["install", "--quiet", "--no-compile"]
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.lock", cwd=home)
    run(*pip, "--no-deps", "--no-index", wheel, cwd=home)
    return home / "env" / "bin" / "gateway"


@pytest.fixture
def served(command: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that runs from the wheel, in a folder of its own."""
    said = tmp_path / "stderr"
    with (
        said.open("w") as stderr,
        subprocess.Popen(
            [command, "serve", "--port", "0", "--data-dir", tmp_path / "data"],
            cwd=tmp_path,
            env=clean(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield address(process, said)
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def address(process: subprocess.Popen[str], said: Path) -> str:
    """What the server says it listens on; it is ended if it says nothing for too long."""
    assert process.stdout
    patience = threading.Timer(START_SECONDS, process.kill)
    patience.start()
    try:
        for line in process.stdout:
            if found := LISTENING.search(line):
                return found.group(1)
    finally:
        patience.cancel()
    raise AssertionError(f"the server said no address:\n{said.read_text(encoding='utf-8')}")


def ask(url: str, query: str, token: str | None = None, **variables: Any) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, headers)  # noqa: S310 our own server
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=10) as response:
        return json.load(response)


def test_the_wheel_carries_the_contracts_and_policies_and_nothing_of_the_checkout(
    wheel: Path,
) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {name for name in names if name.startswith("gateway/shipped_data/")}
    expected = {
        f"gateway/shipped_data/{path.relative_to(ROOT).as_posix()}"
        for folder in ("examples", "schema", "policies")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert shipped == expected
    assert any(name.endswith(".yaml") for name in shipped)
    assert {name.split("/")[0] for name in names} == {
        "gateway",
        next(name.split("/")[0] for name in names if ".dist-info/" in name),
    }


def test_the_installed_wheel_serves_graphql(command: Path, served: str, tmp_path: Path) -> None:
    assert ask(served, "{ __typename }") == {"data": {"__typename": "Query"}}

    issue = ["token", "issue", "--subject", "alice", "--type", "human", "--role", "user"]
    where = ["--workspace", "acme", "--data-dir", str(tmp_path / "data")]
    token = run(command, *issue, *where, cwd=tmp_path).strip()

    answer = ask(served, SUBMIT, token, input={"workspaceId": "acme", "text": "Refund order 7"})
    submitted = answer["data"]["controlPlaneIntentSubmit"]
    assert submitted["executionId"]
    assert submitted["intentId"]
    assert submitted["status"] == "RECEIVED"


def test_the_installed_wheel_migrates_a_record_of_the_first_release(
    command: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        connection.executescript((ROOT / "tests" / "golden" / "journal-v1.sql").read_text())
    told = run(command, "migrate", "--data-dir", tmp_path, cwd=tmp_path)
    assert told.startswith("migrated from schema version 1 to ")


def test_a_new_deployment_comes_from_the_wheel_and_the_commands_complete(
    command: Path, tmp_path: Path
) -> None:
    run(command, "init", "shop", cwd=tmp_path)
    told = json.loads(run(command, "contracts", "lint", "--schema-dir", "shop/schema", "--json",
                          "--policy-dir", "shop/policies", cwd=tmp_path))  # fmt: skip
    assert told["operations"] > 1
    asked = {"COMP_WORDS": "gateway audit ver", "COMP_CWORD": "2"}
    done = subprocess.run(
        [command], cwd=tmp_path, env={**clean(), **asked, "_GATEWAY_COMPLETE": "bash_complete"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "plain,verify\n"
