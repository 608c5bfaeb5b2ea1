"""Counting: exact under threads, bounded, silent where it is off, written as Prometheus has it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.telemetry import instruments, metrics
from gateway.telemetry.exposition import Exposition, Reading
from gateway.telemetry.instruments import MOST_SERIES, OTHER, Counter, Gauge, Histogram
from gateway.telemetry.recorded import counting


@pytest.fixture(autouse=True)
def on() -> Iterator[None]:
    instruments.switch(on=True)
    yield
    instruments.switch(on=False)


def test_counts_of_several_threads_are_exact() -> None:
    counter = Counter("c_total", "", "status")
    histogram = Histogram("h", "", "status", bounds=(1.0, 2.0))

    def count(_: int) -> None:
        for _ in range(2000):
            counter.add(200)
            histogram.observe(1.5, 200)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert counter.counts() == {(200,): 16_000}
    assert histogram.seen() == {(200,): ([0, 16_000, 0], 24_000.0)}


def test_nothing_is_counted_where_it_is_off() -> None:
    counter, histogram = Counter("c_total", "", "status"), Histogram("h", "")
    instruments.switch(on=False)
    counter.add(200)
    histogram.observe(1)
    assert (counter.counts(), histogram.seen()) == ({}, {})


def test_a_value_lies_up_to_its_bound() -> None:
    histogram = Histogram("h", "", bounds=(1.0, 2.0))
    for value in (0.5, 1.0, 1.1, 2.0, 9.0):
        histogram.observe(value)
    assert histogram.seen() == {(): ([2, 2, 1], 13.6)}


def test_further_combinations_are_told_as_one() -> None:
    counter, histogram = Counter("c_total", "", "status", "bytes"), Histogram("h", "", "status")
    for number in range(MOST_SERIES + 5):
        counter.add(200, number)
        histogram.observe(1, number)
    assert len(counter.counts()) == len(histogram.seen()) == MOST_SERIES + 1
    assert counter.counts()[(OTHER, OTHER)] == 5
    assert sum(histogram.seen()[(OTHER,)][0]) == 5


@pytest.mark.parametrize("label", ["subject", "workspaces", "email"])
def test_a_label_outside_of_the_list_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match=f"not a label that may be told: {label}"):
        Counter("c_total", "", "status", label)


def test_what_has_a_known_label_is_told_before_it_happens() -> None:
    assert Counter("c_total", "", "reason", known=("runs", "calls")).counts() == {
        ("runs",): 0,
        ("calls",): 0,
    }
    assert Counter("c_total", "").counts() == {(): 0}


def told(*readings: Reading) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample of our own, by its name and labels."""
    text = Exposition().text(readings).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("gateway_")
    }


def test_the_text_is_that_of_prometheus() -> None:
    before = told().get(("gateway_journal_batch_units_bucket", ("4.0", "reader")), 0)
    metrics.batch_units.observe(3, "reader")
    metrics.batch_units.observe(1000, "reader")
    found = told(Reading(metrics.executions, 7, ("unresolved",)))
    assert found["gateway_executions", ("unresolved",)] == 7
    assert found["gateway_journal_batch_units_bucket", ("4.0", "reader")] == before + 1
    whole = found["gateway_journal_batch_units_bucket", ("+Inf", "reader")]
    assert whole == found["gateway_journal_batch_units_count", ("reader",)] >= 2
    assert not any(name == "gateway_record_up" for name, _ in found), "what is not known is not 0"


def test_a_value_of_another_form_is_withheld() -> None:
    metrics.rate_limited.add("alice@example.com")
    found = told(Reading(metrics.policy, 1, ("Alice Smith",)))
    assert found["gateway_rate_limited_total", ("(withheld)",)] >= 1
    assert found["gateway_policy_revision_info", ("(withheld)",)] == 1


def test_values_that_are_withheld_are_one_series() -> None:
    """Prometheus keeps one of several samples of the same series, and drops the others."""
    before = told().get(("gateway_rate_limited_total", ("(withheld)",)), 0)
    for name in ("bob@example.com", "carol@example.com"):
        metrics.rate_limited.add(name)
        metrics.call_seconds.observe(1, name, "ok")
    found = told()
    assert found["gateway_rate_limited_total", ("(withheld)",)] == before + 2
    assert found["gateway_call_duration_seconds_count", ("(withheld)", "ok")] == 2
    assert found["gateway_call_duration_seconds_bucket", ("(withheld)", "10.0", "ok")] == 2
    lines = Exposition().text([]).decode().splitlines()
    assert len({line.rpartition(" ")[0] for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("kind", "body", "counter", "label"),
    [
        (EntryType.RUN_STARTED, {}, metrics.runs, "started"),
        (EntryType.RUN_ENDED, {"executionStatus": "failed"}, metrics.runs, "failed"),
        (EntryType.STEP_UNRESOLVED, {}, metrics.steps, "unresolved"),
        (EntryType.APPROVAL_EXPIRED, {}, metrics.approvals, "expired"),
        (EntryType.INTENT_RECEIVED, {}, metrics.entries, "intent.received"),
    ],
)
def test_an_entry_is_counted_as_what_it_says(
    kind: EntryType, body: JsonObject, counter: Counter, label: str
) -> None:
    before = counter.counts().get((label,), 0)
    count = counting(NewEntry(kind, "acme", body))
    assert counter.counts().get((label,), 0) == before, "not before it is durable"
    count()
    assert counter.counts()[(label,)] == before + 1


def test_every_metric_has_a_name_of_its_own() -> None:
    names = [one.name for one in metrics.catalogue()]
    assert len(names) == len(set(names))
    assert all(name.startswith("gateway_") for name in names)
    assert all(one.about.endswith(".") for one in metrics.catalogue())
    counters = {one.name for one in metrics.catalogue() if isinstance(one, Counter)}
    assert counters == {name for name in names if name.endswith("_total")}
    assert any(isinstance(one, Gauge) for one in metrics.catalogue())
