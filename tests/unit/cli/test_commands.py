"""The ``gateway`` command, called as a user calls it."""

import base64
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.describing import describe, for_completion
from gateway.cli.main import _SUMMARIES
from gateway.cli.reference import reference
from gateway.settings import SETTINGS

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def issue(tmp_path: Path, *more: str) -> Result:
    who = ["--subject", "alice", "--workspace", "acme", "--data-dir", str(tmp_path / "data")]
    return run("token", "issue", *who, *more)


def claims(token: str) -> dict[str, object]:
    body = token.strip().split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_token_stands_alone_on_standard_output(tmp_path: Path) -> None:
    done = issue(tmp_path, "--type", "agent", "--role", "user", "--role", "planner", "--ttl", "30m")
    assert (done.exit_code, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    told = claims(line)
    assert (told["sub"], told["type"], told["workspace"]) == ("alice", "agent", "acme")
    assert told["roles"] == ["user", "planner"]
    assert told["exp"] - told["iat"] == 1800  # type: ignore[operator] # numbers


def test_a_token_is_for_a_human_user_for_an_hour_unless_asked_otherwise(tmp_path: Path) -> None:
    told = claims(issue(tmp_path).stdout)
    assert (told["type"], told["roles"]) == ("human", ["user"])
    assert told["exp"] - told["iat"] == 3600  # type: ignore[operator] # numbers


@pytest.mark.parametrize("ttl", ["", "1w", "-1h", "1.5h", "h"])
def test_a_length_of_time_that_is_none_is_told(tmp_path: Path, ttl: str) -> None:
    done = issue(tmp_path, "--ttl", ttl)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "30m, 1h or 7d" in done.stderr


def test_claims_that_nobody_would_believe_are_refused_at_once(tmp_path: Path) -> None:
    done = issue(tmp_path, "--workspace", "NO GOOD", "--ttl", "0s")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "/workspace: CLAIM_INVALID" in done.stderr
    assert "/ttl: CLAIM_INVALID" in done.stderr


@pytest.mark.parametrize(
    ("variable", "flag", "value"),
    [
        ("GATEWAY_PORT", "--port", "eighty"),
        ("GATEWAY_POLICY_DIR", "--policy-dir", "/nowhere/at/all"),
        ("GATEWAY_INTROSPECTION", "--introspection", "maybe"),
    ],
)
def test_a_wrong_setting_exits_2_with_name_value_and_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, flag: str, value: str
) -> None:
    by_flag = run("contracts", "lint", flag, value)
    monkeypatch.setenv(variable, value)
    by_environment = run("contracts", "lint")
    for done in (by_flag, by_environment):
        assert (done.exit_code, done.stdout) == (2, "")
        assert value in done.stderr
        assert "Set it to" in done.stderr
        assert "docs/errors/SETTINGS_INVALID.md" in done.stderr
    assert variable in by_environment.stderr


def test_every_wrong_setting_is_told_at_once() -> None:
    done = run("contracts", "lint", "--port", "x", "--introspection", "y")
    assert done.exit_code == 2
    assert "port" in done.stderr.lower()
    assert "introspection" in done.stderr.lower()


def test_the_shipped_contracts_and_policies_are_good() -> None:
    linted = run("contracts", "lint")
    assert linted.exit_code == 0
    assert "no issues" in linted.stdout
    tested = run("policy", "test")
    assert tested.exit_code == 0, tested.stdout
    assert " 0 failed" in tested.stdout
    assert ": 0 cases" not in tested.stdout


def test_a_bad_contract_exits_2_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("key: shop.thing\nkind: command\n")
    done = run("contracts", "lint", "--schema-dir", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "bad.yaml:" in done.stderr
    assert "CONTRACTS_INVALID" in done.stderr


def test_lint_names_the_personal_data_that_a_contract_does_not_declare(tmp_path: Path) -> None:
    (tmp_path / "paid.yaml").write_text(
        "key: shop.paid\nversion: 1.0.0\nkind: event\ntitle: Paid\ndescription: It is paid.\n"
        "domain: shop\nowners: [shop.desk]\npayload:\n  iban: String\n"
    )
    done = run("contracts", "lint", "--schema-dir", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "paid.yaml:9:9" in done.stderr
    assert "CONTRACT_PII_UNDECLARED" in done.stderr
    assert "(financial)" in done.stderr


def test_a_policy_case_that_fails_exits_1_and_is_named(tmp_path: Path) -> None:
    for path in (ROOT / "policies").rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(ROOT / "policies")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text())
    rules = tmp_path / "verdict.csv"
    rules.write_text(rules.read_text().replace("amount <= 100", "amount <= 1"))
    done = run("policy", "test", "--policy-dir", str(tmp_path))
    assert done.exit_code == 1
    assert "FAILED" in done.stdout
    assert "support.yaml" in done.stdout


def test_the_schema_is_printed_as_a_subgraph() -> None:
    done = run("schema", "print", "--subgraph")
    assert done.exit_code == 0
    assert '@link(url: "https://specs.apollo.dev/federation/v2.9"' in done.stdout


def test_the_schema_is_printed_as_it_is_published() -> None:
    done = run("schema", "print")
    assert done.exit_code == 0
    assert "type Mutation" in done.stdout
    assert done.stdout == (ROOT / "schema" / "gateway.graphql").read_text()


def test_the_schema_of_contract_files_is_json() -> None:
    done = run("contracts", "schema")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["$schema"]


def test_verifying_a_record_that_is_not_there_exits_1_with_the_remedy(tmp_path: Path) -> None:
    done = run("audit", "verify", "--data-dir", str(tmp_path / "none"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no record" in done.stderr
    assert "GATEWAY_DATA_DIR" in done.stderr


def test_verifying_a_file_that_is_no_record_exits_1_without_a_traceback(tmp_path: Path) -> None:
    data = tmp_path / "data"
    issue(tmp_path)
    data.mkdir()
    (data / "gateway.db").write_bytes(b"not a database" * 100)
    (data.with_name(f"{data.name}-keys") / "checkpoint-signing.pub.pem").write_text("no key")
    done = run("audit", "verify", "--data-dir", str(data))
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr + done.stdout


def test_verifying_a_foreign_database_exits_1(tmp_path: Path) -> None:
    data = tmp_path / "data"
    issue(tmp_path)
    data.mkdir()
    with closing(sqlite3.connect(data / "gateway.db")) as connection:
        connection.execute("create table other (x)")
    (data.with_name(f"{data.name}-keys") / "checkpoint-signing.pub.pem").write_text("no key")
    done = run("audit", "verify", "--data-dir", str(data))
    assert done.exit_code == 1
    assert done.stderr


def leaves(command: click.Command, *names: str) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [names]
    context = click.Context(command)
    inner = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [leaf for name, one in inner if one for leaf in leaves(one, *names, name)]


NEEDS_NO_GATEWAY = {
    ("completion",),
    ("demo",),
    ("documents", "manifest"),
    ("init",),
    ("audit", "proof", "verify"),
    ("witness", "serve"),
    ("witness", "key"),
    ("evidence", "verify"),
    ("privacy", "receipt", "verify"),
    ("skill", "sign"),
}
"""Commands for people who have no gateway: they take no setting."""


LISTING = [("serve",), ("worker",)]
"""Commands whose help describes every setting."""


def test_help_lists_every_command_and_describes_every_flag() -> None:
    listed = run("--help").stdout
    found = leaves(main)
    for name, *_ in found:
        assert f"  {name} " in listed
    assert {("serve",), ("token", "issue"), ("audit", "verify"), ("policy", "test")} <= set(found)
    for names in found:
        shown = run(*names, "--help")
        assert shown.exit_code == 0
        assert "Usage:" in shown.stdout
        needs_no_setting = {*NEEDS_NO_GATEWAY, *LISTING, *calling_one()}
        assert ("--SETTING VALUE" in shown.stdout) is (names not in needs_no_setting)


def calling_one() -> set[tuple[str, ...]]:
    """The commands that call a running gateway: they need an address and a token instead."""
    found = {names: command_of(*names).params for names in leaves(main)}
    return {
        name for name, params in found.items() if any("--token-file" in one.opts for one in params)
    }


@pytest.mark.parametrize("names", LISTING)
def test_what_serves_lists_every_setting(names: tuple[str, ...]) -> None:
    shown = run(*names, "--help").stdout
    assert [one.flag for one in SETTINGS if f"{one.flag} VALUE" not in shown] == []
    assert "GATEWAY_DATA_DIR" in shown


def test_every_setting_is_a_flag_of_what_does_not_list_them() -> None:
    refused = run("audit", "verify", "--port", "many")
    assert (refused.exit_code, "GATEWAY_PORT (from --port)" in refused.stderr) == (2, True)


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    context = click.Context(main)
    said = {name: main.get_command(context, name) for name in main.list_commands(context)}
    assert {name: one.get_short_help_str(limit=99) for name, one in said.items()} == _SUMMARIES


PRINTS_ITS_OWN = {
    ("audit", "export"): "CSV or JSON lines, as --format says",
    ("completion",): "a script of a shell",
    ("contracts", "schema"): "a JSON Schema",
    ("demo",): "a story",
    ("documents", "manifest"): "a manifest, which is JSON",
    ("serve",): "where it listens, once; then a log",
    ("witness", "serve"): "where it listens, once; then a log",
    ("worker",): "where it listens, once; then a log",
}
"""Commands without ``--json``, and what they print."""


def test_every_command_prints_json_when_asked() -> None:
    without = {
        names
        for names in leaves(main)
        if not any("--json" in one.opts for one in command_of(*names).params)
    }
    assert without == set(PRINTS_ITS_OWN)


def command_of(*names: str) -> click.Command:
    found: click.Command = main
    for name in names:
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), name)
        assert inner is not None
        found = inner
    return found


def test_every_command_and_option_has_a_description() -> None:
    lacking = [
        f"{' '.join(names)} {one.opts[0]}"
        for names in leaves(main)
        for one in command_of(*names).params
        if isinstance(one, click.Option) and not one.help
    ]
    assert lacking == []
    assert [names for names in leaves(main) if not command_of(*names).help] == []


def test_the_reference_and_the_completion_know_every_command_and_option() -> None:
    described = describe(main, "gateway")
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"\n{reference(described)}\n" in page, "run `make generate`"
    completed = json.loads((ROOT / "gateway" / "cli" / "commands.json").read_text("utf-8"))
    assert completed["root"] == for_completion(described), "run `make generate`"
    assert [one["names"][0] for one in completed["settings"]] == [one.flag for one in SETTINGS]


@pytest.mark.parametrize("names", leaves(main), ids=" ".join)
def test_a_wrong_call_of_any_command_exits_2_and_prints_nothing(names: tuple[str, ...]) -> None:
    done = run(*names, "--no-such-option")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "No such option '--no-such-option'" in done.stderr or "Usage:" in done.stderr


NEED_A_RECORD = {
    ("audit", "checkpoint"): (),
    ("audit", "export"): ("--workspace", "acme"),
    ("audit", "key"): (),
    ("audit", "rotate-key"): (),
    ("audit", "status"): (),
    ("audit", "verify"): (),
    ("journal", "accept-restore"): (),
    ("journal", "archive"): ("--before", "2026-01-01", "--to", "archive"),
    ("journal", "backup"): ("backup.db",),
    ("journal", "rebuild"): (),
    ("journal", "restore"): ("some.segment.gz",),
    ("keys", "rotate", "data"): (),
    ("keys", "rotate", "root"): (),
    ("keys", "rotate", "workspace"): (),
    ("keys", "tombstones", "write"): ("tombstones",),
    ("policy", "activate"): ("chg_1",),
    ("policy", "diff"): (),
    ("policy", "export"): ("policies",),
    ("policy", "impact"): ("files",),
    ("policy", "log"): (),
}
"""Commands that work on what a gateway left, with what else they want to be told."""


@pytest.mark.parametrize("names", NEED_A_RECORD, ids=" ".join)
def test_a_command_without_the_record_that_it_needs_exits_1_and_makes_nothing(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*names, *NEED_A_RECORD[names], "--data-dir", str(tmp_path / "data"), "--json"
               if names not in PRINTS_ITS_OWN else "--port=1")  # fmt: skip
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("gateway: NOT_FOUND: ")
    assert "GATEWAY_" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistyped_command_is_told_the_nearest() -> None:
    assert "'serve'" in run("serv").stderr


def test_the_version_is_told() -> None:
    assert run("--version").stdout.startswith("gateway, version ")


@pytest.mark.parametrize("arguments", [["nothing"], ["token", "issue"], ["serve", "--nope"]])
def test_a_wrong_call_exits_2_with_its_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr


def test_a_worker_that_nobody_would_tell_of_runs_does_not_start(tmp_path: Path) -> None:
    result = run("worker", "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == 2
    assert "GATEWAY_DISPATCH is embedded" in result.stderr
    assert not (tmp_path / "data").exists()
