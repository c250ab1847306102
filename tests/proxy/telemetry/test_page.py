import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.listen import TcpListen
from proxy.telemetry.page import Pages, answer, names_of

NAMES = names_of(TcpListen("127.0.0.1", 9464))
TEXT = b"keyhatch_requests_total 1\n"


def ask(line: str, *fields: str, ready: bool = True) -> tuple[int, bytes, bytes]:
    """Return status, head and body of an answer."""
    head = "\r\n".join([line, *fields]).encode() + b"\r\n\r\n"
    said = answer(head, NAMES, Pages(lambda: ready, lambda: ("text/plain", TEXT)))
    told, _, body = said.partition(b"\r\n\r\n")
    return int(told.split()[1]), told, body


def get(path: str, host: str = "127.0.0.1:9464") -> tuple[int, bytes, bytes]:
    return ask(f"GET {path} HTTP/1.1", f"Host: {host}")


def test_the_metrics_are_at_their_path() -> None:
    status, head, body = get("/metrics")
    assert (status, body) == (200, TEXT)
    assert b"Content-Length: %d\r\n" % len(TEXT) in head


def test_health_says_ok_and_nothing_else() -> None:
    assert get("/healthz")[::2] == (200, b"ok\n")


def test_a_proxy_that_refuses_everything_is_not_ready() -> None:
    status, _, body = ask("GET /healthz HTTP/1.1", "Host: localhost:9464", ready=False)
    assert (status, body) == (503, b"not ready\n")


def test_head_is_answered_without_a_body() -> None:
    status, head, body = ask("HEAD /metrics HTTP/1.1", "Host: localhost:9464")
    assert (status, body) == (200, b"")
    assert b"Content-Length: %d\r\n" % len(TEXT) in head


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9464", "localhost:9464", "[::1]:9464", "LOCALHOST:9464"]
)
def test_loopbacks_own_names_are_taken(host: str) -> None:
    assert get("/metrics", host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example:9464",
        "127.0.0.1",
        "127.0.0.1:80",
        "",
        "127.0.0.1:9464.evil.example",
        "keyhatch.internal",
    ],
)
def test_any_other_name_is_misdirected(host: str) -> None:
    status, _, body = get("/metrics", host)
    assert (status, body) == (421, b"")


@pytest.mark.parametrize("fields", [(), ("Host: localhost:9464", "Host: localhost:9464")])
def test_one_name_and_no_other_number_of_them(fields: tuple[str, ...]) -> None:
    assert ask("GET /metrics HTTP/1.1", *fields)[0] == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
def test_only_reading_is_allowed(method: str) -> None:
    status, head, _ = ask(f"{method} /metrics HTTP/1.1", "Host: localhost:9464")
    assert status == 405
    assert b"Allow: GET, HEAD" in head


@pytest.mark.parametrize(
    "path", ["/", "/metrics/", "//metrics", "/metrics/../metrics", "http://localhost:9464/metrics"]
)
def test_there_is_no_other_page(path: str) -> None:
    assert get(path)[::2] == (404, b"")


@given(st.binary(max_size=200))
def test_whatever_comes_is_answered_without_the_figures_or_an_error(noise: bytes) -> None:
    said = answer(noise + b"\r\n\r\n", NAMES, Pages(lambda: True, lambda: ("text/plain", TEXT)))
    assert said.startswith(b"HTTP/1.1 4")
    assert b"access-control" not in said.lower()


def test_an_address_of_ones_own_on_loopback_is_taken() -> None:
    names = names_of(TcpListen("127.8.0.1", 9464))
    head = b"GET /healthz HTTP/1.1\r\nHost: 127.8.0.1:9464\r\n\r\n"
    assert answer(head, names, Pages(lambda: True, lambda: ("", b""))).startswith(b"HTTP/1.1 200 ")
