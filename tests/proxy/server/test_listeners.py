import os
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from config.errors import ConflictError, KeyhatchError
from config.listen import TcpListen, UnixListen
from proxy.server.listeners import bind_listener
from proxy.server.socket_path import short_address


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_socket_and_the_folder_that_is_made_for_it_are_our_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "x.sock"
    before = os.umask(0)
    try:
        with closing(bind_listener(UnixListen(path))):
            assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    finally:
        os.umask(before)


@pytest.mark.parametrize("open_to", [0o750, 0o701, 0o777])
def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path, open_to: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(open_to)
    with pytest.raises(KeyhatchError, match="open to other users") as caught:
        bind_listener(UnixListen(folder / "x.sock"))
    assert "chmod 700" in caught.value.hint
    assert list(folder.iterdir()) == []


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "real")
    with pytest.raises(KeyhatchError, match="not a folder of your own"):
        bind_listener(UnixListen(tmp_path / "run" / "x.sock"))


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "x.sock"
    bind_listener(UnixListen(path)).close()
    assert path.exists()
    with closing(bind_listener(UnixListen(path))):
        assert mode(path) == 0o600


def test_a_socket_that_is_listened_on_is_left_to_its_owner(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "x.sock"
    with closing(bind_listener(UnixListen(path))) as first:
        first.listen()
        with pytest.raises(ConflictError, match="in use"):
            bind_listener(UnixListen(path))
        with socket.socket(socket.AF_UNIX) as client, short_address(path) as address:
            client.connect(address)


def test_a_file_in_its_place_stays(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "x.sock"
    path.write_text("mine")
    with pytest.raises(ConflictError, match="something else"):
        bind_listener(UnixListen(path))
    assert path.read_text() == "mine"


def test_a_path_deeper_than_a_socket_address_may_be(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir(mode=0o700)
    with closing(bind_listener(UnixListen(folder / "x.sock"))):
        assert (folder / "x.sock").is_socket()


@pytest.mark.parametrize("missing", ["gone/run/x.sock"])
def test_a_folder_in_no_folder_is_an_error_that_a_person_can_read(
    tmp_path: Path, missing: str
) -> None:
    with pytest.raises(KeyhatchError, match="cannot listen at") as caught:
        bind_listener(UnixListen(tmp_path / missing))
    assert caught.value.hint


def test_a_port_that_is_taken_is_a_conflict() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = TcpListen("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(ConflictError, match=f"{place} is in use"):
            bind_listener(place)


def test_small_writes_to_its_clients_do_not_wait_for_each_other() -> None:
    """asyncio sees to that for sockets that were made for TCP by name; else it is 40 ms on Linux."""
    with closing(bind_listener(TcpListen("127.0.0.1", 0))) as listener:
        assert listener.proto == socket.IPPROTO_TCP
