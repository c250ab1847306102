"""Several processes write one journal and are killed at any moment: what was written stays provable.

The short form is part of every run; `make faults` is the long one.
"""

import os
import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.journals import kinds, lines_of, verified, write_records

ROOT = Path(__file__).parents[2]
ROUNDS = 40 if os.environ.get("KEYHATCH_LONG") else 4
WRITERS = 3


def killed_writers(folder: Path, round_number: int, moment: random.Random) -> list[str]:
    """Let writers run until each was killed; return the names of all records that had returned."""
    names = [f"{round_number}.{writer}" for writer in range(WRITERS)]
    returned = []
    with ExitStack() as stack:
        writers = [
            stack.enter_context(writer_of(folder, name, moment.uniform(0.0005, 0.06)))
            for name in names
        ]
        for process in writers:
            assert process.stdin is not None
            process.stdin.close()  # all are told to begin
        for name, process in zip(names, writers, strict=True):
            assert process.stdout is not None
            # What stands behind the last line break may be a part of a number.
            count = process.stdout.read().count("\n")
            returned += [f"{name}-{number}-" for number in range(count)]
            assert process.wait(60) == -signal.SIGALRM
    return returned


def writer_of(folder: Path, name: str, seconds: float) -> "subprocess.Popen[str]":
    child = [sys.executable, "-m", "tests.support.journal_child", str(folder), name, str(seconds)]
    return subprocess.Popen(
        child, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.timeout(1200)
def test_a_journal_whose_writers_are_killed_fits_and_has_all_that_returned(tmp_path: Path) -> None:
    moment = random.Random(20260509)
    returned: list[str] = []
    for round_number in range(ROUNDS):
        returned += killed_writers(tmp_path, round_number, moment)
        report = verified(tmp_path)
        assert kinds(report) == []
    head = write_records(tmp_path, 1)
    report = verified(tmp_path, head)
    assert kinds(report) == []
    content = b"".join(lines_of(tmp_path))
    assert [name for name in returned if f'"id":"{name}'.encode() not in content] == []
    print(f"{report.records} records in {report.files} files, {len(report.remarks)} cut short")


def test_a_kill_in_the_middle_of_a_line_is_told_from_tampering(tmp_path: Path) -> None:
    """A line longer than a page is not written at once, so a kill may leave a part of it."""
    head = write_records(tmp_path, 2)
    [file] = sorted(tmp_path.iterdir())
    whole = file.read_bytes()
    for cut in range(1, 200, 7):
        file.write_bytes(whole + whole[:cut])
        after = write_records(tmp_path, 1, known=head)
        assert kinds(verified(tmp_path, head, after)) == []
        file.write_bytes(whole)
