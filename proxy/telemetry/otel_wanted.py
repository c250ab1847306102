"""Whether the environment asks for OpenTelemetry, by its own variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL: Final = "http/protobuf"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which signals are exported. `fault` says why one that is asked for is not."""

    traces: bool = False
    logs: bool = False
    fault: str = ""


def wanted_signals(environ: Mapping[str, str]) -> Wanted:
    """Return what is to be exported: nothing, unless an endpoint is named.

    An endpoint is that of all signals or of one; OTEL_SDK_DISABLED and the exporter `none` switch
    off. An empty variable is as good as none (OpenTelemetry's specification of variables).
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Wanted()
    faults: list[str] = []
    traces, logs = (_wants(environ, signal, faults) for signal in ("TRACES", "LOGS"))
    return Wanted(traces, logs, "; ".join(faults))


def _wants(environ: Mapping[str, str], signal: str, faults: list[str]) -> bool:
    if not (environ.get(ENDPOINT) or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")):
        return False
    exporter = environ.get(f"OTEL_{signal}_EXPORTER", "").strip() or "otlp"
    if exporter == "none":
        return False
    if exporter != "otlp":
        faults.append(f"OTEL_{signal}_EXPORTER is not otlp or none")
        return False
    names = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next((found for name in names if (found := environ.get(name))), PROTOCOL)
    if protocol != PROTOCOL:
        faults.append(f"the protocol of {signal.lower()} is not {PROTOCOL}")
        return False
    return True
