import json
import os
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from admin.audit.log import AuditLog, Cursor, Filter, Record, records_of

FIRST, SECOND = "000000000001.jsonl", "000000000011.jsonl"


def line(number: int, **more: object) -> bytes:
    return json.dumps({"id": number, **more}).encode() + b"\n"


def ids(records: object) -> list[object]:
    assert isinstance(records, list)
    return [record["id"] for record in records]


def everything(_record: Record) -> bool:
    return True


def newest(
    log: AuditLog, wanted: Filter = everything, since: datetime | None = None
) -> list[object]:
    return ids(list(records_of(log.before(log.end(), since), wanted)))


def oldest(
    log: AuditLog, wanted: Filter = everything, since: datetime | None = None
) -> list[object]:
    return ids(list(records_of(log.after(log.begin(since)), wanted)))


def test_reading_goes_from_file_to_file_both_ways(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(b"".join(map(line, range(5))))
    (tmp_path / SECOND).write_bytes(b"".join(map(line, range(5, 8))))
    assert newest(AuditLog(tmp_path)) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert oldest(AuditLog(tmp_path)) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_only_wanted_records_are_given(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(b"".join(map(line, range(10))))

    def even(record: Record) -> bool:
        return int(str(record["id"])) % 2 == 0

    assert newest(AuditLog(tmp_path), even) == [8, 6, 4, 2, 0]
    assert oldest(AuditLog(tmp_path), even) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("block", [1, 7, 64])
def test_lines_are_whole_wherever_a_block_ends(tmp_path: Path, block: int) -> None:
    (tmp_path / FIRST).write_bytes(b"".join(map(line, range(40))))
    log = AuditLog(tmp_path, block)
    assert newest(log) == list(range(39, -1, -1))
    for found in log.before(log.end()):
        assert next(log.after(found.at)).record == found.record


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(line(1) + b'{"id": 2, "ti\n[]\n' + line(3))
    assert newest(AuditLog(tmp_path)) == [3, 1]
    assert oldest(AuditLog(tmp_path)) == [1, 3]


def test_a_file_that_was_left_with_half_a_line_is_gone_on_from(tmp_path: Path) -> None:
    """What stands in the next file was written later: nobody will end that line."""
    (tmp_path / FIRST).write_bytes(line(1) + b'{"id": 2')
    (tmp_path / SECOND).write_bytes(line(3))
    assert oldest(AuditLog(tmp_path)) == [1, 3]


def test_other_files_in_the_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / FIRST).write_bytes(line(1))
    for name in ("notes.jsonl", "1.jsonl", f"{FIRST}.bak", f".{FIRST}"):
        (tmp_path / name).write_bytes(line(2))
    assert newest(AuditLog(tmp_path)) == [1]


def test_following_goes_on_from_a_place_into_the_next_file(tmp_path: Path) -> None:
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
    assert ids(list(islice(log.follow(log.end(), come), 4))) == [2, 3, 4, 5]


def test_a_file_that_goes_while_it_is_followed_is_passed_over(tmp_path: Path) -> None:
    first, second = tmp_path / FIRST, tmp_path / SECOND
    first.write_bytes(line(1))
    log = AuditLog(tmp_path)
    end = log.end()
    second.write_bytes(line(2))
    first.unlink()
    assert ids(list(records_of(log.after(end), everything))) == [2]


def test_files_from_before_the_time_are_left_out(tmp_path: Path) -> None:
    for name, number in ((FIRST, 1), (SECOND, 2)):
        (tmp_path / name).write_bytes(line(number))
    os.utime(tmp_path / FIRST, (1_000, 1_000))
    since = datetime.fromtimestamp(2_000, UTC)
    log = AuditLog(tmp_path)
    assert newest(log, since=since) == oldest(log, since=since) == [2]


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    for log in (AuditLog(tmp_path), AuditLog(tmp_path / "none")):
        assert newest(log) == oldest(log) == []
        assert log.end() == Cursor(0, 0)
