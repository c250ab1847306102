from prometheus_client.parser import text_string_to_metric_families

from proxy.telemetry.exposition import render
from proxy.telemetry.gauges import Load
from proxy.telemetry.meters import UPSTREAM_BOUNDS, Meters
from proxy.telemetry.observer import Renewal
from tests.support.journals import a_subject
from tests.support.meters import a_result, some_gauges


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return what Prometheus reads: values by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_counts_have_static_labels() -> None:
    meters = Meters()
    meters.ended(a_subject(), a_result())
    meters.ended(a_subject(decision="refuse"), a_result(status=403, code="egress-denied"))
    meters.renewed("hub", Renewal.NEEDS_OPERATOR)
    meters.unrecorded()
    found = samples(render(meters, some_gauges()))
    assert found["keyhatch_requests_total", (("code", "none"), ("decision", "inject"))] == 1
    assert (
        found["keyhatch_requests_total", (("code", "egress-denied"), ("decision", "refuse"))] == 1
    )
    assert found["keyhatch_responses_total", (("class", "4xx"),)] == 1
    labels = (("connector", "hub"), ("outcome", "needs_operator"))
    assert found["keyhatch_token_refreshes_total", labels] == 1
    assert found["keyhatch_audit_failures_total", ()] == 1


def test_histograms_end_in_infinity() -> None:
    meters = Meters()
    meters.ended(a_subject(), a_result(ms_first_byte=1_000_000.0))
    found = samples(render(meters, some_gauges()))
    assert found["keyhatch_upstream_seconds_bucket", (("le", f"{UPSTREAM_BOUNDS[-1]:g}"),)] == 0
    assert found["keyhatch_upstream_seconds_bucket", (("le", "+Inf"),)] == 1
    assert found["keyhatch_upstream_seconds_count", ()] == 1


def test_gauges_tell_how_things_stand() -> None:
    load = Load(connections=5, unidentified=1, tunnels=2, requests=3, upstreams=4)
    gauges = some_gauges(load=load, config_in_effect=False, expiries={"hub": -3.5})
    found = samples(render(Meters(), gauges))
    names = ("connections", "connections_unidentified", "tunnels", "requests_in_flight")
    assert [found[f"keyhatch_{name}", ()] for name in names] == [5, 1, 2, 3]
    assert found["keyhatch_upstream_connections", ()] == 4
    assert found["keyhatch_config_in_effect", ()] == 0
    assert found["keyhatch_token_expiry_seconds", (("connector", "hub"),)] == -3.5
    assert found["keyhatch_build_info", (("version", "1.2.3"),)] == 1
