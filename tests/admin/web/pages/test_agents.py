"""The Agents tab: who may do what, in words; never a token."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from tests.support.control import running_control
from tests.support.pages import CANARY, TEXT, Shown, shown, words_of, write_home


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown(write_home(tmp_path_factory.mktemp("agents"))) as tab:
        yield tab


def test_the_list_tells_what_each_may_use_and_how_it_is_narrowed(tab: Shown) -> None:
    words = tab.words("agents")
    assert "ada" in words
    assert "Billing (read only, rate 5/minute)" in words
    assert "and without one at 127.0.0.1:8401" in words


def test_a_name_of_a_connector_is_text_and_no_markup(tab: Shown) -> None:
    for path in ("agents", "agents/ada"):
        assert "<b>Hub" not in tab.page(path)
        assert "The <b>Hub</b>" in tab.words(path)


def test_an_agents_page_has_every_connector_and_a_tick_at_those_granted(tab: Shown) -> None:
    assert ticks(tab.page("agents/ada")) == {"billing": True, "hub": True}
    assert ticks(tab.page("agents/bob")) == {"billing": False, "hub": False}
    assert "Needs a credential" in tab.words("agents/bob")


def ticks(page: str) -> dict[str, bool]:
    boxes = re.findall(r'data-grant="([^"]+)"([^>]*)>', page)
    return {slug: rest.endswith(" checked") for slug, rest in boxes}


def test_a_tick_knows_how_its_grant_is_narrowed_so_that_taking_it_back_does_not_widen_it(
    tab: Shown,
) -> None:
    found = re.search(r'data-grant="billing" data-policy="([^"]+)"', tab.page("agents/ada"))
    assert found
    assert json.loads(unescape(found[1])) == {"read_only": True, "rate": "5/minute"}


def test_a_page_has_the_version_that_changes_are_made_from(tab: Shown) -> None:
    before = tag_in(tab.page("agents/ada"))
    tab.write(TEXT.replace("connectors: [hub, ", "connectors: ["))
    try:
        assert tag_in(tab.page("agents/ada")) != before
    finally:
        tab.write(TEXT)
    assert tag_in(tab.page("agents/ada")) == before


def tag_in(page: str) -> str:
    return page.partition('data-etag="')[2].partition('"')[0]


def test_tokens_are_listed_and_never_shown(tab: Shown) -> None:
    token = tab.issue("ada")
    for path in ("agents", "agents/ada"):
        page = tab.page(path)
        assert token not in page
        assert token.removeprefix("kh_") not in page
    assert "all its connectors Revoke" in tab.words("agents/ada")
    assert "None, so nothing can be this agent but" in tab.words("agents/bob")


def test_what_becomes_of_other_hosts_is_said(tab: Shown) -> None:
    assert "hosts of no connector are refused." in tab.words("agents/bob")
    assert "without any credential (as for every agent)" in tab.words("agents/ada")


def test_the_lines_to_use_it_have_a_placeholder_for_the_token(tab: Shown) -> None:
    ada, bob = tab.words("agents/ada"), tab.words("agents/bob")
    assert "keyhatch run --agent ada -- COMMAND" in ada
    assert "export HTTPS_PROXY=http://ada:TOKEN@127.0.0.1:8399" in ada
    assert "export HTTPS_PROXY=http://127.0.0.1:8401" in bob
    assert "export SSL_CERT_FILE=" in ada


def test_an_agent_that_has_to_be_behind_the_wall_says_so(tab: Shown) -> None:
    assert "sandbox: required" not in tab.words("agents/bob")
    walled = "{required: true, share: ['/data:ro'], hide: [.env], profile: codex}"
    tab.write(TEXT.replace("unmatched: deny", f"unmatched: deny, sandbox: {walled}"))
    try:
        words = tab.words("agents/bob")
        assert "keyhatch run --sandbox --agent bob -- COMMAND" in words
        assert "profile: codex; also open: /data:ro; hidden: .env" in words
        assert "bob Sandbox required" in tab.words("agents")
    finally:
        tab.write(TEXT)


def test_they_name_the_address_of_the_proxy_that_runs(tmp_path: Path) -> None:
    home = write_home(tmp_path)
    with running_control(home) as running, shown(home) as tab:
        running.facts["listen"] = "127.0.0.1:9001"
        assert "ada:TOKEN@127.0.0.1:9001" in tab.words("agents/ada")


def test_an_agent_that_is_not_there_is_a_page_that_leads_back(tab: Shown) -> None:
    answer = tab.answer("agents/nobody")
    assert answer.status == 404
    assert "Not found" in words_of(answer.text)
    assert 'href="/settings/agents"' in answer.text
    assert 'aria-current="page">Agents' in answer.text


def test_a_home_without_agents_says_what_they_are(tmp_path: Path) -> None:
    with shown(write_home(tmp_path, "version: 1\n")) as tab:
        words = tab.words("agents")
        assert "No agents yet" in words
        assert "Add your first agent" in words


def test_no_page_has_a_key(tab: Shown) -> None:
    for path in ("agents", "agents/ada", "agents/bob"):
        assert CANARY not in tab.page(path)
