"""Which server a connector's own dial entries are for, and which not."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from config.connector import Connector, ConnectorType, DialAddress
from config.destination import DestinationPattern
from proxy.oauth.driver import HttpDriver
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.endpoints import Endpoints
from tests.support.endpoints import Ask, send
from tests.support.scripted import ScriptedOrigin

HOST = "api.example.com"
CONNECTOR = Connector(
    slug="crm",
    id="crm",
    name="CRM",
    type=ConnectorType.OAUTH,
    destinations=(DestinationPattern("https", HOST, 443),),
    placements=(),
)


def answer(stream: socket.socket, _head: bytes) -> None:
    stream.sendall(b"HTTP/1.1 204 X\r\n\r\n")


def dial_to(origin: ScriptedOrigin) -> DialAddress:
    return DialAddress("127.0.0.1", int(origin.dial.rpartition(":")[2]))


def reached(driver: HttpDriver, host: str) -> bool:
    """Tell whether a host is reached, all of which are on loopback; else the address is refused."""
    try:
        return send(driver, Ask(f"https://{host}/", "GET")).status == 204
    except EndpointUnreachableError as error:
        assert "not a public one" in str(error)  # noqa: PT017 - one of two right answers
        return False


@pytest.mark.parametrize("which", ["service", "authorization"])
def test_dial_is_for_the_connector_s_own_hosts_only(tmp_path: Path, which: str) -> None:
    with ScriptedOrigin(answer, hosts=(HOST, "localhost")) as origin:
        roots = tmp_path / "roots.pem"
        roots.write_bytes(origin.ca_pem)
        connector = replace(CONNECTOR, dial=dial_to(origin))
        driver = getattr(Endpoints(roots), which)(connector)
        assert [reached(driver, host) for host in (HOST, "localhost")] == [True, False]


def test_token_dial_is_for_the_authorization_server_only(tmp_path: Path) -> None:
    with ScriptedOrigin(answer, hosts=(HOST, "localhost")) as origin:
        roots = tmp_path / "roots.pem"
        roots.write_bytes(origin.ca_pem)
        connector = replace(CONNECTOR, token_dial=dial_to(origin))
        endpoints = Endpoints(roots)
        assert reached(endpoints.authorization(connector), "localhost")
        assert not reached(endpoints.service(connector), "localhost")
