import errno
import fcntl
import itertools
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from config.audit import Rotation
from proxy.audit.chain import START, ChainKey, Head
from proxy.audit.files import journal_files
from proxy.audit.journal import AuditUnavailableError, Journal
from tests.support.journals import KEY, NOW, a_record, kinds, lines_of, verified, write_records

ROOT = Path(__file__).parents[3]

WRITER = """
import sys
from pathlib import Path
from proxy.audit.journal import Journal
from config.audit import Rotation
from tests.support.journals import KEY, NOW, a_record
journal = Journal(Path(sys.argv[1]), KEY, rotation=Rotation(max_size=40_000))
sys.stdin.read()
for number in range(200):
    journal.append(NOW, a_record(sys.argv[2] + "x" * (number * 97 % 9000)))
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path, KEY)
    yield made
    made.close()


def only(folder: Path) -> Path:
    [file] = journal_files(folder)
    return file


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in lines_of(folder)]


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
    journal.append(NOW, a_record())
    assert only(tmp_path).name == "000000000001.jsonl"
    assert json.loads(only(tmp_path).read_bytes())["event"] == "intent"
    assert journal.head.seq == 1


def test_a_journal_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    write_records(tmp_path, 3)
    head = write_records(tmp_path, 2)
    report = verified(tmp_path, head)
    assert (kinds(report), report.records, report.head) == ([], 5, head)


def test_files_are_for_their_owner_only(journal: Journal, tmp_path: Path) -> None:
    kept = os.umask(0)
    try:
        journal.append(NOW, a_record())
    finally:
        os.umask(kept)
    assert stat.S_IMODE(only(tmp_path).stat().st_mode) == 0o600


def test_a_symbolic_link_is_not_followed(journal: Journal, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    (tmp_path / "000000000001.jsonl").symlink_to(elsewhere)
    with pytest.raises(AuditUnavailableError):
        journal.append(NOW, a_record())
    assert elsewhere.read_bytes() == b""


def test_invariant_03_a_missing_folder_is_an_error_and_a_new_one_is_taken_up(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "audit"
    journal = Journal(folder, KEY)
    with pytest.raises(AuditUnavailableError):
        journal.append(NOW, a_record())
    folder.mkdir()
    journal.append(NOW, a_record())
    assert len(lines_of(folder)) == 1
    journal.close()


def test_invariant_03_a_full_disk_is_an_error_and_leaves_no_half_a_line(
    journal: Journal, tmp_path: Path
) -> None:
    """K08, at the file's seam: cut short, then refused; what was cut short is taken back."""
    journal.append(NOW, a_record())
    with room_for(only(tmp_path).stat().st_size + 5):
        for _ in range(2):
            with pytest.raises(AuditUnavailableError):
                journal.append(NOW, a_record())
    journal.append(NOW, a_record())
    report = verified(tmp_path, journal.head)
    assert (kinds(report), report.remarks, report.records) == ([], [], 2)


def test_a_line_cut_short_by_a_kill_is_closed_off_and_named(
    journal: Journal, tmp_path: Path
) -> None:
    write_records(tmp_path, 1)
    whole = only(tmp_path).read_bytes()
    only(tmp_path).write_bytes(whole + whole[:57])
    journal.append(NOW, a_record())
    report = verified(tmp_path, journal.head)
    assert kinds(report) == []
    assert [(str(r.place), "cut short" in r.message) for r in report.remarks] == [
        (f"{only(tmp_path).name}:2", True)
    ]


def test_a_file_that_was_cut_while_it_was_open_stays_known_to_be(
    journal: Journal, tmp_path: Path
) -> None:
    """The next writer must not count on from what an intruder left."""
    for _ in range(3):
        journal.append(NOW, a_record())
    os.truncate(only(tmp_path), len(lines_of(tmp_path)[0]))
    journal.append(NOW, a_record())
    assert events(tmp_path) == ["intent", "gap", "intent"]
    assert kinds(verified(tmp_path, journal.head)) == ["missing"]


def test_a_file_that_was_cut_in_the_midst_of_a_write_is_known_to_be(tmp_path: Path) -> None:
    """Whoever cuts it waits for no turn: what was being written then stands alone in the file."""

    is_cut_now = iter([False, False, True])

    class Cutting(ChainKey):
        def mac(self, text: bytes) -> str:
            if next(is_cut_now, False):
                os.truncate(only(tmp_path), 0)
            return super().mac(text)

    journal = Journal(tmp_path, Cutting(bytes(range(32))))
    for _ in range(4):
        journal.append(NOW, a_record())
    journal.close()
    assert events(tmp_path) == ["intent", "gap", "intent"]
    assert kinds(verified(tmp_path, journal.head)) == ["missing"]


def test_a_file_that_was_cut_while_nothing_ran_shows_by_what_was_sealed(tmp_path: Path) -> None:
    head = write_records(tmp_path, 3)
    os.truncate(only(tmp_path), len(lines_of(tmp_path)[0]))
    assert kinds(verified(tmp_path, head)) == ["cut-off"]
    after = write_records(tmp_path, 1, known=head)
    report = verified(tmp_path, head, after)
    assert kinds(report) == ["missing"]
    assert json.loads(lines_of(tmp_path)[1])["event"] == "gap"


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_file_that_is_gone_is_gone_for_the_record_too(
    journal: Journal, tmp_path: Path, how: str
) -> None:
    """K08, rotated away by somebody else: what goes into it then would be on no record."""
    journal.append(NOW, a_record())
    if how == "deleted":
        only(tmp_path).unlink()
    else:
        only(tmp_path).rename(tmp_path / "moved")
    journal.append(NOW, a_record())
    assert only(tmp_path).name == "000000000002.jsonl"
    assert kinds(verified(tmp_path, journal.head)) == ["missing"]


def test_a_folder_that_was_replaced_is_found_under_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    journal = Journal(folder, KEY)
    journal.append(NOW, a_record())
    folder.rename(tmp_path / "aside")
    folder.mkdir()
    journal.append(NOW, a_record())
    assert len(lines_of(folder)) == 2  # a gap, and the record
    journal.close()


def test_a_line_that_nobody_signed_is_not_gone_on_from(journal: Journal, tmp_path: Path) -> None:
    head = write_records(tmp_path, 2)
    forged = lines_of(tmp_path)[0].replace(b'"seq":1,', b'"seq":900,')
    with only(tmp_path).open("ab") as file:
        file.write(forged)
    journal.append(NOW, a_record())
    assert journal.head.seq == head.seq + 1
    assert kinds(verified(tmp_path, journal.head)) == ["edited"]


def test_the_error_names_neither_the_line_nor_the_path(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "000000000001.jsonl").mkdir()
    with pytest.raises(AuditUnavailableError) as caught:
        journal.append(NOW, a_record("canary-7d1f"))
    assert "canary-7d1f" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_writer_that_was_stopped_with_the_turn_stops_nobody_for_long(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY, patience=0.01)
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(AuditUnavailableError, match="another process"):
        journal.append(NOW, a_record())
    os.close(held)
    journal.append(NOW, a_record())
    assert journal.head.seq == 1
    journal.close()


def test_a_clock_that_goes_back_does_not_disturb_the_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path, KEY, rotation=Rotation(max_age=timedelta(hours=1)))
    for hours in (0, -48, 48, -48):
        journal.append(NOW + timedelta(hours=hours), a_record())
    journal.close()
    report = verified(tmp_path, journal.head)
    assert kinds(report) == []
    assert [json.loads(line)["seq"] for line in lines_of(tmp_path)] == list(range(1, 6))


def test_lines_of_several_processes_make_one_chain_across_rotations(tmp_path: Path) -> None:
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
    report = verified(tmp_path)
    assert (kinds(report), report.remarks) == ([], [])
    assert report.files > 10
    records = [json.loads(line) for line in lines_of(tmp_path)]
    ids = [record["id"] for record in records if record["event"] == "intent"]
    assert len(ids) == 600


def test_what_is_sealed_is_on_disk_first(journal: Journal, tmp_path: Path) -> None:
    assert journal.checkpoint() is None
    journal.append(NOW, a_record())
    checkpoint = journal.checkpoint()
    assert checkpoint is not None
    assert checkpoint.head == journal.head
    checkpoint.sync()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        checkpoint.sync()  # its descriptors are released
    assert journal.head != START
    assert only(tmp_path).exists()


class TestRotation:
    def test_a_file_that_is_full_is_ended_and_the_next_goes_on_from_it(
        self, tmp_path: Path
    ) -> None:
        head = write_records(tmp_path, 10, rotation=Rotation(max_size=1000))
        files = journal_files(tmp_path)
        assert len(files) > 2
        assert kinds(verified(tmp_path, head)) == []
        for before, after in itertools.pairwise(files):
            last = json.loads(before.read_bytes().splitlines()[-1])
            first = json.loads(after.read_bytes().splitlines()[0])
            assert last["event"] == "rotate"
            assert first["seq"] == last["seq"] + 1 == int(after.stem)

    def test_a_file_that_is_old_is_ended(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path, KEY)
        for days in (0, 0.9, 1.1):
            journal.append(NOW + timedelta(days=days), a_record())
        journal.close()
        assert [path.name for path in journal_files(tmp_path)] == [
            "000000000001.jsonl",
            "000000000004.jsonl",
        ]

    def test_its_age_is_known_after_a_start(self, tmp_path: Path) -> None:
        write_records(tmp_path, 1)
        journal = Journal(tmp_path, KEY)
        journal.append(NOW + timedelta(days=2), a_record())
        journal.close()
        assert len(journal_files(tmp_path)) == 2

    def test_whoever_dies_between_two_files_is_followed_by_one_who_begins_the_next(
        self, tmp_path: Path
    ) -> None:
        head = write_records(tmp_path, 4, rotation=Rotation(max_size=500))
        journal_files(tmp_path)[-1].unlink()
        before = journal_files(tmp_path)[-1].read_bytes().splitlines()[-1]
        assert json.loads(before)["event"] == "rotate"
        known = Head(int(json.loads(before)["seq"]), START.digest)
        assert known.seq < head.seq
        after = write_records(tmp_path, 1)
        assert kinds(verified(tmp_path, after)) == []

    def test_an_empty_file_is_gone_on_with(self, tmp_path: Path) -> None:
        head = write_records(tmp_path, 2)
        (tmp_path / "000000000003.jsonl").touch(0o600)
        after = write_records(tmp_path, 1)
        assert (after.seq, kinds(verified(tmp_path, head, after))) == (3, [])
        assert len(journal_files(tmp_path)) == 2


class TestRetention:
    def rotated(self, folder: Path, keep: Rotation, count: int = 10) -> Head:
        return write_records(folder, count, rotation=keep)

    def test_deleting_what_was_kept_long_enough_is_on_record(self, tmp_path: Path) -> None:
        head = self.rotated(tmp_path, Rotation(max_size=1000, keep_bytes=3000))
        assert journal_files(tmp_path)[0].name != "000000000001.jsonl"
        assert sum(path.stat().st_size for path in journal_files(tmp_path)) < 5000
        report = verified(tmp_path, head)
        assert kinds(report) == []
        assert "kept long enough" in report.remarks[0].message

    def test_what_is_older_than_it_must_be_kept_goes(self, tmp_path: Path) -> None:
        keep = Rotation(keep_for=timedelta(days=3))
        journal = Journal(tmp_path, KEY, rotation=keep)
        for day in range(10):
            now = NOW + timedelta(days=day)
            journal.append(now, a_record(time=now))
        journal.close()
        assert len(journal_files(tmp_path)) == 4
        assert kinds(verified(tmp_path, journal.head)) == []

    def test_deleting_one_more_by_hand_is_found(self, tmp_path: Path) -> None:
        head = self.rotated(tmp_path, Rotation(max_size=1000, keep_bytes=3000), count=20)
        journal_files(tmp_path)[0].unlink()
        assert kinds(verified(tmp_path, head)) == ["missing"]

    def test_without_a_word_nothing_is_deleted_for_its_size(self, tmp_path: Path) -> None:
        self.rotated(tmp_path, Rotation(max_size=500))
        assert journal_files(tmp_path)[0].name == "000000000001.jsonl"

    def test_a_kill_before_the_file_is_deleted_is_no_finding(self, tmp_path: Path) -> None:
        head = self.rotated(tmp_path, Rotation(max_size=500))
        first = journal_files(tmp_path)[0]
        kept = first.read_bytes()
        head = self.rotated(tmp_path, Rotation(max_size=500, keep_bytes=0))
        assert not first.exists()
        assert kinds(verified(tmp_path, head)) == []
        assert kept
