"""What nobody can mean, and places that cannot be written: told in words, without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal.migrations import migrate_sqlite

TOO_LONG = "a" * 300
NO_TEXT = "\udcff"
"""How Python hands over a byte that is not UTF-8."""


def run(*arguments: str, **settings: str) -> Result:
    told = {"GATEWAY_TOKEN": "a.b.c", "GATEWAY_URL": "http://127.0.0.1:9", **settings}
    return CliRunner().invoke(main, list(arguments), env=told, catch_exceptions=False)


@pytest.mark.parametrize("url", ["http://xn--/", "http://a.xn--b", "https://" + "a" * 80 + ".org"])
def test_a_host_that_nobody_can_have_is_told(url: str) -> None:
    done = run("execution", "list", "--url", url)
    assert done.exit_code == 1
    assert "SERVER_UNREACHABLE" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("execution", "show", NO_TEXT),
        ("execution", "approve", NO_TEXT),
        ("policy", "explain", "a.b.c", "--arguments", "nan.json"),
    ],
)
def test_what_json_has_no_form_for_is_not_sent(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nan.json").write_text('{"amount": NaN}')
    done = run(*arguments)
    assert done.exit_code == 1
    assert "/variables: INVALID_FORMAT" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("execution", "start"),
        ("policy", "explain", "a.b.c", "--arguments"),
        ("execution", "reconcile", "exec_1", "step_1", "done", "--note", "seen", "--output"),
    ],
)
def test_an_object_that_says_something_twice_is_not_sent(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "twice.json").write_text('{"refund": {"amount": 1,\n "amount": 250}}')
    done = run(*command, str(tmp_path / "twice.json"))
    assert done.exit_code == 1
    assert "twice.json:2:2: CONTRACT_SYNTAX: the key 'amount' is here twice" in done.stderr


@pytest.mark.parametrize("digest", ["5", '"\\ud800"'])
def test_a_manifest_whose_names_are_no_texts_is_told(digest: str, tmp_path: Path) -> None:
    manifest, archive = tmp_path / "manifest.json", tmp_path / "desk.zip"
    manifest.write_text(
        f'{{"skill": {{"key": "a", "version": "1.0.0"}}, "artifact": {{"digest": {digest}}}}}'
    )
    archive.write_bytes(b"PK")
    done = run("skill", "install", str(manifest), "--artifact", str(archive))
    assert done.exit_code == 2
    assert "it names no skill, version or artifact" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("init", "/"), "CONFLICT"),
        (("policy", "diff", TOO_LONG, TOO_LONG), "NOT_FOUND"),
        (("policy", "impact", TOO_LONG), "NOT_FOUND"),
        (("contracts", "new", "a.b.c", "--folder", TOO_LONG), "NOT_FOUND"),
        (("policy", "export", TOO_LONG, "--revision", "files"), "PRECONDITION_FAILED"),
    ],
)
def test_a_name_that_no_new_folder_can_have_is_told(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = run(*arguments, GATEWAY_DATA_DIR=str(tmp_path / "data"))
    assert done.exit_code == 1
    assert told in done.stderr


@pytest.fixture
def record(tmp_path: Path) -> str:
    """The data folder of an empty record."""
    migrate_sqlite(tmp_path / "gateway.db")
    return str(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("policy", "activate", NO_TEXT),
        ("policy", "diff", NO_TEXT, "store"),
        ("policy", "export", "out", "--revision", NO_TEXT),
        ("policy", "impact", NO_TEXT),
        ("policy", "test", "--revision", NO_TEXT),
    ],
)
def test_what_no_database_could_be_asked_for_is_not_there(
    arguments: tuple[str, ...], record: str
) -> None:
    done = run(*arguments, GATEWAY_DATA_DIR=record)
    assert done.exit_code == 1
    assert "NOT_FOUND" in done.stderr
    assert "\\udcff" in done.stderr


def test_a_title_that_no_page_can_hold_is_told(tmp_path: Path) -> None:
    done = run("contracts", "docs", str(tmp_path / "out"), "--title", NO_TEXT)
    assert done.exit_code == 1
    assert "--title: INVALID_FORMAT" in done.stderr
    assert not (tmp_path / "out").exists()


def test_answers_that_are_no_text_are_told(tmp_path: Path) -> None:
    arguments = ["contracts", "new", "a.b.c", "--folder", str(tmp_path)]
    done = CliRunner().invoke(main, arguments, input=b"\xff\n", catch_exceptions=False)
    assert done.exit_code == 2
    assert "is not UTF-8" in done.stderr


def in_a_process(redirected: str) -> subprocess.CompletedProcess[str]:
    command = f'"{sys.executable}" -m gateway.cli completion bash {redirected}'
    return subprocess.run(  # noqa: S602 (the shell redirects)
        command, shell=True, text=True, capture_output=True, timeout=60, check=False
    )


def test_a_standard_output_that_is_full_is_told() -> None:
    if not os.path.exists("/dev/full"):  # noqa: PTH110 (a device)
        pytest.skip("only Linux has a device that is always full")
    done = in_a_process(">/dev/full")
    assert done.returncode == 1
    assert done.stderr == "gateway: what was told cannot be written: No space left on device.\n"


@pytest.mark.parametrize("redirected", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_take_nothing_and_end_nothing(redirected: str) -> None:
    done = in_a_process(redirected)
    assert (done.returncode, done.stderr) == (0, "")
