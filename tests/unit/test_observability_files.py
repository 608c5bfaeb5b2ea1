"""The rules for Prometheus and the dashboard speak of metrics that there are, as they are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.telemetry.fields import SAFE_FIELDS
from gateway.telemetry.instruments import Histogram, Instrument
from gateway.telemetry.metrics import catalogue

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RULES = DOCS / "prometheus" / "alerts.yaml"
BOARD = DOCS / "grafana" / "gateway.json"

FOREIGN = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
"""Those of Prometheus itself and of prometheus-client."""

FROM_SCRAPING = {"job", "instance", "le"}
KNOWN: dict[str, Instrument] = {one.name: one for one in catalogue()}

_NAME = re.compile(r"(?<![\w\"$.])(up|(?:gateway|process|python)_[a-z_]+)(?![\w\"])")
_SELECTED = re.compile(r"([a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"')
_GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def asked() -> list[str]:
    """Every expression of both files."""
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *shown]


def instrument(name: str) -> Instrument | None:
    """What a name in an expression stands for."""
    found = KNOWN.get(re.sub("_(?:bucket|sum|count)$", "", name))
    return found if isinstance(found, Histogram) else KNOWN.get(name)


def faults(expression: str) -> Iterator[str]:
    """What is wrong with an expression."""
    if any(expression.count(left) != expression.count(right) for left, right in ("()", "{}", "[]")):
        yield "its brackets do not match"
    plain = re.sub(r'"[^"]*"', '""', expression)
    names = set(_NAME.findall(plain))
    if not names:
        yield "it names no metric"
    for name in names - FOREIGN:
        if instrument(name) is None:
            yield f"there is no metric {name}"
    labels = set(FROM_SCRAPING).union(*(one.labels for n in names if (one := instrument(n))))
    for group in _GROUPED.findall(plain):
        for label in filter(None, (part.strip() for part in group.split(","))):
            if label not in labels:
                yield f"none of its metrics has the label {label}"
    for name, selected in _SELECTED.findall(expression):
        yield from _mismatches(name, selected)


def _mismatches(name: str, selected: str) -> Iterator[str]:
    own = instrument(name)
    for label, value in _MATCHER.findall(selected):
        if label in FROM_SCRAPING:
            continue
        if own is None or label not in own.labels:
            yield f"{name} has no label {label}"
        elif not SAFE_FIELDS[label].fits(value):
            yield f"{label} is never {value}"


@pytest.mark.parametrize("expression", asked())
def test_an_expression_speaks_of_metrics_that_there_are(expression: str) -> None:
    assert list(faults(expression)) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("gateway_gone_total > 0", "there is no metric gateway_gone_total"),
        ("sum(gateway_runs_due", "its brackets do not match"),
        ("1 > 0", "it names no metric"),
        ("sum by (contract) (gateway_runs_due)", "none of its metrics has the label contract"),
        ('gateway_runs_total{status="failed"}', "gateway_runs_total has no label status"),
        ('gateway_runs_total{outcome="fail"}', "outcome is never fail"),
        ("gateway_runs_total_count > 0", "there is no metric gateway_runs_total_count"),
    ],
)
def test_a_wrong_expression_is_found(expression: str, fault: str) -> None:
    assert list(faults(expression)) == [fault]


def test_a_rule_says_how_bad_it_is_and_what_to_do() -> None:
    assert rules()
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        told = rule["annotations"]
        assert told.keys() == {"summary", "remedy"}
        for page in re.findall(r"docs/[\w/.-]+\w", told["remedy"]):
            assert (ROOT / page).exists(), page


def test_a_counter_that_alerts_is_told_from_the_start() -> None:
    """Of a series that begins with its first event, ``increase`` sees nothing."""
    for rule in rules():
        for name, selected in re.findall(r"increase\((\w+)(?:\{([^}]*)\})?\[", rule["expr"]):
            labels = tuple(value for _, value in _MATCHER.findall(selected))
            assert labels in KNOWN[name].counts(), rule["alert"]  # type: ignore[attr-defined]


def test_every_metric_is_shown_in_the_dashboard() -> None:
    text = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    assert [name for name in KNOWN if name not in text] == []
    assert [panel["title"] for panel in panels() if not panel["targets"]] == []


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
