"""``gateway init``: a new deployment folder starts, and its contract can be called."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.environment import load_settings
from gateway.loading import local_issuer
from gateway.model.principal import PrincipalType
from gateway.scaffold import founding
from gateway.scaffold.drafts import new_draft
from tests.processes import GATEWAY, HTTP, ROOT, start, stop


def init(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["init", str(folder), *more], catch_exceptions=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new deployment."""
    made = tmp_path_factory.mktemp("init") / "My Shop"
    done = init(made)
    assert (done.exit_code, done.stderr) == (0, "")
    return made


@pytest.fixture(scope="module")
def env(folder: Path) -> dict[str, str]:
    """The environment that its .env says, as a shell takes it."""
    told = subprocess.run(
        ["sh", "-c", "set -a; . ./.env; env -0"], cwd=folder, env={"PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = dict(one.split("=", 1) for one in told.split("\0") if one)
    return {**found, "PYTHONPATH": f"{found['PYTHONPATH']}:{ROOT}"}


@pytest.fixture(scope="module")
def url(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """Where it serves."""
    log = folder.parent / "log"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("tests.processes.ROOT", folder)
        process, url = start([*GATEWAY, "serve"], {**env, "GATEWAY_PORT": "0"}, log)
    yield url
    stop(process)


@pytest.mark.parametrize("is_there", [True, False])
def test_every_file_is_durable_before_it_has_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """Else a power cut could leave a deployment of empty files."""
    whole, synced, sync = tmp_path / "shop", set[int](), os.fsync
    if is_there:
        whole.mkdir()

    def noted(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    assert init(whole).exit_code == 0
    written = {path.stat().st_ino for path in (tmp_path, whole, *whole.rglob("*"))}
    assert written <= synced


def test_what_a_killed_command_left_is_removed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("gateway.scaffold.drafts.shutil.rmtree", lambda *_, **__: None)
        patch.setattr(
            "gateway.scaffold.founding._move", lambda *_: Path("/missing").rename(tmp_path / "x")
        )
        assert init(tmp_path / "shop").exit_code == 1
    (left,) = tmp_path.iterdir()
    done = init(tmp_path / "shop", "--json")
    assert json.loads(done.stdout)["removed"] == [str(left)]
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_what_came_into_the_folder_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command may be faster; what it wrote was replaced, and taken away again."""
    whole, put = tmp_path / "shop", founding._put
    whole.mkdir()

    def meanwhile(path: Path, text: str) -> None:
        (whole / "README.md").write_text("of somebody else")
        put(path, text)

    monkeypatch.setattr(founding, "_put", meanwhile)
    done = init(whole)
    assert done.exit_code == 1
    assert f"{whole} is not empty (README.md)" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]
    assert (whole / "README.md").read_text() == "of somebody else"


def test_what_may_be_of_somebody_else_stays(tmp_path: Path) -> None:
    own, empty, there = (tmp_path / name for name in (".shop.0a1b2c3d", ".shop.4a1b2c3d", "there"))
    for made in (own, empty, there):
        made.mkdir()
    (own / "README.md").write_text("mine")
    (own / "diary.txt").write_text("mine")
    (there / "README.md").write_text("mine")
    (tmp_path / ".shop.5a1b2c3d").symlink_to(there)
    with new_draft(tmp_path / "shop") as written:
        (written / "README.md").write_text("half")
        done = init(tmp_path / "shop")
        assert (done.exit_code, "Removed" in done.stdout) == (0, False)
        assert written.is_dir()
    assert own.is_dir()
    assert empty.is_dir()
    assert (there / "README.md").exists()


def test_a_new_deployment_is_well(folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        [*GATEWAY, "doctor", "--json"], cwd=folder, env=env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    found = {one["check"]: one["told"] for one in told["findings"] if one["state"] == "ok"}
    assert found["policy lint"] == "no errors and no warnings"
    assert "policy cases" in found
    assert not (folder / "data").exists()


def test_its_contract_can_be_called(folder: Path, url: str) -> None:
    issuer = local_issuer(load_settings(data_dir=folder / "data"))
    who = {"subject": "ana", "roles": ("user",), "workspace": "acme"}
    token = issuer.issue(type=PrincipalType.HUMAN, ttl=60, **who)
    query = 'mutation { helloGreetingSend(input: {topic: "contracts"}) { text } }'
    assert query.replace('"', '\\"').replace("{", "{{").replace("}", "}}") in readme_template()
    answer = HTTP.post(
        f"{url}/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json() == {"data": {"helloGreetingSend": {"text": "Hello from contracts."}}}


def readme_template() -> str:
    return (ROOT / "gateway" / "scaffold" / "files" / "readme.txt").read_text(encoding="utf-8")


def test_the_container_has_the_same_settings(folder: Path) -> None:
    service = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["gateway"]
    mounted = {volume.split(":")[0].removeprefix("./") for volume in service["volumes"]}
    assert mounted == {"schema", "policies", "handlers", "data", "keys"}
    assert yaml.safe_load((folder / "compose.yaml").read_text())["name"] == "my-shop"


def test_nothing_of_the_example_domain_is_left(folder: Path) -> None:
    for path in (folder / "policies").rglob("*.csv"):
        assert "support." not in path.read_text()
    assert (folder / "policies" / "verdict.csv").read_text().count("\np, ") == 16


def test_what_is_there_stays(folder: Path, tmp_path: Path) -> None:
    before = (folder / ".env").read_bytes()
    done = init(folder)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "CONFLICT" in done.stderr
    assert "is not empty" in done.stderr
    assert (folder / ".env").read_bytes() == before
    (tmp_path / "file").touch()
    assert "is a file" in init(tmp_path / "file").stderr
    assert sorted(path.name for path in folder.parent.iterdir() if path.name != "log") == [
        "My Shop"
    ]


def test_an_empty_folder_is_filled_and_stays_the_same(tmp_path: Path) -> None:
    number = tmp_path.stat().st_ino
    told = json.loads(init(tmp_path, "--json").stdout)
    assert tmp_path.stat().st_ino == number
    assert ".env" in told["files"]
    assert all((tmp_path / name).is_file() for name in told["files"])


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = init(tmp_path / "file" / "new")
    assert (done.exit_code, "cannot be written" in done.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
