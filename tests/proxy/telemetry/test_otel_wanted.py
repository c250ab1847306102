import pytest

from proxy.telemetry.otel_wanted import Wanted, wanted_signals

ALL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318"}
TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector.example:4318/v1/traces"}
LOGS = {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://collector.example:4318/v1/logs"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, Wanted()),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_EXPORTER": "otlp"}, Wanted()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, Wanted()),
        (ALL, Wanted(traces=True, logs=True)),
        (TRACES, Wanted(traces=True)),
        (LOGS, Wanted(logs=True)),
        ({**ALL, "OTEL_SDK_DISABLED": "true"}, Wanted()),
        ({**ALL, "OTEL_SDK_DISABLED": "false"}, Wanted(traces=True, logs=True)),
        ({**ALL, "OTEL_LOGS_EXPORTER": "none"}, Wanted(traces=True)),
        ({**ALL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, Wanted(traces=True, logs=True)),
    ],
)
def test_an_endpoint_switches_on_and_nothing_else_does(
    environ: dict[str, str], wanted: Wanted
) -> None:
    assert wanted_signals(environ) == wanted


def test_what_cannot_be_exported_so_is_told() -> None:
    found = wanted_signals({**ALL, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"})
    assert (found.traces, found.logs) == (False, True)
    assert found.fault == "the protocol of traces is not http/protobuf"
    found = wanted_signals({**ALL, "OTEL_LOGS_EXPORTER": "console"})
    assert found.fault == "OTEL_LOGS_EXPORTER is not otlp or none"
