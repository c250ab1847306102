"""What becomes of faults of the page: a constant answer, a line of the log, and nothing of their text."""

import json
import socket
from collections.abc import Iterator

import pytest

from admin.web.place import WebPlace
from admin.web.serving import PageServer, Wish
from config.home import Home
from proxy.vault.inventory import Inventory
from tests.support.command_line import CommandLine
from tests.support.vaults import reopen
from tests.support.web import ANY, PATIENCE, Browser, api_token

CANARY = "canary-2f7d9b0c4a61"
UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
STRANGE = (b"\x16\x03\x01\r\n\r\n", UPGRADE)


class Broken(WebPlace):
    """A home of which every look at its secrets is a fault that nobody foresaw."""

    def inventory(self) -> Inventory:
        raise ArithmeticError(CANARY)


@pytest.fixture
def page(keyhatch: CommandLine) -> Iterator[PageServer]:
    home = Home(keyhatch.home)
    with reopen(home) as vault:
        page = PageServer(Broken(home, {}, vault), Wish(ANY))
        page.start()
        yield page
        page.stop()


def test_a_fault_is_told_by_its_type(
    page: PageServer, keyhatch: CommandLine, caplog: pytest.LogCaptureFixture
) -> None:
    token = api_token(Home(keyhatch.home))
    program = Browser(page, extra={"Host": f"127.0.0.1:{page.front.port}"})
    answer = program.get("/api/v1/connectors", Authorization=f"Bearer {token}")
    assert (answer.status, json.loads(answer.text)["code"]) == (500, "failed")
    assert "ArithmeticError" in answer.text
    assert "frame-ancestors" in answer.headers["content-security-policy"]
    page.stop()
    assert "fault in the page: ArithmeticError" in caplog.text
    assert CANARY not in f"{answer} {caplog.text}"


def test_nobody_fills_the_log_with_what_is_no_request(
    page: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    for said in STRANGE:
        with socket.create_connection(("127.0.0.1", page.front.port), PATIENCE) as line:
            line.sendall(said)
            assert line.recv(12)[:9] == b"HTTP/1.1 "
    page.stop()
    assert caplog.records == []
