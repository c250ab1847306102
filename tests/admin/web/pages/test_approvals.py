"""The Approvals tab: what waits is shown as it will be sent, and nothing of it acts on the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.web.pages.approvals import LINES, WHOLE
from proxy.policy.held import HeldRequest
from tests.support.control import Running, running_control
from tests.support.pages import HOSTILE, Shown, shown, words_of, write_home


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    home = write_home(tmp_path)
    with running_control(home) as running:
        yield running


@pytest.fixture
def tab(running: Running) -> Iterator[Shown]:
    with shown(running.home) as tab:
        yield tab


def ask(running: Running, body: bytes = b"", path: str = "/x", agent: str = "ada") -> str:
    fields = ((b"X-Note", HOSTILE.encode()), (b"authorization", b"Bearer CREDENTIAL"))
    url = f"https://billing.example{path}"
    request = HeldRequest(agent, "billing", "POST", url, fields, body)

    def begin() -> str:
        seat = running.engine.approvals.seat(agent)
        assert seat is not None
        seat.ask(request, 600, lambda _verdict: None)
        return running.engine.approvals.pending()[-1].id

    return running.call(begin)


def test_without_a_proxy_it_says_how_to_start_one(tmp_path: Path) -> None:
    with shown(write_home(tmp_path)) as tab:
        assert "The proxy is not running" in tab.words("approvals")
        assert "starts it in a terminal" in tab.words("approvals")
        assert '<code id="banner-1">keyhatch serve</code>' in tab.page("approvals")


def test_where_nothing_waits_it_says_what_would(tab: Shown) -> None:
    assert "Nothing waits" in tab.words("approvals")


def test_a_request_is_shown_as_it_will_be_sent(tab: Shown, running: Running) -> None:
    number = ask(running, b'{"amount": 12}', "/v1/invoices?a=b")
    words = tab.words("approvals")
    assert "ada asks for billing" in words
    assert re.search(r"Refused by itself in (10 min 0|9 min [0-9]+) s", words)
    assert "POST https://billing.example/v1/invoices?a=b" in words
    assert "authorization: Bearer CREDENTIAL" in words
    assert '{"amount": 12}' in words
    assert f'data-ask="{number}"' in tab.page("approvals")


def test_what_an_agent_wrote_neither_acts_nor_hides(tab: Shown, running: Running) -> None:
    ask(running, HOSTILE.encode() + b"\r\nlast\xff", f"/{HOSTILE}")
    page = tab.page("approvals")
    for harmful in ("<script>alert", "<img src=x>", "\x1b", "\u202e", "\x00"):
        assert harmful not in page
    words = words_of(page)
    assert "\\x1b[2J" in words
    assert "\\u202egnp" in words
    assert "last\\xff" in words


def test_a_long_body_is_cut_and_says_so(tab: Shown, running: Running) -> None:
    ask(running, b"line\n" * (LINES + 5))
    words = tab.words("approvals")
    assert words.count("line ") <= LINES + 1
    assert "This is its beginning" in words


def test_more_than_a_page_takes_are_counted(tab: Shown, running: Running) -> None:
    for number in range(WHOLE + 3):
        ask(running, path=f"/{number}", agent=f"agent-{number}")
    page = tab.page("approvals")
    assert page.count('data-ask="') == WHOLE
    assert "3 more wait;" in words_of(page)


def test_how_many_wait_stands_on_every_page(tab: Shown, running: Running) -> None:
    assert 'class="count"' not in tab.page("connectors")
    number = ask(running)
    for path in ("connectors", "agents", "agents/ada", "approvals", "standing"):
        assert '<span class="count">1<' in tab.page(path)
    running.call(lambda: running.engine.approvals.answer(number, yes=False, by="test"))
    assert 'class="count"' not in tab.page("connectors")


def test_what_comes_and_goes_changes_the_mark(tab: Shown, running: Running) -> None:
    marks = [tab.page("mark")]
    assert tab.page("mark") == marks[0]
    number = ask(running)
    marks.append(tab.page("mark"))
    running.call(lambda: running.engine.approvals.answer(number, yes=True, by="test"))
    marks.append(tab.page("mark"))
    assert len(set(marks)) == 3
