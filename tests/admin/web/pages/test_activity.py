"""The Activity tab: rows that an agent cannot forge or act through, filters, pages, drawings."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from admin.web.pages.activity import ROWS
from config.files import write_private
from tests.support.pages import CANARY, HOSTILE, Shown, shown, words_of, write_home

FIRST = "000000000001.jsonl"
DECISIONS = {200: "inject", 403: "refuse", 502: "inject"}


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Shown]:
    with shown(write_home(tmp_path)) as tab:
        yield tab


def request(number: int = 0, ago: float = 60, status: int | None = 200, **more: Any) -> bytes:
    time = datetime.now(UTC) - timedelta(seconds=ago)
    record = {
        "seq": number,
        "time": time.isoformat(timespec="milliseconds"),
        "event": "outcome",
        "agent": "ada",
        "connector": "hub",
        "decision": DECISIONS.get(status or 502, "inject"),
        "reason": "owned",
        "method": "GET",
        "host": "hub.example",
        "port": 443,
        "path": f"/things/{number}",
        "status": status,
        "code": None,
        "ms": 12.5,
        "notes": [],
    }
    return json.dumps(record | more).encode() + b"\n"


def act(action: str, ago: float = 60, **more: Any) -> bytes:
    return request(ago=ago, event="admin", action=action, by="root", **more)


def log(tab: Shown, *lines: bytes) -> None:
    """Write the whole log."""
    write_private(tab.home.audit / FIRST, b"".join(lines))


def rows(text: str) -> list[str]:
    """Return the rows of the log as they are read."""
    body = text.partition("data-newer=")[2].partition("</tbody>")[0]
    return [words_of(row) for row in body.split("<tr")[1:]]


def paths(text: str) -> list[int]:
    return [int(number) for row in rows(text) for number in re.findall(r"/things/([0-9]+)", row)]


class TestTheLog:
    def test_an_empty_one_says_what_will_come(self, tab: Shown) -> None:
        words = tab.words("activity")
        assert "Nothing in the last 24 hours" in words
        assert "within a second" in words

    def test_a_request_is_a_row_with_what_came_of_it(self, tab: Shown) -> None:
        log(tab, request(1), request(2, status=403, code="egress-denied", ms=0.4))
        first, second = rows(tab.page("activity"))
        assert "ada hub GET hub.example/things/2 egress-denied Refused 0.40 ms" in first
        assert "ada hub GET hub.example/things/1 200 12 ms" in second

    def test_one_without_an_answer_says_so(self, tab: Shown) -> None:
        log(tab, request(status=None, code="upstream-unreachable", host="x", port=8443))
        (row,) = rows(tab.page("activity"))
        assert "x:8443/things/0 upstream-unreachable No answer" in row

    def test_who_approved_it_and_what_was_masked_stand_below(self, tab: Shown) -> None:
        approval = {"answer": "yes", "by": "root", "ms": 4.0, "digest": "0"}
        log(tab, request(approval=approval, notes=["token-masked"]))
        assert "approval: yes by root, token-masked" in rows(tab.page("activity"))[0]

    @pytest.mark.parametrize("key", ["agent", "connector", "method", "host", "path", "code"])
    def test_what_an_agent_wrote_neither_acts_nor_hides(self, tab: Shown, key: str) -> None:
        hostile: Any = {key: HOSTILE}
        log(tab, request(**hostile))
        for path in ("activity", "activity/rows?after=1.0"):
            page = tab.page(path)
            for harmful in ("<script>alert", "<img src=x>", "\x1b", "\u202e", "\x00"):
                assert harmful not in page
            assert "\\u202egnp" in rows(page)[0]

    def test_what_came_from_behind_the_wall_says_so(self, tab: Shown) -> None:
        log(tab, request(1), request(2, sandbox=True))
        first, second = rows(tab.page("activity"))
        assert "from the sandbox" in first
        assert "sandbox" not in second

    def test_a_line_that_is_no_record_spoils_nothing(self, tab: Shown) -> None:
        strange = b'{"event":"outcome","time":7,"agent":[1],"status":"x","ms":"y","notes":3}\n'
        log(tab, request(1), b"half a li\n", b"[]\n", strange, request(2))
        assert paths(tab.page("activity?span=30d")) == [2, 1]

    def test_acts_of_the_operator_are_shown_when_asked_for(self, tab: Shown) -> None:
        log(tab, request(1), act("connector.rename", to="new"), act("some.thing"))
        assert len(rows(tab.page("activity"))) == 1
        shown_acts = rows(tab.page("activity?show=acts"))
        assert "Some thing by root" in shown_acts[0]
        assert "Connector renamed: now new by root" in shown_acts[1]
        assert len(rows(tab.page("activity?show=all"))) == 3

    def test_no_key_is_in_it(self, tab: Shown) -> None:
        log(tab, request(1))
        assert CANARY not in tab.page("activity")


class TestFilters:
    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("", [5, 4, 3, 2, 1]),
            ("agent=bob", [2]),
            ("connector=billing", [3]),
            ("method=POST", [3]),
            ("outcome=ok", [3, 2, 1]),
            ("outcome=refused", [4]),
            ("outcome=failed", [5]),
            ("q=hub.example+things%2F2", [2]),
            ("q=egress", [4]),
            ("agent=nobody", []),
            ("outcome=nonsense&span=nonsense&show=nonsense", [5, 4, 3, 2, 1]),
            ("agent=ada&outcome=ok", [3, 1]),
            ("sandbox=yes", [2]),
            ("sandbox=no", [5, 4, 3, 1]),
        ],
    )
    def test_each_leaves_what_fits(self, tab: Shown, asked: str, found: list[int]) -> None:
        log(
            tab,
            request(1),
            request(2, agent="bob", sandbox=True),
            request(3, connector="billing", method="POST"),
            request(4, status=403, code="egress-denied"),
            request(5, status=502),
        )
        text = tab.page(f"activity?{asked}")
        assert paths(text) == found
        assert ("Nothing fits" in words_of(text)) == (not found)

    def test_a_time_bounds_log_and_drawing(self, tab: Shown) -> None:
        log(tab, request(1, ago=7200), request(2, ago=30))
        assert paths(tab.page("activity")) == [2, 1]
        text = tab.page("activity?span=1h")
        assert paths(text) == [2]
        assert "1 in all" in text
        assert paths(tab.page("activity?since=3h&until=1h")) == [1]

    def test_one_that_is_no_time_is_told_and_not_used(self, tab: Shown) -> None:
        log(tab, request(1))
        text = tab.page("activity?since=yesterday")
        assert paths(text) == [1]
        assert "is not a moment" in words_of(text)
        assert 'value="yesterday"' in text

    def test_they_are_a_form_that_keeps_what_was_chosen(self, tab: Shown) -> None:
        text = tab.page("activity?agent=gone&outcome=failed&q=%22%3E%3Cb%3E")
        assert '<form class="filters" action="/settings/activity" method="get"' in text
        assert '<option value="gone" selected>' in text
        assert '<option value="failed" selected>' in text
        assert 'value="&#34;&gt;&lt;b&gt;"' in text

    def test_a_name_in_a_row_leads_to_what_is_of_that_name(self, tab: Shown) -> None:
        log(tab, request(1, agent='x&y="z'))
        text = tab.page("activity?q=things")
        assert 'href="/settings/activity?agent=x%26y%3D%22z&amp;q=things"' in text


class TestPages:
    def test_older_ones_are_behind_a_link_and_nothing_is_twice(self, tab: Shown) -> None:
        count = 2 * ROWS + 7
        log(tab, *(request(number) for number in range(count)))
        seen, path = list[int](), "activity?agent=ada"
        for _ in range(4):
            text = tab.page(path)
            seen += paths(text)
            found = re.search(r'href="/settings/([^"]+)" rel="next"', text)
            if found is None:
                break
            path = found[1].replace("&amp;", "&")
            assert "agent=ada" in path
        assert seen == list(range(count - 1, -1, -1))

    def test_an_older_page_does_not_move(self, tab: Shown) -> None:
        log(tab, *(request(number) for number in range(ROWS + 1)))
        path = re.search(r'href="/settings/([^"]+)" rel="next"', tab.page("activity"))
        assert path
        text = tab.page(path[1].replace("&amp;", "&"))
        assert "data-live" not in text
        assert ">Newest<" in text
        assert "data-live" in tab.page("activity")

    @pytest.mark.parametrize("cursor", ["x", "1", "1.-5", quote(HOSTILE)])
    def test_what_is_no_cursor_is_a_page_that_says_so(self, tab: Shown, cursor: str) -> None:
        answer = tab.answer(f"activity?before={cursor}")
        assert answer.status == 422
        assert "no cursor" in words_of(answer.text)


class TestNewRows:
    def test_what_was_written_since_comes_the_newest_first(self, tab: Shown) -> None:
        log(tab, request(1))
        newer = cursor_in(tab.page("activity"))
        log(tab, request(1), request(2), request(3))
        text = tab.page(f"activity/rows?after={newer}")
        assert paths(text) == [3, 2]
        assert paths(tab.page(f"activity/rows?after={cursor_in(text)}")) == []

    def test_they_fit_the_filters(self, tab: Shown) -> None:
        log(tab, request(1), request(2, agent="bob"), act("agent.add"))
        assert paths(tab.page("activity/rows?after=1.0&agent=bob")) == [2]
        assert len(rows(tab.page("activity/rows?after=1.0&show=acts"))) == 1

    def test_a_log_that_begins_later_is_followed(self, tab: Shown) -> None:
        newer = cursor_in(tab.page("activity"))
        log(tab, request(1))
        assert paths(tab.page(f"activity/rows?after={newer}")) == [1]


def cursor_in(text: str) -> str:
    return text.partition('data-newer="')[2].partition('"')[0]


class TestTheDrawing:
    def test_it_says_in_words_what_it_shows(self, tab: Shown) -> None:
        log(tab, request(1), request(2, status=403), request(3, status=502, ms=40.0))
        text = tab.page("activity")
        said = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', text)
        assert "3 in all, 1 answered, 1 refused by Keyhatch, 1 failed" in said[0]
        assert "half of the requests took at most 12 ms" in said[1]

    def test_a_table_says_the_same(self, tab: Shown) -> None:
        log(tab, request(1, ago=7200), request(2), request(3, status=502))
        table = tab.page("activity").partition('id="as-table"')[2].partition("</table>")[0]
        lines = [words_of(row) for row in table.split("<tr")[2:]]
        assert [re.sub(r".*UTC", "", line).split()[:3] for line in lines] == [
            ["1", "0", "0"],
            ["2", "0", "1"],
        ]

    def test_each_connector_and_agent_has_its_counts(self, tab: Shown) -> None:
        log(tab, request(1), request(2, agent="bob", status=403), request(3, agent=None))
        words = tab.words("activity")
        assert "hub 3 1 0 12 ms 12 ms" in words
        assert "bob 1 1 0 - -" in words
        assert "none 1 0 0" in words

    def test_it_needs_no_style_of_its_own(self, tab: Shown) -> None:
        log(tab, request(1))
        text = tab.page("activity")
        assert "<path class=" in text
        assert re.findall(r'\sstyle="|<style', text) == []

    def test_there_is_none_of_acts_alone(self, tab: Shown) -> None:
        log(tab, act("agent.add"))
        assert "<svg viewBox" not in tab.page("activity?show=acts")

    def test_a_time_that_ends_before_it_begins_has_none(self, tab: Shown) -> None:
        log(tab, request(1))
        assert "Nothing fits" in tab.words("activity?since=1h&until=2h")


def test_a_broken_file_leaves_the_log(tmp_path: Path) -> None:
    home = write_home(tmp_path)
    write_private(home.connectors, b"version: 7\n")
    with shown(home) as tab:
        log(tab, request(1))
        assert paths(tab.page("activity")) == [1]
