"""Counts and gauges as Prometheus reads them (text format 0.0.4).

prometheus_client writes the text; what is counted is ours, so that nothing of it is on the way of
a request, and its environment variables change nothing. It is imported by whoever imports this,
which takes a tenth of a second: the proxy does where metrics are switched on.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from proxy.telemetry.gauges import Gauges
from proxy.telemetry.meters import Histogram, Meters

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
NO_CODE: Final = "none"


class _Once(Collector):
    """The metrics of one moment."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def render(meters: Meters, gauges: Gauges) -> bytes:
    """Return the whole text."""
    registry = CollectorRegistry(auto_describe=False)
    metrics = [*_counters(meters), *_histograms(meters), *_gauges(gauges)]
    registry.register(_Once(metrics))
    return generate_latest(registry)


def _counters(meters: Meters) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "keyhatch_requests", "Requests and tunnels that ended.", labels=("decision", "code")
    )
    for (decision, code), count in sorted(meters.requests.items()):
        requests.add_metric((decision, code or NO_CODE), count)
    yield requests
    yield _counter("keyhatch_responses", "Responses by class.", "class", meters.responses)
    renewals = CounterMetricFamily(
        "keyhatch_token_refreshes",
        "Access tokens renewed, or not.",
        labels=("connector", "outcome"),
    )
    for (connector, renewal), count in sorted(meters.renewals.items()):
        renewals.add_metric((connector, renewal.value), count)
    yield renewals
    yield CounterMetricFamily(
        "keyhatch_audit_failures",
        "Records that could not be written to the audit log.",
        value=meters.records_lost,
    )


def _counter(name: str, told: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, told, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family


def _histograms(meters: Meters) -> Iterator[Metric]:
    yield _histogram(
        "keyhatch_decision_seconds", "From a request's head to its decision.", meters.decision
    )
    yield _histogram("keyhatch_token_seconds", "Waiting for the credential.", meters.token)
    yield _histogram(
        "keyhatch_upstream_seconds",
        "From a request that leaves to the head of its answer, connecting included.",
        meters.upstream,
    )


def _histogram(name: str, told: str, histogram: Histogram) -> Metric:
    buckets = [
        ("+Inf" if bound == float("inf") else f"{bound:g}", float(count))
        for bound, count in histogram.cumulative()
    ]
    return HistogramMetricFamily(name, told, buckets=buckets, sum_value=histogram.sum)


def _gauges(gauges: Gauges) -> Iterator[Metric]:
    load = gauges.load
    yield _gauge("keyhatch_connections", "Open connections of agents.", load.connections)
    yield _gauge(
        "keyhatch_connections_unidentified",
        "Of them those that have shown no valid token yet.",
        load.unidentified,
    )
    yield _gauge("keyhatch_tunnels", "Open CONNECT tunnels.", load.tunnels)
    yield _gauge("keyhatch_requests_in_flight", "Requests under way.", load.requests)
    yield _gauge("keyhatch_upstream_connections", "Open connections to services.", load.upstreams)
    yield _gauge("keyhatch_connectors", "Connectors that are declared.", gauges.connectors)
    yield _gauge("keyhatch_agents", "Agents that are declared.", gauges.agents)
    yield _gauge(
        "keyhatch_config_in_effect",
        "1 when connectors.yaml and the vault were taken up as they are now, else 0.",
        int(gauges.config_in_effect),
    )
    yield _gauge(
        "keyhatch_config_last_success_timestamp_seconds",
        "When a configuration was last taken up.",
        gauges.taken_up,
    )
    yield _gauge("keyhatch_start_time_seconds", "When the proxy started.", gauges.started)
    expiries = GaugeMetricFamily(
        "keyhatch_token_expiry_seconds",
        "Seconds until an access token expires; below zero: it has.",
        labels=("connector",),
    )
    for connector, seconds in sorted(gauges.expiries.items()):
        expiries.add_metric((connector,), seconds)
    yield expiries
    build = GaugeMetricFamily("keyhatch_build_info", "1; its label tells.", labels=("version",))
    build.add_metric((gauges.version,), 1)
    yield build


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)
