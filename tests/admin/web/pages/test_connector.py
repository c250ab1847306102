"""A connector's page: everything about it, in words and fields; never its secret."""

from collections.abc import Iterator
from html import escape

import pytest

from config.connector import binding_of
from config.load import read_registry
from config.oauth import TOKEN_SET
from proxy.oauth.token_set import TokenSet, dump
from proxy.secret import Secret
from proxy.vault.record import Place
from proxy.vault.refresh_state import Condition, RefreshState
from tests.support.command_line import NOW
from tests.support.pages import CANARY, Shown, shown, write_home
from tests.support.vaults import reopen

HOSTILE = "<script>alert(1)</script>\"'><img src=x>{{ 7*7 }}"
TEXT = """\
version: 1
connectors:
  hub: {name: "The <b>Hub</b>", type: api_key, provider: hubspot}
  datadog: {type: api_key, provider: datadog}
  billing:
    type: api_key
    hosts: [billing.example:8443, "*.billing.example"]
    placement: {header: X-Key}
    allow: [{methods: [GET, POST], paths: [/v1/**]}]
    hours: [{days: mon-fri, time: "09:00-17:00", zone: Europe/Berlin}]
    approve: [DELETE]
    strip: {query: [key]}
  unfinished: {type: api_key, hosts: [unfinished.unset.invalid]}
  analytics:
    type: oauth
    provider: google-analytics
    client_id: 123.apps.example
  own:
    type: oauth
    hosts: [api.own.example]
    client_id: unset
    authorization_url: https://unset.invalid/
    token_url: https://unset.invalid/
  inbox: {type: intercom, client_id: abc}
  ended: {type: oauth, provider: google-analytics, client_id: e}
  refused: {type: oauth, provider: google-analytics, client_id: r}
  unconnected: {type: oauth, provider: google-analytics, client_id: u}
  off: {type: api_key, hosts: [hub.example], enabled: false}
  again: {name: Again, type: api_key, hosts: [hub.example]}
agents:
  ada: {connectors: [hub, billing]}
  bob: {connectors: [hub]}
"""
ENDS = {
    "ended": Condition.NEEDS_REAUTHORIZATION,
    "refused": Condition.CONFIGURATION_ERROR,
}
SLUGS = (
    "hub", "datadog", "billing", "unfinished", "analytics", "own", "inbox", "off", "again",
    "ended", "refused", "unconnected",
)  # fmt: skip


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    home = write_home(tmp_path_factory.mktemp("connector"), TEXT)
    connectors = read_registry(home).connectors
    with reopen(home) as vault:
        for slug in ("analytics", "ended", "refused", "unconnected"):
            binding = binding_of(connectors[slug])
            vault.put(slug, "client_secret", binding, Secret(CANARY))
        client = connectors["analytics"]
        tokens = TokenSet(
            Secret(CANARY),
            Secret(CANARY),
            "Bearer",
            ("read.only",),
            NOW,
            None,
            account="a@b.example",
        )
        vault.put(client.id, TOKEN_SET, binding_of(client), dump(tokens))
        for slug, condition in ENDS.items():
            place = Place(slug, TOKEN_SET, binding_of(connectors[slug]))
            state = RefreshState(slug, condition=condition, last_error="the grant was revoked")
            vault.put_renewable(place, dump(tokens), state)
        vault.put("again", "secret", binding_of(connectors["billing"]), Secret(CANARY))
    with shown(home) as tab:
        yield tab


@pytest.mark.parametrize("slug", SLUGS)
def test_no_page_has_a_secret(tab: Shown, slug: str) -> None:
    page = tab.page(f"connectors/{slug}")
    assert CANARY not in page
    assert "canary-" not in page


@pytest.mark.parametrize("slug", SLUGS)
def test_no_page_has_a_script_a_style_or_an_address_of_elsewhere(tab: Shown, slug: str) -> None:
    page = tab.page(f"connectors/{slug}")
    assert "<script>" not in page
    assert " style=" not in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("slug", "status"),
    [
        ("hub", "Ready"),
        ("datadog", "Needs a credential"),
        ("unfinished", "Not finished"),
        ("analytics", "Ready"),
        ("own", "Not finished"),
        ("inbox", "Needs a credential"),
        ("off", "Disabled"),
        ("again", "Changed"),
        ("ended", "Needs reauthorization"),
        ("refused", "Configuration error"),
        ("unconnected", "Not connected"),
    ],
)
def test_the_status_is_the_first_thing_to_see(tab: Shown, slug: str, status: str) -> None:
    head = tab.words(f"connectors/{slug}").partition("Advanced")[0]
    assert f"{status} Enabled" in head


def test_a_slug_that_there_is_not_is_a_page_that_says_so(tab: Shown) -> None:
    answer = tab.answer("connectors/nobody")
    assert answer.status == 404
    assert "There is no such connector" in answer.text
    assert tab.answer("connectors/..%2f..%2fetc").status == 404


def test_one_that_was_renamed_is_found_by_its_id(tab: Shown) -> None:
    answer = tab.answer("connectors/old-name?id=billing")
    assert (answer.status, answer.headers["location"]) == (
        303,
        "/settings/connectors/billing?id=billing",
    )
    assert tab.answer("connectors/billing?id=billing").status == 200
    assert tab.answer("connectors/billing?id=gone").status == 404


def test_a_hostile_name_is_text(tab: Shown) -> None:
    page = tab.page("connectors/hub")
    assert "<b>Hub" not in page
    assert escape("The <b>Hub</b>") in page


def test_what_is_written_by_hand_is_text_wherever_it_is_shown(tab: Shown) -> None:
    name = HOSTILE.replace('"', '\\"')
    tab.write(TEXT.replace('name: "The <b>Hub</b>"', f'name: "{name}"'))
    try:
        for path in ("connectors", "connectors/hub", "connectors?q=%3Cscript%3Ealert"):
            page = tab.page(path)
            assert "<script>alert" not in page
            assert "<img" not in page.partition("<main")[2]
            assert "{{ 7*7 }}" in page
    finally:
        tab.write(TEXT)


def test_a_provider_prefills_destinations_and_place(tab: Shown) -> None:
    page = tab.page("connectors/datadog")
    assert field(page, "hosts") == "api.datadoghq.com"
    assert 'value="{api_key}"' in page
    assert 'value="Dd-Application-Key"' in page
    assert 'data-secret="app_key"' in page
    assert "such as {api_key}, stand for" in tab.words("connectors/datadog")
    assert "such as {access_token}, stand for" in tab.words("connectors/own")
    assert "Datadog site of the account" in tab.words("connectors/datadog")


def test_rules_are_text_that_can_be_edited(tab: Shown) -> None:
    page = tab.page("connectors/billing")
    assert field(page, "hosts") == "billing.example:8443\n*.billing.example"
    assert field(page, "allow") == "GET, POST on /v1/**"
    assert field(page, "approve") == "DELETE"
    assert field(page, "hours") == "mon-fri 09:00-17:00 Europe/Berlin"
    assert field(page, "strip.query") == "key"


def test_what_is_yet_to_be_filled_in_is_an_empty_field(tab: Shown) -> None:
    for slug in ("unfinished", "own"):
        main = tab.page(f"connectors/{slug}").partition("data-conflicts")[2]
        assert "unset.invalid" not in main
    assert field(tab.page("connectors/unfinished"), "hosts") == ""
    assert "Fill in a destination first" in tab.words("connectors/unfinished")


def test_who_is_connected_and_with_which_scopes(tab: Shown) -> None:
    words = tab.words("connectors/analytics")
    assert "as a@b.example" in words
    assert "read.only" in words
    assert "Connect again" in words
    assert "analytics.readonly" in words.partition("Not granted")[2]


def test_why_tokens_are_renewed_no_more(tab: Shown) -> None:
    words = tab.words("connectors/ended")
    assert "Connect again below" in words
    assert "The grant was revoked" in words


def test_what_connecting_lacks_is_said_before_it_is_tried(tab: Shown) -> None:
    words = tab.words("connectors/own")
    assert (
        "fill in the Client ID, the Authorization URL, the Token URL and the Client Secret first"
        in words
    )
    assert "Connect to Intercom" in tab.words("connectors/inbox")
    assert "https://localhost/callback" in tab.words("connectors/inbox")


def test_where_a_changed_connector_would_send_its_secret_is_shown_to_be_agreed_to(
    tab: Shown,
) -> None:
    words = tab.words("connectors/again")
    assert "It is not sent until you agree to: https://hub.example Send it there" in words


def test_a_line_to_paste_and_a_sentence_to_tell_an_agent(tab: Shown) -> None:
    words = tab.words("connectors/hub")
    path = "http://api.hubapi.com/account-info/v3/details"
    assert f"keyhatch run --connector hub -- curl {path}" in words
    assert f"http_proxy=http://AGENT:TOKEN@127.0.0.1:8321 curl {path}" in words
    assert "send requests to http://api.hubapi.com through the proxy" in words
    assert "-H 'Keyhatch-Connector: again'" in tab.words("connectors/again")


def test_deleting_names_the_agents_that_depend_on_it(tab: Shown) -> None:
    dialog = tab.words("connectors/hub").partition("Delete The <b>Hub</b> ?")[2]
    assert "These agents use it" in dialog
    assert "ada bob" in dialog
    assert "No agent uses it" in tab.words("connectors/own")


def test_a_broken_file_keeps_what_was_shown_before(tab: Shown) -> None:
    tab.page("connectors/hub")
    tab.write(TEXT.replace("version: 1", "version: 9"))
    try:
        assert "connectors.yaml has a mistake" in tab.page("connectors/hub")
    finally:
        tab.write(TEXT)


class TestTheList:
    def test_each_has_its_status_and_leads_to_its_page(self, tab: Shown) -> None:
        page = tab.page("connectors")
        for slug in SLUGS:
            assert f'href="/settings/connectors/{slug}"' in page
        assert "Not finished" in tab.words("connectors")
        assert "not set" in tab.words("connectors")

    def test_a_search_leaves_what_fits(self, tab: Shown) -> None:
        found = tab.page("connectors?q=billing")
        assert "/settings/connectors/billing" in found
        assert "/settings/connectors/own" not in found

    def test_the_dialog_offers_providers_by_name_for_their_types(self, tab: Shown) -> None:
        page = tab.page("connectors")
        assert 'data-value="jira" data-type="api_key" data-name="Jira' in page
        assert 'data-asked="api_key-jira"' in page
        assert 'data-var="subdomain"' in page
        assert 'name="host"' not in page


def field(page: str, key: str) -> str:
    """Return the text of a field as a browser has it."""
    inside = page.partition(f'data-field="{key}"')[2].partition("data-error-for")[0]
    if "<textarea" in inside:
        return inside.partition("data-control>")[2].partition("</textarea>")[0].removeprefix("\n")
    return inside.partition(' value="')[2].partition('"')[0]
