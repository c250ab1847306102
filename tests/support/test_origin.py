import gzip
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256

import pytest

from tests.support.origin import Check, Origin, basic_login, bearer, header, path_segment, query

KEY = "pat-eu1-0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@contextmanager
def client(origin: Origin) -> Iterator[http.client.HTTPSConnection]:
    """A connection that resolves the service's name to the loopback, as `dial` does."""
    context = ssl.create_default_context(cadata=origin.ca_pem.decode())
    connection = http.client.HTTPSConnection("api.hubapi.com", timeout=20)
    plain = socket.create_connection(("127.0.0.1", origin.port))
    connection.sock = context.wrap_socket(plain, server_hostname="api.hubapi.com")
    with closing(connection):
        yield connection


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as service:
        yield service


def fetch(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] = AUTHORIZED
) -> tuple[int, bytes]:
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


def test_only_the_right_key_is_let_in(origin: Origin) -> None:
    with client(origin) as connection:
        assert fetch(connection, "/crm/v3/objects/contacts")[0] == 200
        assert fetch(connection, "/crm/v3/objects/contacts", {})[0] == 401
        assert fetch(connection, "/", {"Authorization": "Bearer other"})[0] == 401


def test_two_keys_are_not_the_right_key(origin: Origin) -> None:
    with client(origin) as connection:
        connection.putrequest("GET", "/")
        connection.putheader("Authorization", f"Bearer {KEY}")
        connection.putheader("Authorization", f"Bearer {KEY}")
        connection.endheaders()
        assert connection.getresponse().status == 401


@pytest.mark.parametrize(
    ("check", "path", "headers"),
    [
        (header("x-api-key", KEY), "/", {"X-Api-Key": KEY}),
        (query("hapikey", KEY), f"/?a=1&hapikey={KEY}", {}),
        (
            basic_login("me", KEY),
            "/",
            {"Authorization": "Basic bWU6cGF0LWV1MS0wMTIzNDU2Nzg5YWJjZGVm"},
        ),
        (path_segment(f"/bot{KEY}"), f"/bot{KEY}/getMe", {}),
    ],
    ids=["header", "query", "basic", "path"],
)
def test_each_placement_can_be_asked_for(check: Check, path: str, headers: dict[str, str]) -> None:
    with (
        Origin(check, tls=False) as service,
        closing(http.client.HTTPConnection("127.0.0.1", service.port)) as connection,
    ):
        assert fetch(connection, path, headers)[0] == 200
        assert fetch(connection, "/", {})[0] == 401


def test_connections_are_kept_and_counted() -> None:
    with Origin() as service:
        with client(service) as connection:
            fetch(connection, "/one")
            fetch(connection, "/two")
        with client(service) as connection:
            fetch(connection, "/three")
        assert service.connections == 2
        assert [(r.connection, r.path) for r in service.requests] == [
            (1, "/one"),
            (1, "/two"),
            (2, "/three"),
        ]
        assert service.server_names == ["api.hubapi.com", "api.hubapi.com"]


def test_an_event_is_sent_only_when_released() -> None:
    with Origin() as service, client(service) as connection:
        connection.request("GET", "/events?count=2")
        response = connection.getresponse()
        service.gate.release()
        assert [response.readline() for _ in range(3)] == [b"id: 1\n", b"data: event 1\n", b"\n"]
        assert service.gate.passed == 1
        service.gate.release()
        assert b"event 2" in response.read()


def test_the_echo_shows_the_key_in_every_coding(origin: Origin) -> None:
    with client(origin) as connection:
        assert KEY in json.loads(fetch(connection, "/echo?pad=3")[1])["headers"][2][1]
        assert KEY.encode() in gzip.decompress(fetch(connection, "/echo/gzip")[1])
        assert KEY.encode().hex().encode() in fetch(connection, "/echo/hex")[1]
        assert KEY.encode() in fetch(connection, "/echo/pieces?size=1")[1]


def test_uploads_are_counted_and_hashed_with_and_without_length(origin: Origin) -> None:
    blocks = [b"a" * 70_000, b"b" * 70_000]
    wanted = {"bytes": 140_000, "sha256": sha256(b"".join(blocks)).hexdigest()}
    with client(origin) as connection:
        connection.request("POST", "/upload", body=b"".join(blocks), headers=AUTHORIZED)
        assert json.loads(connection.getresponse().read()) == wanted
        connection.request(
            "POST", "/upload", body=iter(blocks), headers=AUTHORIZED, encode_chunked=True
        )
        assert json.loads(connection.getresponse().read()) == wanted


def test_downloads_have_the_size_that_was_asked_for(origin: Origin) -> None:
    with client(origin) as connection:
        assert len(fetch(connection, "/download?bytes=300001")[1]) == 300_001
        assert len(fetch(connection, "/download?bytes=300001&chunked=1")[1]) == 300_001


def test_a_client_that_waits_is_told_to_go_on_only_with_the_key(origin: Origin) -> None:
    head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
    with client(origin) as connection:
        assert connection.sock is not None
        connection.sock.sendall(f"{head}Authorization: Bearer {KEY}\r\n\r\n".encode())
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    with client(origin) as connection:
        assert connection.sock is not None
        connection.sock.sendall(f"{head}\r\n".encode())
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_waiting_client_does_not_keep_the_service_from_stopping() -> None:
    with Origin() as service, client(service) as connection:
        connection.request("GET", "/gated")
        service.gate.release()
        assert connection.getresponse().status == 200
        connection.request("GET", "/gated")
