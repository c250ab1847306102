"""The benchmark's own arithmetic and load; the comparison itself is `make bench`."""

import gzip
import json
import os
import ssl
from pathlib import Path

import pytest

from bench.__main__ import ratios_of, table
from bench.load import Sample, Scenario, Target, WrongAnswerError, measure
from bench.scrubbing import ROWS, SIZES, write_bodies
from bench.scrubbing import table as scrubbing_table
from tests.support.origin import Origin, anyone, bearer


def samples(*rates: float) -> list[Sample]:
    return [Sample(rate, cpu=50_000 / rate, p50=2.0, p99=9.0) for rate in rates]


def target(service: Origin) -> Target:
    return Target(os.getpid(), service.port, "api.hubapi.com", "", ssl.create_default_context())


def test_the_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A round in which the whole machine was slow changes nothing."""
    by_name = {"keyhatch": samples(200, 20, 210), "mitmdump": samples(100, 10, 100)}
    assert ratios_of(by_name) == (2.0, 2.0)


def test_the_table_has_medians_and_ratios_for_each_scenario() -> None:
    by_name = {"keyhatch": samples(190, 200, 900), "mitmdump": samples(100, 100, 100)}
    shown = table(dict.fromkeys(Scenario, by_name)).splitlines()
    assert len(shown) == 1 + 2 * len(Scenario)
    assert shown[1].split()[2:] == ["keyhatch", "200", "250", "2.00", "9.00", "2.00x", "2.00x"]
    assert shown[2].split()[2:] == ["mitmdump", "100", "500", "2.00", "9.00"]


def test_the_load_counts_answers_on_connections_that_stay_open() -> None:
    """A plain service is proxy enough for absolute-form requests."""
    with Origin(anyone, tls=False) as service:
        sample = measure(target(service), Scenario.KEEP_ALIVE_HTTP, clients=2, seconds=0.2)
        assert service.connections == 2
        assert 0 < sample.rate * 0.2 <= len(service.requests)
    assert 0 < sample.p50 <= sample.p99
    assert sample.cpu > 0


def test_the_cost_of_scrubbing_is_the_median_of_the_rounds_ratios() -> None:
    on, off = samples(50, 5, 50), samples(100, 10, 200)
    shown = scrubbing_table({ROWS[0]: list(zip(on, off, strict=True))}).splitlines()
    assert shown[1].split() == ["JSON", "2", "KiB,", "identity", "1000", "500", "2.00x", "0.50x"]


def test_the_answers_that_are_scrubbed_are_json_of_their_size(tmp_path: Path) -> None:
    write_bodies(tmp_path / "bodies")
    for row in ROWS:
        body = (tmp_path / row.path.removeprefix("/")).read_bytes()
        text = gzip.decompress(body) if row.coding == "gzip" else body
        assert SIZES[row.size] <= len(text) < SIZES[row.size] + 512
        assert json.loads(text)


def test_a_wrong_answer_stops_the_load() -> None:
    with Origin(bearer("the-key"), tls=False) as service, pytest.raises(ExceptionGroup) as caught:
        measure(target(service), Scenario.KEEP_ALIVE_HTTP, clients=2, seconds=0.2)
    assert caught.group_contains(WrongAnswerError, match="401")
