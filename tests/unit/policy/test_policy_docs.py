"""The rules that the documentation shows are rules that load."""

import re
import shutil
from pathlib import Path

from gateway.administration.lockout import LOCKOUT
from gateway.cli.policy import policy
from gateway.policy import PolicyContent
from gateway.policy.advice import finding
from gateway.policy.advice.separation import read_separation
from gateway.policy.rules.grammar import parse_condition
from tests.loaded import load_contracts, load_policies

REPOSITORY = Path(__file__).parents[3]
FILES = {5: "access.csv", 11: "verdict.csv", 3: "access.csv"}


def test_every_rule_and_condition_of_the_page_is_taken(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "policies.md").read_text(encoding="utf-8")
    shown = re.findall(r"(?:^|`)((?:p|g), [^`\n]+)", page, re.MULTILINE)
    rules = [rule for rule in shown if "subject" not in rule and "holder" not in rule]
    assert len(rules) >= 7
    folder = tmp_path / "policies"
    shutil.copytree(REPOSITORY / "policies", folder)
    for rule in rules:
        path = folder / FILES[rule.count(",")]
        path.write_text(path.read_text(encoding="utf-8") + rule + "\n", encoding="utf-8")
    load_policies(folder, load_contracts([REPOSITORY / "schema"]))
    conditions = re.findall(r"^(amount > .*|has\(.*)$", page, re.MULTILINE)
    assert [parse_condition(condition).text for condition in conditions] == conditions != []


def page() -> str:
    return (REPOSITORY / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_page_shows_entries_of_separation_that_can_be_read() -> None:
    (shown,) = re.findall(r"### Separation of duties\n\n```yaml\n(.*?)```", page(), re.DOTALL)
    entries, wrong = read_separation(PolicyContent({"separation.yaml": shown}))
    assert (len(entries), wrong) == (2, [])


def test_the_page_tells_of_every_finding_of_lint() -> None:
    codes = {value for value in vars(finding).values() if str(value).startswith("POLICY_")}
    rows = re.findall(r"^\| \[(POLICY_[A-Z_]+)\]", page(), re.MULTILINE)
    assert sorted(rows) == sorted(codes | {LOCKOUT})


def test_the_page_names_every_command_and_no_other() -> None:
    told = set(re.findall(r"^\| `gateway policy ([a-z]+)\b", page(), re.MULTILINE))
    assert told == set(policy.commands)


def test_the_page_names_contracts_that_are_loaded() -> None:
    registry = load_contracts([REPOSITORY / "schema"])
    named = set(re.findall(r"`(policy\.[a-zA-Z.]+)`", page()))
    assert len(named) > 8
    assert {name for name in named if registry.resolve(name) is None} == set()
