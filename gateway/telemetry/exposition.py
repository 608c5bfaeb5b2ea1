"""Metrics in the text format of Prometheus, written by ``prometheus-client``.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.telemetry.fields import SAFE_FIELDS, WITHHELD
from gateway.telemetry.instruments import (
    OTHER,
    Counter,
    Gauge,
    Histogram,
    Instrument,
    Labels,
)
from gateway.telemetry.metrics import catalogue

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a gauge at this moment, for these values of its labels."""

    gauge: Gauge
    value: float
    labels: Labels = ()


class Exposition(Collector):
    """Writes all metrics of this process, and what the operating system says of it."""

    def __init__(self) -> None:
        self._readings: Sequence[Reading] = ()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self, readings: Sequence[Reading]) -> bytes:
        """Everything that was counted, with these values of gauges."""
        self._readings = readings
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """The families of metrics, as the library asks for them."""
        for one in catalogue():
            match one:
                case Counter():
                    yield _counter(one)
                case Histogram():
                    yield _histogram(one)
                case _:
                    yield from self._gauge(one)

    def _gauge(self, gauge: Instrument) -> Iterator[Metric]:
        found = [one for one in self._readings if one.gauge is gauge]
        if not found:  # what is not known is not told as 0
            return
        family = GaugeMetricFamily(gauge.name, gauge.about, labels=gauge.labels)
        for one in found:
            family.add_metric(_told(gauge, one.labels), one.value)
        yield family


def _counter(counter: Counter) -> Metric:
    family = CounterMetricFamily(counter.name, counter.about, labels=counter.labels)
    told: dict[tuple[str, ...], int] = {}  # what may not be told apart is one series
    for labels, count in counter.counts().items():
        shown = _told(counter, labels)
        told[shown] = told.get(shown, 0) + count
    for shown, count in told.items():
        family.add_metric(shown, count)
    return family


def _histogram(histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(histogram.name, histogram.about, labels=histogram.labels)
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    told: dict[tuple[str, ...], tuple[list[float], float]] = {}  # as for counters
    for labels, (counts, total) in histogram.seen().items():
        shown = _told(histogram, labels)
        before, sum_before = told.get(shown, ([0.0] * len(counts), 0.0))
        told[shown] = ([*map(add, before, counts)], sum_before + total)
    for shown, (counts, total) in told.items():
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        family.add_metric(shown, buckets, total)
    return family


def _told(one: Instrument, labels: Labels) -> tuple[str, ...]:
    """The values of labels as they may be told."""
    return tuple(
        str(value) if value == OTHER or SAFE_FIELDS[name].fits(value) else WITHHELD
        for name, value in zip(one.labels, labels, strict=True)
    )
