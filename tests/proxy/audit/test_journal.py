import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.audit.journal import AuditUnavailableError, Journal

NOW = datetime(2026, 5, 9, 23, 59, 59, tzinfo=UTC)
LATER = datetime(2026, 5, 10, 0, 0, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from proxy.audit.journal import Journal
journal, name = Journal(Path(sys.argv[1])), sys.argv[2]
sys.stdin.read()
for number in range(300):
    padding = name * (number * 97 % 9000)
    line = f'{{"writer":"{name}","number":{number},"padding":"{padding}"}}'.encode()
    journal.append(datetime(2026, 5, 9, tzinfo=UTC), line + b"\\n")
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    yield made
    made.close()


def today(folder: Path) -> Path:
    return folder / "2026-05-09.jsonl"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: the kernel cuts a write short, then refuses."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def test_a_line_is_in_the_file_when_append_returns(journal: Journal, tmp_path: Path) -> None:
    journal.append(NOW, b'{"a":1}\n')
    assert today(tmp_path).read_bytes() == b'{"a":1}\n'


def test_each_day_in_utc_has_its_file(journal: Journal, tmp_path: Path) -> None:
    journal.append(NOW, b"1\n")
    journal.append(LATER, b"2\n")
    journal.append(NOW, b"3\n")
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert files == {"2026-05-09.jsonl": b"1\n3\n", "2026-05-10.jsonl": b"2\n"}


def test_what_is_there_is_never_overwritten(journal: Journal, tmp_path: Path) -> None:
    today(tmp_path).write_bytes(b"old\n")
    journal.append(NOW, b"new\n")
    assert today(tmp_path).read_bytes() == b"old\nnew\n"


def test_files_are_for_their_owner_only(journal: Journal, tmp_path: Path) -> None:
    kept = os.umask(0)
    try:
        journal.append(NOW, b"1\n")
    finally:
        os.umask(kept)
    assert stat.S_IMODE(today(tmp_path).stat().st_mode) == 0o600


def test_a_symbolic_link_is_not_followed(journal: Journal, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    today(tmp_path).symlink_to(elsewhere)
    with pytest.raises(AuditUnavailableError):
        journal.append(NOW, b"1\n")
    assert elsewhere.read_bytes() == b""


def test_invariant_03_a_missing_folder_is_an_error_and_a_new_one_is_taken_up(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "audit"
    journal = Journal(folder)
    with pytest.raises(AuditUnavailableError):
        journal.append(NOW, b"1\n")
    folder.mkdir()
    journal.append(NOW, b"2\n")
    assert today(folder).read_bytes() == b"2\n"
    journal.close()


def test_invariant_03_a_full_disk_is_an_error_and_spoils_no_other_line(
    journal: Journal, tmp_path: Path
) -> None:
    """K08: the line that was cut short stays torn, the next begins on its own."""
    journal.append(NOW, b'{"number":1}\n')
    with room_for(today(tmp_path).stat().st_size + 5):
        for _ in range(2):  # cut short, then refused
            with pytest.raises(AuditUnavailableError):
                journal.append(NOW, b'{"number":2}\n')
    journal.append(NOW, b'{"number":3}\n')
    assert today(tmp_path).read_bytes() == b'{"number":1}\n{"num\n{"number":3}\n'


def test_a_line_torn_by_another_process_is_closed_off(tmp_path: Path, journal: Journal) -> None:
    today(tmp_path).write_bytes(b'{"number":1')
    journal.append(NOW, b'{"number":2}\n')
    assert today(tmp_path).read_bytes() == b'{"number":1\n{"number":2}\n'


def test_a_file_that_was_deleted_is_made_anew(journal: Journal, tmp_path: Path) -> None:
    """What goes into a deleted file is on no record."""
    journal.append(NOW, b"1\n")
    today(tmp_path).unlink()
    journal.append(NOW, b"2\n")
    assert today(tmp_path).read_bytes() == b"2\n"


def test_a_file_that_was_moved_away_keeps_what_comes(journal: Journal, tmp_path: Path) -> None:
    journal.append(NOW, b"1\n")
    moved = today(tmp_path).rename(tmp_path / "moved")
    journal.append(NOW, b"2\n")
    assert moved.read_bytes() == b"1\n2\n"


def test_the_error_names_neither_the_line_nor_the_path(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "2026-05-09.jsonl").mkdir()
    with pytest.raises(AuditUnavailableError) as caught:
        journal.append(NOW, b"canary-7d1f\n")
    assert "canary-7d1f" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_lines_of_several_processes_stay_whole(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )
        for name in "abc"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()  # all are told to begin
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    # One that begins while another writes may put an empty line between lines, never into one.
    records = [json.loads(line) for line in today(tmp_path).read_bytes().splitlines() if line]
    for name in "abc":
        numbers = [record["number"] for record in records if record["writer"] == name]
        assert numbers == list(range(300))
