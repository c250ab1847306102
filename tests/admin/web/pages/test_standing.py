"""What every page says first: no proxy, a broken file, a locked vault; and that it is drawn all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.web.place import WebPlace
from admin.web.serving import PageServer, Wish
from admin.web.standing import Running, proxy_state, sentence, standing_of
from config.files import write_private
from config.home import Home
from config.load import Known
from proxy.vault.keys.reference import KeySourceKind
from tests.support.control import running_control
from tests.support.pages import TEXT, Shown, shown, words_of, write_home
from tests.support.vaults import create, reopen
from tests.support.web import ANY, Browser

TABS = ("connectors", "agents", "approvals")
PAGES = (*TABS, "agents/ada")
BROKEN = TEXT.replace("read_only: true", "read_onyl: true")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return write_home(tmp_path)


@pytest.fixture
def page(home: Home) -> Iterator[Shown]:
    with shown(home) as page:
        yield page


def banners(text: str) -> str:
    return words_of(text.partition('id="standing"')[2].partition("<main")[0])


def test_a_proxy_that_does_not_run_is_told_with_what_starts_it(page: Shown) -> None:
    for path in PAGES:
        assert "The proxy is not running" in banners(page.page(path))
        assert "keyhatch serve" in banners(page.page(path))


def test_starting_it_clears_that_and_changes_the_mark(page: Shown) -> None:
    before = page.page("mark")
    with running_control(page.home):
        assert page.page("mark") != before
        assert "not running" not in banners(page.page("connectors"))
    assert page.page("mark") == before


@pytest.mark.parametrize("path", PAGES)
def test_a_broken_file_is_told_by_line_and_what_it_said_before_stays(
    page: Shown, path: str
) -> None:
    before = words_of(page.page(path))
    page.write(BROKEN)
    text = page.page(path)
    line = 1 + BROKEN[: BROKEN.index("read_onyl")].count("\n")
    assert f"line {line}, column" in banners(text)
    assert "keyhatch config check" in banners(text)
    assert words_of(text) == before


@pytest.mark.parametrize("path", PAGES)
def test_a_file_that_never_was_sound_is_a_page_that_says_so(home: Home, path: str) -> None:
    write_private(home.connectors, BROKEN.encode())
    with shown(home) as page:
        answer = page.answer(path)
        if path == "approvals":
            assert answer.status == 200
            return
        assert answer.status == 503
        assert "This cannot be shown now" in words_of(answer.text)
        assert "connectors.yaml has a mistake" in banners(answer.text)
        assert "</nav>" in answer.text


class Hurried(WebPlace):
    """A home whose file is changed just after a page has read it."""

    is_next = False

    def known(self) -> Known:
        found = super().known()
        if self.is_next:
            self.is_next = False
            write_private(self.home.connectors, f"{TEXT}# changed\n".encode())
        return found


@pytest.mark.parametrize("path", PAGES)
def test_a_change_while_a_page_is_made_is_one_that_it_will_notice(home: Home, path: str) -> None:
    with reopen(home) as vault:
        place = Hurried(home, {}, vault)
        server = PageServer(place, Wish(ANY))
        server.start()
        try:
            browser = Browser(server)
            browser.enter(server.new_link())
            place.is_next = True
            text = browser.get(f"/settings/{path}").text
            known = text.partition('name="mark" content="')[2].partition('"')[0]
            assert known
            assert browser.get("/settings/mark").text != known
        finally:
            server.stop()


def test_a_home_that_others_can_read_is_told(page: Shown) -> None:
    page.home.connectors.chmod(0o644)
    for path in TABS:
        assert "connectors.yaml" in banners(page.answer(path).text)
    page.home.connectors.chmod(0o600)


def test_a_locked_vault_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    create(home, KeySourceKind.PASSPHRASE).close()
    home.connectors.touch(0o600)
    home.connectors.write_text(TEXT)
    standing = standing_of(WebPlace(home, {}))
    titles = [banner.title for banner in standing.banners]
    assert titles == ["The proxy is not running", "The vault is locked by a passphrase."]


def test_a_socket_that_nobody_answers_at_is_told_apart(home: Home) -> None:
    with running_control(home) as running:
        running.fault = None
        assert proxy_state(WebPlace(home, {})).running is Running.YES
    assert proxy_state(WebPlace(home, {})).running is Running.NO


@pytest.mark.parametrize(
    ("text", "told"),
    [("", ""), ("it is so", "It is so."), ("really?", "Really?"), ("run `x`", "Run `x`")],
)
def test_an_errors_words_become_a_sentence(text: str, told: str) -> None:
    assert sentence(text) == told
