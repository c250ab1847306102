import json
from itertools import islice
from pathlib import Path

import pytest

from admin.audit_log import AuditLog, Record


def line(number: int, **more: object) -> bytes:
    return json.dumps({"id": number, **more}).encode() + b"\n"


def ids(records: object) -> list[object]:
    assert isinstance(records, list)
    return [record["id"] for record in records]


def everything(_record: Record) -> bool:
    return True


def test_the_newest_records_come_last_and_span_days(tmp_path: Path) -> None:
    (tmp_path / "2026-05-08.jsonl").write_bytes(b"".join(map(line, range(5))))
    (tmp_path / "2026-05-09.jsonl").write_bytes(b"".join(map(line, range(5, 8))))
    assert ids(AuditLog(tmp_path).newest(5, everything)) == [3, 4, 5, 6, 7]


def test_only_wanted_records_are_counted(tmp_path: Path) -> None:
    (tmp_path / "2026-05-08.jsonl").write_bytes(b"".join(map(line, range(10))))

    def even(record: Record) -> bool:
        return int(str(record["id"])) % 2 == 0

    assert ids(AuditLog(tmp_path).newest(2, even)) == [6, 8]


@pytest.mark.parametrize("block", [1, 7, 64])
def test_lines_are_whole_wherever_a_block_ends(tmp_path: Path, block: int) -> None:
    (tmp_path / "2026-05-08.jsonl").write_bytes(b"".join(map(line, range(40))))
    assert ids(AuditLog(tmp_path, block).newest(40, everything)) == list(range(40))


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "2026-05-08.jsonl").write_bytes(line(1) + b'{"id": 2, "ti\n[]\n' + line(3))
    assert ids(AuditLog(tmp_path).newest(9, everything)) == [1, 3]


def test_following_goes_on_where_the_newest_ended_and_into_the_next_day(tmp_path: Path) -> None:
    today, tomorrow = tmp_path / "2026-05-08.jsonl", tmp_path / "2026-05-09.jsonl"
    today.write_bytes(line(1))
    writes = [
        (today, line(1) + line(2) + b'{"id": '),
        (today, line(1) + line(2) + line(3)),
        (tomorrow, line(4)),
        (today, line(1) + line(2) + line(3) + line(5)),
    ]

    def come(_seconds: float) -> None:
        path, content = writes.pop(0)
        path.write_bytes(content)

    log = AuditLog(tmp_path)
    log.newest(10, everything)
    followed = list(islice(log.follow(come), 4))
    assert ids(followed) == [2, 3, 4, 5]


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    assert AuditLog(tmp_path).newest(5, everything) == []
