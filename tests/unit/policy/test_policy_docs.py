"""The rules that the documentation shows are rules that load."""

import re
import shutil
from pathlib import Path

from gateway.contracts import load_contracts
from gateway.policy import load_policies
from gateway.policy.grammar import parse_condition

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
