"""sd_notify(3), as a service manager hears it."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.server.supervisor import tell_supervisor
from tests.support.origin import Origin
from tests.support.service import make_site, service


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


def test_it_is_told(heard: socket.socket) -> None:
    tell_supervisor({"NOTIFY_SOCKET": heard.getsockname()})
    assert heard.recv(100) == b"READY=1"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_understood() -> None:
    name = f"keyhatch-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        listening.settimeout(30)
        tell_supervisor({"NOTIFY_SOCKET": f"@{name}"})
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "/nowhere/at/all", "/" + "x" * 200])
def test_where_nobody_can_be_told_nothing_happens(address: str | None) -> None:
    tell_supervisor({} if address is None else {"NOTIFY_SOCKET": address})


def test_the_proxy_is_ready_and_its_certificates_lie_there_when_it_says_so(
    heard: socket.socket, tmp_path: Path
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    with Origin() as origin:
        site = make_site(tmp_path, origin)
        environ = {**os.environ, "NOTIFY_SOCKET": heard.getsockname()}
        with service(site, "--ca-folder", str(folder), environ=environ) as running:
            assert heard.recv(100) == b"READY=1"
            assert running.client().get()[0] == 200
            first = (folder / "ca.pem").read_bytes()
            site.write(site.text.replace("[api.hubapi.com]", "[api.hubapi.com, new.example]"))
            running.reload()
            assert (folder / "ca.pem").read_bytes() != first
