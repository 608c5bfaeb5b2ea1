"""``gateway schema`` and ``gateway contracts diff``, called as a user calls them."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.contracts.changes import RULES

ROOT = Path(__file__).parents[3]
SUPPORT = ROOT / "schema" / "support"
POLICIES = ["--policy-dir", str(ROOT / "policies")]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The contracts of the example, with one input more that must be sent."""
    folder = tmp_path / "support"
    folder.mkdir()
    for file in SUPPORT.rglob("*.yaml"):
        target = folder / file.relative_to(SUPPORT)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read_bytes())
    reply = folder / "customer.reply.yaml"
    text = reply.read_text(encoding="utf-8")
    assert "\ninput:\n" in text
    reply.write_text(text.replace("\ninput:\n", "\ninput:\n  shop: ID!\n"), encoding="utf-8")
    return folder


def test_without_a_caller_all_of_the_schema_is_printed() -> None:
    printed = run("schema", "print").stdout
    assert printed == (ROOT / "schema" / "gateway.graphql").read_text(encoding="utf-8")
    assert run("schema", "print", "--role", "admin").stdout == printed


def test_with_a_role_what_such_a_caller_sees_is_printed() -> None:
    user = run("schema", "print", "--role", "user", *POLICIES).stdout
    assert "controlPlaneIntentSubmit(" in user
    assert "controlPlaneExecutionList" not in user
    assert "type ControlPlaneSkillListOutput" not in user
    both = run("schema", "print", "--role", "user", "--role", "auditor", *POLICIES).stdout
    assert "auditRecordSearch(" in both
    assert len(user) < len(both)


def test_the_workspace_the_policies_and_the_token_count(tmp_path: Path) -> None:
    exported = tmp_path / "policies"
    exported.mkdir()
    for file in (ROOT / "policies").glob("*.*"):
        (exported / file.name).write_bytes(file.read_bytes())
    row = "\np, user:ida, acme, controlPlane.execution.list, call, allow\n"
    rules = exported / "access.csv"
    rules.write_text(rules.read_text(encoding="utf-8") + row, encoding="utf-8")
    given = ("schema", "print", "--subject", "ida", "--revision", exported)
    assert "controlPlaneExecutionList(" in run(*given, "--workspace", "acme").stdout
    assert run(*given, "--workspace", "other").exit_code == 1
    limited = ("--workspace", "acme", "--capability", "support.core")
    nothing = run(*given, *limited)
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "may call nothing" in nothing.stderr


def test_a_caller_of_whom_only_the_place_is_told_is_refused() -> None:
    for option in (("--workspace", "acme"), ("--type", "agent"), ("--capability", "a.b")):
        done = run("schema", "print", *option)
        assert done.exit_code == 2
        assert "--role or --subject" in done.stderr


@pytest.mark.parametrize("command", ["schema", "contracts"])
def test_what_breaks_is_told_with_its_place_and_remedy(command: str, copy: Path) -> None:
    done = run(command, "diff", SUPPORT, copy)
    assert done.exit_code == 1
    rule = RULES["required-input-field-added"]
    assert f"BREAKING {rule.code}: {rule.meaning}" in done.stdout
    assert "  support.customer.reply@1.0.0 input.shop: shop: ID! was added\n" in done.stdout
    assert f"  To do: {rule.remedy}" in done.stdout
    assert done.stdout.endswith("1 breaking, 0 dangerous, 0 safe\n")
    back = run(command, "diff", copy, SUPPORT, "--json")
    told = json.loads(back.stdout)
    assert back.exit_code == 1
    assert (told["breaking"], told["dangerous"], told["safe"]) == (1, 0, 0)
    assert told["changes"][0]["code"] == "field-removed"


def test_what_does_not_break_exits_with_0(copy: Path) -> None:
    reply = copy / "customer.reply.yaml"
    text = reply.read_text(encoding="utf-8").replace("  shop: ID!\n", "  shop: ID\n")
    reply.write_text(text, encoding="utf-8")
    done = run("contracts", "diff", SUPPORT, copy)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "0 breaking, 1 dangerous, 0 safe")
    same = run("contracts", "diff", SUPPORT, SUPPORT)
    assert (same.exit_code, same.stdout) == (0, "0 breaking, 0 dangerous, 0 safe\n")


def test_files_and_folders_and_what_is_served_are_compared(copy: Path, tmp_path: Path) -> None:
    published = ROOT / "schema" / "gateway.graphql"
    for pair in ((published, "served"), ("served", published), (SUPPORT, "served")):
        assert run("schema", "diff", *pair).exit_code == 0, pair
    assert run("contracts", "diff", SUPPORT).exit_code == 0
    file = tmp_path / "old.graphql"
    file.write_text(run("schema", "print", "--schema-dir", SUPPORT).stdout, encoding="utf-8")
    done = run("schema", "diff", file, copy, "--json")
    assert done.exit_code == 1
    (change,) = json.loads(done.stdout)["changes"]
    assert change["where"] == "SupportCustomerReplyInput.shop"


def test_what_is_written_in_a_schema_does_not_steer_the_terminal(tmp_path: Path) -> None:
    old, new = tmp_path / "old.graphql", tmp_path / "new.graphql"
    old.write_text('type Query { "one" a: Int }')
    new.write_text('type Query { "two \\n \\u001b[31m" a: Int }')
    done = run("schema", "diff", old, new)
    assert done.exit_code == 0
    assert r'has changed to "two \n \x1b[31m".' in done.stdout


def test_what_the_shell_pipes_is_compared_as_a_file() -> None:
    text = (ROOT / "schema" / "gateway.graphql").read_bytes()
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe, ThreadPoolExecutor(1) as pool:
        done = pool.submit(run, "schema", "diff", f"/dev/fd/{reading}", "served")
        pipe.write(text)
        pipe.close()
        assert done.result().stdout == "0 breaking, 0 dangerous, 0 safe\n"
    os.close(reading)


def test_what_cannot_be_compared_exits_with_2(tmp_path: Path) -> None:
    no_schema, binary = tmp_path / "a.graphql", tmp_path / "b.graphql"
    no_schema.write_text("type A { b: Gone }", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe")
    gone = f"'{tmp_path}/nothing'"
    for command, name, said in (
        (
            "schema",
            no_schema,
            f"  {no_schema}:1:13: GRAPHQL_VALIDATION_FAILED: Unknown type 'Gone'",
        ),
        ("schema", no_schema, "See docs/errors/SDL_INVALID.md."),
        ("schema", binary, f"  {binary}: INVALID_FORMAT: byte 0 is not UTF-8; name a file of SDL"),
        ("schema", tmp_path / "nothing", f"{gone} is not there. Name a file of SDL, a folder"),
        ("schema", "x" * 300, "is not there"),
        ("contracts", tmp_path / "nothing", f"There is no folder {gone}. Name a folder of contr"),
        ("contracts", no_schema, "There is no folder"),
        ("contracts", "x" * 300, "There is no folder"),
    ):
        done = run(command, "diff", name, "served", "--json")
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
        assert done.stdout == ""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.yaml").write_text("key: x\n", encoding="utf-8")
    done = run("contracts", "diff", SUPPORT, broken)
    assert done.exit_code == 2
    assert "CONTRACTS_INVALID" in done.stderr
    assert run("schema", "diff", SUPPORT).exit_code == 2


def test_what_a_router_is_to_demand_is_said_of_a_subgraph_alone() -> None:
    told = run("schema", "print", "--subgraph", "--demand", "policy").stdout
    assert '@policy(policies: [["support.order.lookup@1.0.0"]])' in told
    assert "@requiresScopes" not in told
    done = run("schema", "print", "--demand", "scopes")
    assert done.exit_code == 2
    assert "said of a --subgraph" in done.stderr
