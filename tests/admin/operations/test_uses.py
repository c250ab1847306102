"""The last use of connectors, read from the log and no part of it twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin.context import Session
from admin.operations.uses import LastUses
from proxy.audit.record import (
    DecisionWord,
    Result,
    Subject,
    event_members,
    intent_members,
    outcome_members,
)
from tests.support.places import place_at

T0 = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
FIRST, SECOND = "000000000001.jsonl", "000000000041.jsonl"
RESULT = Result(200, None, 0, 10, 1.5)


@pytest.fixture
def place(tmp_path: Path) -> Session:
    place = place_at(tmp_path)
    place.home.audit.mkdir()
    return place


def at(seconds: int) -> datetime:
    return T0 + timedelta(seconds=seconds)


def used(
    seconds: int, connector: str | None, decision: DecisionWord = "inject", path: str = "/"
) -> str:
    subject = Subject(
        "id", "f" * 32, "ada", False, connector, decision, "granted", "GET", "h", 443, path
    )
    return outcome_members(at(seconds), subject, RESULT)


def done(seconds: int, action: str, connector: str, to: str | None = None) -> str:
    facts = {"action": action, "agent": None, "connector": connector, "to": to, "by": "me"}
    return event_members(at(seconds), "admin", facts)


def write(place: Session, *records: str, name: str = FIRST) -> None:
    with (place.home.audit / name).open("ab") as file:
        file.writelines(f'{{"seq":1,{record}}}\n'.encode() for record in records)


def test_the_last_request_with_a_credential_counts(place: Session) -> None:
    write(place, used(1, "hub"), used(2, "crm"), used(3, "hub"), used(4, "crm", "refuse"))
    write(place, used(5, None, "tunnel"))
    assert LastUses().look(place) == {"hub": at(3), "crm": at(2)}


def test_a_request_that_has_not_ended_is_not_a_use_yet(place: Session) -> None:
    subject = Subject("id", "f" * 32, None, False, "hub", "inject", "", "GET", "h", 443, "/")
    write(place, intent_members(at(1), subject))
    assert LastUses().look(place) == {}


def test_what_is_new_is_found_in_the_same_file_and_in_the_next(place: Session) -> None:
    uses = LastUses()
    write(place, used(1, "hub"))
    assert uses.look(place) == {"hub": at(1)}
    write(place, used(2, "hub"))
    assert uses.look(place) == {"hub": at(2)}
    write(place, used(3, "crm"), name=SECOND)
    assert uses.look(place) == {"hub": at(2), "crm": at(3)}


def test_half_a_line_is_read_when_it_is_whole(place: Session) -> None:
    uses = LastUses()
    path = place.home.audit / FIRST
    line = f'{{"seq":1,{used(1, "hub")}}}\n'.encode()
    path.write_bytes(line[:-30])
    assert uses.look(place) == {}
    path.write_bytes(line)
    assert uses.look(place) == {"hub": at(1)}


def test_a_renamed_one_keeps_its_last_use_and_a_deleted_one_leaves_none(place: Session) -> None:
    write(place, used(1, "hub"), used(2, "crm"), done(3, "connector.rename", "hub", "hub-two"))
    write(place, done(4, "connector.delete", "crm"))
    assert LastUses().look(place) == {"hub-two": at(1)}


def test_what_an_agent_writes_into_a_path_is_no_fact(place: Session) -> None:
    path = '/","connector":"crm","decision":"inject","x":"'
    write(place, used(1, "hub", "refuse", path), used(2, None, "tunnel", path))
    assert LastUses().look(place) == {}


def test_of_a_long_log_the_newest_files_are_read(place: Session) -> None:
    write(place, used(1, "old"))
    write(place, used(2, "hub"), name=SECOND)
    assert LastUses(farthest=10).look(place) == {"hub": at(2)}


def test_without_a_log_nothing_was_used(tmp_path: Path) -> None:
    assert LastUses().look(place_at(tmp_path)) == {}


def test_a_log_that_cannot_be_read_leaves_what_was_known(place: Session) -> None:
    uses, folder = LastUses(), place.home.audit
    write(place, used(1, "hub"))
    assert uses.look(place) == {"hub": at(1)}
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("no folder")
    assert (uses.look(place), LastUses().look(place)) == ({"hub": at(1)}, {})
