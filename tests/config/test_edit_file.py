"""The file on disk: one editor at a time, written whole or not at all."""

import multiprocessing
from pathlib import Path

import pytest

from config.edit import LOCK_NAME, edit_file, initial_text
from config.errors import KeyhatchError
from config.files import write_private
from config.home import Home
from config.load import read_registry
from tests.support.config_texts import OPENAI


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    write_private(home.connectors, initial_text().encode())
    return home


def test_the_file_is_written_when_the_block_ends(home: Home) -> None:
    with edit_file(home) as file:
        file.add_connector("a", OPENAI)
        assert "a" not in read_registry(home).connectors
    assert "a" in read_registry(home).connectors
    assert home.connectors.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_when_the_block_raises(home: Home) -> None:
    def fail() -> None:
        with edit_file(home) as file:
            file.add_connector("a", OPENAI)
            raise KeyhatchError("no")

    with pytest.raises(KeyhatchError):
        fail()
    assert home.connectors.read_text() == initial_text()
    assert {path.name for path in home.root.iterdir()} == {"connectors.yaml", LOCK_NAME}


def test_an_unchanged_file_is_not_written(home: Home) -> None:
    before = home.connectors.stat().st_ino
    with edit_file(home):
        pass
    assert home.connectors.stat().st_ino == before


def _add_several(root: str, worker: int, count: int) -> None:
    for number in range(count):
        with edit_file(Home(Path(root))) as file:
            file.add_connector(f"w{worker}-{number}", OPENAI)


def test_processes_that_edit_at_once_lose_nothing(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_add_several, args=(str(home.root), worker, 10))
        for worker in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    expected = {f"w{worker}-{number}" for worker in range(4) for number in range(10)}
    assert set(read_registry(home).connectors) == expected
