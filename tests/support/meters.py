"""Results and gauges to count and to show, and a scraper."""

from http.client import HTTPConnection
from typing import Any

from proxy.audit.record import Result
from proxy.telemetry.gauges import Gauges, Load

PATIENCE = 30.0


def a_result(**overrides: Any) -> Result:
    """Return what came of a request that was answered."""
    values: dict[str, Any] = {
        "status": 200,
        "code": None,
        "bytes_in": 0,
        "bytes_out": 0,
        "ms": 12.0,
        "ms_decision": 0.3,
        "ms_token": 0.7,
        "ms_first_byte": 11.0,
    }
    return Result(**(values | overrides))


def some_gauges(**overrides: Any) -> Gauges:
    """Return how things may stand."""
    values: dict[str, Any] = {
        "version": "1.2.3",
        "load": Load(),
        "started": 1000.0,
        "taken_up": 2000.0,
        "config_in_effect": True,
        "connectors": 1,
        "agents": 1,
    }
    return Gauges(**(values | overrides))


def read_metrics(port: int) -> bytes:
    """Return the metrics of a listener on loopback."""
    status, text = scrape(port)
    assert status == 200
    return text


def scrape(port: int, path: str = "/metrics", host: str | None = None) -> tuple[int, bytes]:
    """Return status and body of one of a listener's pages."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{port}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
