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
ROUNDS = 60 if os.environ.get("KEYHATCH_LONG") else 4
WRITERS = 3


def killed_writers(folder: Path, round_number: int, moment: random.Random) -> list[str]:
    """Let writers run until each was killed; return the names of all that had returned."""
    returned = []
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.support.journal_child", str(folder), name],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for name in (f"{round_number}.{writer}" for writer in range(WRITERS))
        ]
        for writer, process in enumerate(writers):
            assert process.stdout is not None
            for _ in range(moment.randrange(1, 120)):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().splitlines()
            # The last line may have been cut short in the pipe; the one before it was whole.
            count = int(rest[-2]) + 1 if len(rest) > 1 else 0
            returned += [f"{round_number}.{writer}-{number}-" for number in range(count)]
    return returned


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
