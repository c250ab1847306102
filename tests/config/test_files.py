"""Private files: whole or not at all, one writer at a time."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from config.errors import KeyhatchError
from config.files import exclusive_lock, read_private, write_private


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_written_closed_to_others(tmp_path: Path) -> None:
    write_private(tmp_path / "f", b"x")
    assert read_private(tmp_path / "f") == b"x"
    assert _mode(tmp_path / "f") == 0o600


def test_a_loose_file_is_replaced_by_a_closed_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "f").chmod(0o644)
    write_private(tmp_path / "f", b"new")
    assert _mode(tmp_path / "f") == 0o600


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "f"
    target.mkdir()
    with pytest.raises(KeyhatchError, match="cannot write"):
        write_private(target, b"new")
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_folder_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(KeyhatchError, match="no/f"):
        write_private(tmp_path / "no" / "f", b"")


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    """An open reader keeps the old file: the new one is another inode."""
    target = tmp_path / "f"
    write_private(target, b"old")
    with target.open("rb") as reader:
        write_private(target, b"new and longer")
        assert reader.read() == b"old"


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(OSError, match="symbolic"):
        read_private(tmp_path / "link")
    write_private(tmp_path / "link", b"new")
    assert (tmp_path / "real").read_bytes() == b"x"


def _count_up(folder: str, rounds: int) -> None:
    path = Path(folder) / "n"
    for _ in range(rounds):
        with exclusive_lock(Path(folder) / "lock"):
            write_private(path, str(int(read_private(path)) + 1).encode())


def test_the_lock_keeps_other_processes_out(tmp_path: Path) -> None:
    write_private(tmp_path / "n", b"0")
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_count_up, args=(str(tmp_path), 20)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert read_private(tmp_path / "n") == b"60"


def test_the_lock_ends_with_the_block_even_if_it_raises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), exclusive_lock(tmp_path / "lock"):
        raise ValueError("x")
    with exclusive_lock(tmp_path / "lock"):
        assert list(tmp_path.iterdir()) == [tmp_path / "lock"]
