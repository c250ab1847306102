import json
import os
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from admin.audit.log import AuditLog, Record

FIRST, SECOND = "000000000001.jsonl", "000000000011.jsonl"


def line(number: int, **more: object) -> bytes:
    return json.dumps({"id": number, **more}).encode() + b"\n"


def ids(records: object) -> list[object]:
    assert isinstance(records, list)
    return [record["id"] for record in records]


def everything(_record: Record) -> bool:
    return True


def test_the_newest_records_come_last_and_span_files(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(b"".join(map(line, range(5))))
    (tmp_path / SECOND).write_bytes(b"".join(map(line, range(5, 8))))
    assert ids(AuditLog(tmp_path).newest(5, everything)) == [3, 4, 5, 6, 7]


def test_only_wanted_records_are_counted(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(b"".join(map(line, range(10))))

    def even(record: Record) -> bool:
        return int(str(record["id"])) % 2 == 0

    assert ids(AuditLog(tmp_path).newest(2, even)) == [6, 8]
    assert ids(list(AuditLog(tmp_path).all(even))) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("block", [1, 7, 64])
def test_lines_are_whole_wherever_a_block_ends(tmp_path: Path, block: int) -> None:
    (tmp_path / FIRST).write_bytes(b"".join(map(line, range(40))))
    assert ids(AuditLog(tmp_path, block=block).newest(40, everything)) == list(range(40))


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(line(1) + b'{"id": 2, "ti\n[]\n' + line(3))
    assert ids(AuditLog(tmp_path).newest(9, everything)) == [1, 3]
    assert ids(list(AuditLog(tmp_path).all(everything))) == [1, 3]


def test_other_files_in_the_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(line(1))
    for name in ("notes.jsonl", "1.jsonl", f"{FIRST}.bak", f".{FIRST}"):
        (tmp_path / name).write_bytes(line(2))
    assert ids(AuditLog(tmp_path).newest(9, everything)) == [1]


def test_following_goes_on_where_the_newest_ended_and_into_the_next_file(tmp_path: Path) -> None:
    first, second = tmp_path / FIRST, tmp_path / SECOND
    first.write_bytes(line(1))
    writes = [
        (first, line(1) + line(2) + b'{"id": '),
        (first, line(1) + line(2) + line(3)),
        (second, line(4)),
        (second, line(4) + line(5)),
    ]

    def come(_seconds: float) -> None:
        path, content = writes.pop(0)
        path.write_bytes(content)

    log = AuditLog(tmp_path)
    log.newest(10, everything)
    assert ids(list(islice(log.follow(come), 4))) == [2, 3, 4, 5]


def test_a_file_that_goes_while_it_is_followed_is_passed_over(tmp_path: Path) -> None:
    first, second = tmp_path / FIRST, tmp_path / SECOND
    first.write_bytes(line(1))
    log = AuditLog(tmp_path)
    log.newest(10, everything)
    second.write_bytes(line(2))
    first.unlink()
    assert ids(list(log.fresh())) == [2]


def test_files_from_before_the_time_are_left_out(tmp_path: Path) -> None:
    for name, number in ((FIRST, 1), (SECOND, 2)):
        (tmp_path / name).write_bytes(line(number))
    os.utime(tmp_path / FIRST, (1_000, 1_000))
    log = AuditLog(tmp_path, since=datetime.fromtimestamp(2_000, UTC))
    assert ids(log.newest(5, everything)) == ids(list(log.all(everything))) == [2]


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    assert AuditLog(tmp_path).newest(5, everything) == []
