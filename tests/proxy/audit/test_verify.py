import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.audit import Rotation
from proxy.audit.chain import START, ChainKey, Head, link, parse_line
from proxy.audit.files import journal_files
from proxy.audit.journal import Journal
from proxy.audit.record import event_members
from tests.support.journals import KEY, NOW, a_record, kinds, lines_of, verified, write_records

COUNT = 10


@pytest.fixture(scope="module")
def content() -> tuple[dict[str, bytes], Head]:
    """The files of a sound journal by name, and its head."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = write_records(folder, COUNT, rotation=Rotation(max_size=1000))
        return {path.name: path.read_bytes() for path in journal_files(folder)}, head


@pytest.fixture
def folder(tmp_path: Path, content: tuple[dict[str, bytes], Head]) -> Path:
    return put(tmp_path, content[0])


@pytest.fixture
def head(content: tuple[dict[str, bytes], Head]) -> Head:
    return content[1]


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for path in folder.glob("*.jsonl"):
        path.unlink()
    for name, lines in files.items():
        (folder / name).write_bytes(lines)
    return folder


def rewrite(folder: Path, lines: list[bytes]) -> None:
    """Put these lines into the journal's first file, and no other file beside it."""
    put(folder, {"000000000001.jsonl": b"".join(lines)})


def test_a_sound_journal_has_nothing_to_find(folder: Path, head: Head) -> None:
    report = verified(folder, head)
    assert (report.findings, report.remarks) == ([], [])
    assert (report.records, report.head, report.sealed) == (len(lines_of(folder)), head, head)
    assert report.files == len(journal_files(folder)) > 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_byte_that_is_another_is_found(
    tmp_path: Path, content: tuple[dict[str, bytes], Head], data: st.DataObject
) -> None:
    files, head = content
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != files[name][at]))
    changed = files[name][:at] + bytes([byte]) + files[name][at + 1 :]
    assert kinds(verified(put(tmp_path, files | {name: changed}), head)) != []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_byte_that_is_missing_or_too_many_is_found(
    tmp_path: Path, content: tuple[dict[str, bytes], Head], data: st.DataObject
) -> None:
    files, head = content
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    inserted = data.draw(st.binary(max_size=2))
    changed = files[name][:at] + inserted + files[name][at + (not inserted) :]
    assert kinds(verified(put(tmp_path, files | {name: changed}), head)) != []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_lines_that_are_taken_away_moved_or_repeated_are_found(
    tmp_path: Path, content: tuple[dict[str, bytes], Head], data: st.DataObject
) -> None:
    files, head = content
    lines = [line for name in sorted(files) for line in files[name].splitlines(keepends=True)]
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=len(lines) + 2))
    if chosen != lines:
        rewrite(tmp_path, chosen)
        assert kinds(verified(tmp_path, head)) != []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_cut_anywhere_is_found(
    tmp_path: Path, content: tuple[dict[str, bytes], Head], data: st.DataObject
) -> None:
    files, head = content
    whole = b"".join(files[name] for name in sorted(files))
    at = data.draw(st.integers(0, len(whole) - 2))
    rewrite(tmp_path, [whole[:at]])
    assert "cut-off" in kinds(verified(tmp_path, head))


def test_a_changed_line_is_named_by_file_and_number(folder: Path, head: Head) -> None:
    second = journal_files(folder)[1]
    lines = second.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"api.hubapi.com", b"api.evilapi.io")
    second.write_bytes(b"".join(lines))
    [finding] = verified(folder, head).findings
    assert (finding.kind, str(finding.place)) == ("edited", f"{second.name}:2")


def test_a_line_taken_out_is_named_by_what_stands_in_its_place(folder: Path, head: Head) -> None:
    lines = lines_of(folder)
    rewrite(folder, lines[:2] + lines[3:])
    [finding] = verified(folder, head).findings
    assert (finding.kind, str(finding.place)) == ("missing", "000000000001.jsonl:3")
    assert finding.message == "record 3 is missing before"


def test_lines_that_changed_places_are_out_of_order(folder: Path, head: Head) -> None:
    lines = lines_of(folder)
    lines[2], lines[3] = lines[3], lines[2]
    rewrite(folder, lines)
    assert kinds(verified(folder, head)) == ["missing", "out-of-order"]


def test_a_deleted_file_is_found(folder: Path, head: Head) -> None:
    journal_files(folder)[1].unlink()
    assert kinds(verified(folder, head)) == ["missing"]


def test_an_emptied_journal_is_found(folder: Path, head: Head) -> None:
    put(folder, {})
    assert kinds(verified(folder, head)) == ["cut-off"]


def test_a_chain_made_anew_without_the_key_is_found(tmp_path: Path, head: Head) -> None:
    """Whoever can write the file can compute every digest; the key they do not have."""
    other = Journal(tmp_path, ChainKey(bytes(32)))
    for _ in range(head.seq):
        other.append(NOW, a_record())
    other.close()
    assert set(kinds(verified(tmp_path, key=None))) == set()
    assert "edited" in kinds(verified(tmp_path, head))


def test_a_chain_without_macs_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path, None)
    journal.append(NOW, a_record())
    journal.close()
    assert kinds(verified(tmp_path)) == ["unsigned"]


def test_a_second_history_under_the_same_numbers_is_found(folder: Path, head: Head) -> None:
    """A copy that went on by itself, put back: each line is sound, and one was sealed otherwise."""
    lines = lines_of(folder)
    entry = parse_line(lines[-2].rstrip(b"\n"))
    assert entry is not None
    other, _ = link(entry.head, a_record("another"), KEY)
    rewrite(folder, [*lines[:-1], other])
    assert kinds(verified(folder, head)) == ["replaced"]


def test_an_older_state_of_the_journal_is_found_by_a_head_that_was_noted(folder: Path) -> None:
    noted = Head(COUNT + 50, "ab" * 32)
    assert kinds(verified(folder, START, noted)) == ["cut-off"]


def test_what_commands_wrote_with_the_vault_locked_is_counted(tmp_path: Path) -> None:
    write_records(tmp_path, 1)
    unlocked = Journal(tmp_path, None)
    unlocked.note(NOW, "admin", {"action": "agent.delete"})
    unlocked.close()
    head = write_records(tmp_path, 1)
    report = verified(tmp_path, head)
    assert (kinds(report), report.unsigned) == ([], 1)


def test_an_unsigned_line_is_held_by_the_next_signed_one(tmp_path: Path) -> None:
    unlocked = Journal(tmp_path, None)
    unlocked.note(NOW, "admin", {"action": "agent.delete"})
    unlocked.close()
    head = write_records(tmp_path, 1)
    [first, second] = lines_of(tmp_path)
    rewrite(tmp_path, [first.replace(b"agent.delete", b"agent.rotate"), second])
    assert kinds(verified(tmp_path, head)) == ["unlinked"]


@pytest.mark.parametrize("fragment", [b'{"seq":', b"\0" * 40, b"x"])
def test_what_a_kill_cut_short_is_a_remark_before_and_after_the_next_record(
    tmp_path: Path, fragment: bytes
) -> None:
    head = write_records(tmp_path, 1)
    [file] = journal_files(tmp_path)
    file.write_bytes(file.read_bytes() + fragment)
    before = verified(tmp_path, head)
    after = verified(tmp_path, write_records(tmp_path, 1))
    assert [(kinds(r), len(r.remarks)) for r in (before, after)] == [([], 1), ([], 1)]


def test_a_fragment_that_no_record_names_is_foreign(tmp_path: Path) -> None:
    head = write_records(tmp_path, 2)
    lines = lines_of(tmp_path)
    rewrite(tmp_path, [lines[0], b'{"seq":\n', lines[1]])
    assert kinds(verified(tmp_path, head)) == ["foreign"]


def test_a_deletion_that_was_signed_with_another_key_is_no_excuse(tmp_path: Path) -> None:
    head = write_records(tmp_path, 10, rotation=Rotation(max_size=1000))
    first, second = journal_files(tmp_path)[:2]
    entry = parse_line(second.read_bytes().splitlines()[0])
    assert entry is not None
    facts = {"last": entry.head.seq - 1, "sha256": entry.prev}
    forged, _ = link(head, event_members(NOW, "expire", facts), ChainKey(bytes(32)))
    first.unlink()
    with journal_files(tmp_path)[-1].open("ab") as file:
        file.write(forged)
    assert sorted(kinds(verified(tmp_path, head))) == ["edited", "missing"]


def test_random_bytes_are_findings_and_no_fault(tmp_path: Path) -> None:
    noise = random.Random(5).randbytes(20_000)
    put(tmp_path, {"000000000001.jsonl": noise + b"\n"})
    assert "foreign" in kinds(verified(tmp_path))
