"""Whether a request may go on: the Host first, then who, then which page made it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.web.access.front import Front
from admin.web.access.judgement import Admitted, Ask, Denied, Keys, Verdict, judge
from admin.web.access.sessions import WebSession

NOW = datetime(2026, 5, 9, tzinfo=UTC)
FRONT = Front("keyhatch-1a2b.localhost", 8322)
SESSION = WebSession("the-csrf-token", NOW, NOW)
KEYS = Keys(
    find_session=lambda cookie: SESSION if cookie == "good" else None,
    find_token=lambda token: "script" if token == "khapi_good" else None,
)
PAGE = "/settings/connectors"
API = "/api/v1/connectors"
READ = Ask("GET", PAGE, [FRONT.authority], cookie="good", fetch_sites=["same-origin"])
WRITE = Ask(
    "PATCH",
    API,
    [FRONT.authority],
    [FRONT.origin],
    ["same-origin"],
    "good",
    csrf=["the-csrf-token"],
)
CALL = Ask("PATCH", API, ["127.0.0.1:8322"], bearer="khapi_good")


def verdict(ask: Ask) -> Verdict:
    return judge(ask, FRONT, KEYS, is_open=lambda path: path in ("/enter", "/static/a.css"))


def code(ask: Ask) -> str:
    found = verdict(ask)
    assert isinstance(found, Denied), ask
    return found.code


class TestAPerson:
    def test_with_a_session_reads_and_writes(self) -> None:
        assert verdict(READ) == verdict(WRITE) == Admitted(session=SESSION)

    @pytest.mark.parametrize("cookie", [None, "", "other"])
    def test_without_one_does_neither(self, cookie: str | None) -> None:
        assert code(replace(READ, cookie=cookie)) == "sign-in-required"
        assert code(replace(WRITE, cookie=cookie)) == "sign-in-required"

    @pytest.mark.parametrize("csrf", [[], [""], ["other"], ["the-csrf-token"] * 2, ["\udcff"]])
    def test_writes_with_the_pages_own_token_only(self, csrf: list[str]) -> None:
        assert code(replace(WRITE, csrf=csrf)) == "stale-page"

    def test_writes_with_an_origin_only(self) -> None:
        assert code(replace(WRITE, origins=[])) == "stale-page"

    def test_opens_what_is_open_from_anywhere(self) -> None:
        ask = Ask("GET", "/enter", [FRONT.authority], fetch_sites=["cross-site"])
        assert verdict(ask) == Admitted()
        assert isinstance(verdict(replace(ask, method="POST")), Denied)


class TestAnotherPage:
    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "http://evil.example",
            "http://keyhatch-1a2b.localhost",
            "http://keyhatch-1a2b.localhost:8323",
            "https://keyhatch-1a2b.localhost:8322",
            "http://127.0.0.1:8322",
        ],
    )
    def test_row_j02_of_another_origin_neither_reads_nor_writes(self, origin: str) -> None:
        assert code(replace(WRITE, origins=[origin])) == "foreign-page"
        assert code(replace(READ, origins=[origin])) == "foreign-page"
        assert code(replace(READ, path="/enter", origins=[origin])) == "foreign-page"

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "made-up"])
    def test_is_told_by_the_browser_too(self, site: str) -> None:
        assert code(replace(READ, fetch_sites=[site])) == "foreign-page"
        assert code(replace(WRITE, fetch_sites=["same-origin", site])) == "foreign-page"


class TestTheHost:
    @pytest.mark.parametrize(
        "hosts",
        [
            [],
            ["rebind.evil.example:8322"],
            ["keyhatch-1a2b.localhost"],
            ["keyhatch-1a2b.localhost:8323"],
            ["keyhatch-1a2b.localhost.:8322"],
            ["x.keyhatch-1a2b.localhost:8322"],
            ["localhost"],
            ["0.0.0.0:8322"],
            [FRONT.authority, FRONT.authority],
        ],
    )
    def test_row_j01_any_other_is_refused_whoever_asks(self, hosts: list[str]) -> None:
        for ask in (READ, WRITE, CALL, replace(READ, path="/enter")):
            assert code(replace(ask, hosts=hosts)) == "foreign-host"

    @given(st.text(max_size=40))
    def test_nothing_but_our_own_names_is_ours(self, host: str) -> None:
        ours = {FRONT.authority, *FRONT.program_hosts}
        if host.lower() not in ours:
            assert code(replace(READ, hosts=[host])) == "foreign-host"

    def test_its_case_does_not_matter(self) -> None:
        asked = replace(READ, hosts=[FRONT.authority.upper()])
        assert verdict(asked) == Admitted(session=SESSION)

    def test_cookies_are_of_no_use_at_the_bare_address(self) -> None:
        asked = replace(READ, hosts=["127.0.0.1:8322"])
        assert code(asked) == "foreign-host"
        assert code(replace(asked, path=API)) == "unknown-token"


class TestAProgram:
    @pytest.mark.parametrize("host", ["127.0.0.1:8322", "localhost:8322", "[::1]:8322"])
    def test_with_a_token_uses_the_api(self, host: str) -> None:
        assert verdict(replace(CALL, hosts=[host])) == Admitted(token="script")

    @pytest.mark.parametrize("token", ["", "kha_an-agents", "khapi_other", "khapi_goo"])
    def test_row_j09_with_another_token_does_not(self, token: str) -> None:
        assert code(replace(CALL, bearer=token)) == "unknown-token"

    def test_is_not_a_page_of_somewhere(self) -> None:
        assert code(replace(CALL, origins=["http://127.0.0.1:8322"])) == "foreign-page"

    def test_has_no_use_for_pages(self) -> None:
        assert code(replace(CALL, path=PAGE)) == "foreign-host"

    def test_a_token_is_not_for_pages_that_have_a_session(self) -> None:
        assert code(replace(WRITE, bearer="khapi_good")) == "foreign-page"
        assert code(replace(WRITE, bearer="khapi_other", origins=[])) == "unknown-token"
