"""What is refused in the place of a file or folder of the home."""

import os
import socket
from pathlib import Path

import pytest

from config.errors import KeyhatchError
from config.files import open_private, read_private
from config.private import require_private


def refusal(path: Path) -> KeyhatchError:
    with pytest.raises(KeyhatchError) as caught:
        require_private(path, path.lstat(), 0o600)
    assert caught.value.hint
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o600)
    return path


def test_a_closed_file_of_ours_is_fine(file: Path) -> None:
    require_private(file, file.lstat(), 0o600)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o620, 0o700, 0o610])
def test_a_mode_beyond_what_it_may_have_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert f"mode {mode:04o}" in str(refusal(file))


def test_a_symbolic_link_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    assert "symbolic link" in str(refusal(tmp_path / "link"))


def test_a_second_name_is_refused_and_the_hint_takes_it_away(file: Path, tmp_path: Path) -> None:
    (tmp_path / "second").hardlink_to(file)
    hint = refusal(file).hint
    assert os.waitstatus_to_exitcode(os.system(hint.split("`")[1])) == 0
    require_private(file, file.lstat(), 0o600)
    assert file.read_bytes() == b"x"


def test_a_pipe_and_a_socket_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket"):
            assert "not a plain file" in str(refusal(tmp_path / name))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(file: Path) -> None:
    os.chown(file, 12345, -1)
    assert "another user" in str(refusal(file))


class TestOpening:
    def test_a_file_that_is_made_is_for_its_owner_whatever_the_umask(self, tmp_path: Path) -> None:
        kept = os.umask(0)
        try:
            os.close(open_private(tmp_path / "new", os.O_RDWR | os.O_CREAT))
        finally:
            os.umask(kept)
        require_private(tmp_path / "new", (tmp_path / "new").lstat(), 0o600)

    def test_i08_what_lies_in_its_place_is_not_followed_or_written(self, tmp_path: Path) -> None:
        """I08: a link that was swapped in, to a file that is there or to one that is not."""
        target = tmp_path / "target"
        (tmp_path / "link").symlink_to(target)
        for _ in range(2):
            with pytest.raises(OSError, match="symbolic"):
                open_private(tmp_path / "link", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            target.write_bytes(b"kept")
        assert target.read_bytes() == b"kept"

    def test_a_pipe_without_a_writer_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(KeyhatchError, match="not a plain file"):
            read_private(tmp_path / "pipe")

    def test_a_refused_file_leaves_no_descriptor_open(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "second").hardlink_to(file)
        free = os.dup(0)
        os.close(free)
        with pytest.raises(KeyhatchError, match="second name"):
            read_private(file)
        again = os.dup(0)
        os.close(again)
        assert again == free
