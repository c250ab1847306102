"""Journals for tests: a key, records, and what a folder holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from proxy.audit.chain import ChainKey, Head
from proxy.audit.files import journal_files
from proxy.audit.journal import Journal
from proxy.audit.record import Subject, intent_members
from proxy.audit.verify import Report, verify

NOW: Final = datetime(2026, 5, 9, 12, 0, 0, 123456, tzinfo=UTC)
KEY: Final = ChainKey(bytes(range(32)))


def a_subject(**overrides: Any) -> Subject:
    """Return what a record is about."""
    values: dict[str, Any] = {
        "id": "1",
        "trace": "0af7651916cd43dd8448eb211c80319c",
        "agent": "tester",
        "lease": False,
        "connector": "hub",
        "decision": "inject",
        "reason": "owned",
        "method": "GET",
        "host": "api.hubapi.com",
        "port": 443,
        "path": "/crm",
    }
    return Subject(**(values | overrides))


def a_record(name: str = "1", time: datetime = NOW) -> str:
    """Return the members of an intent whose id is given."""
    return intent_members(time, a_subject(id=name))


def write_records(folder: Path, count: int, **options: Any) -> Head:
    """Append so many records with the key; return the head."""
    journal = Journal(folder, KEY, **options)
    for number in range(count):
        journal.append(NOW, a_record(str(number)))
    journal.close()
    return journal.head


def lines_of(folder: Path) -> list[bytes]:
    """Return every line of a journal, with its line break."""
    return [
        line
        for path in journal_files(folder)
        for line in path.read_bytes().splitlines(keepends=True)
    ]


def verified(folder: Path, *anchors: Head, key: ChainKey | None = KEY) -> Report:
    """Return what is found in a journal."""
    return verify(journal_files(folder), key, anchors)


def kinds(report: Report) -> list[str]:
    """Return the kinds of what was found, in order."""
    return [str(finding.kind) for finding in report.findings]
