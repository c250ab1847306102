import json
import socket
import threading
from pathlib import Path

import pytest

from admin.operations.poke import poke
from config.home import Home
from proxy.server.socket_path import control_path, short_address
from tests.support.control import claim_home


def answering(home: Home, reply: bytes, heard: list[object]) -> threading.Thread:
    """Start a control socket that answers one request."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_address(control_path(home)) as address:
        listener.bind(address)
    claim_home(home)
    listener.listen()

    def answer() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            heard.append(json.loads(connection.recv(4096)))
            connection.sendall(reply)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create()
    return made


def test_without_a_proxy_nothing_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    poke(home)
    assert capsys.readouterr() == ("", "")


def test_a_running_proxy_is_told_to_reload(home: Home) -> None:
    heard: list[object] = []
    thread = answering(home, b"{}\n", heard)
    poke(home)
    thread.join(10)
    assert heard == [{"op": "reload"}]


def test_a_proxy_that_does_not_take_it_up_is_a_warning(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = answering(home, b'{"error": "no", "exit_code": 1}\n', [])
    poke(home)
    thread.join(10)
    assert capsys.readouterr().err.startswith("warning: the running proxy")
