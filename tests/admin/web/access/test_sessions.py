"""One-time links and the sessions that they open."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from admin.web.access.sessions import IDLE, LINK_LIFE, LONGEST, MAX_SESSIONS, Sessions


@dataclass
class Clock:
    now: datetime = datetime(2026, 5, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time


def open_session(sessions: Sessions) -> str:
    cookie = sessions.enter(sessions.new_link().reveal())
    assert cookie is not None
    return cookie.reveal()


def test_a_link_opens_one_session_once() -> None:
    sessions = Sessions(Clock())
    key = sessions.new_link().reveal()
    assert sessions.enter(key) is not None
    assert sessions.enter(key) is None


def test_a_link_is_good_for_ten_minutes() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    key = sessions.new_link().reveal()
    clock.pass_(LINK_LIFE)
    assert sessions.enter(key) is None


def test_links_that_nobody_used_are_not_kept() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    for _ in range(3):
        sessions.new_link()
    clock.pass_(LINK_LIFE)
    key = sessions.new_link().reveal()
    assert [len(kept) for name, kept in vars(sessions).items() if name == "_links"] == [1]
    assert sessions.enter(key) is not None


def test_what_was_never_a_link_opens_nothing() -> None:
    assert Sessions(Clock()).enter("") is None


def test_each_session_has_a_csrf_token_of_its_own() -> None:
    sessions = Sessions(Clock())
    found = [sessions.find(open_session(sessions)) for _ in range(2)]
    assert len({session.csrf for session in found if session}) == 2


def test_a_session_that_is_used_goes_on_for_a_week() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    cookie = open_session(sessions)
    for _ in range(LONGEST // (IDLE / 2) - 1):
        clock.pass_(IDLE / 2)
        assert sessions.find(cookie) is not None
    clock.pass_(IDLE / 2)
    assert sessions.find(cookie) is None


def test_a_session_that_is_not_used_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    cookie = open_session(sessions)
    clock.pass_(IDLE)
    assert sessions.find(cookie) is None


def test_of_too_many_sessions_the_longest_unused_gives_way() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    cookies = []
    for _ in range(MAX_SESSIONS + 1):
        cookies.append(open_session(sessions))
        clock.pass_(timedelta(seconds=1))
    found = [sessions.find(cookie) is not None for cookie in cookies]
    assert found == [False, *[True] * MAX_SESSIONS]


def test_no_key_is_kept_as_it_is() -> None:
    sessions = Sessions(Clock())
    key = sessions.new_link().reveal()
    cookie = open_session(sessions)
    assert key not in repr(vars(sessions))
    assert cookie not in repr(vars(sessions))
